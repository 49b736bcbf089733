/* SPDX-License-Identifier: MIT */
/* Sums of rows by tokens into an output of tokens by rows. vector_LEVEL.h comes first. */
#ifndef ANM_CPU_GEMM_STORE_TEMPLATE_H
#define ANM_CPU_GEMM_STORE_TEMPLATE_H

#include <stdint.h>

/* VN tokens of at most VN rows. */
static inline void store_square(const float *sums, int64_t ld, int64_t rows, int64_t tokens,
                                float *y, int64_t ldy) {
    vf x[VN];
    for (int i = 0; i < VN; i++) x[i] = i < rows ? v_load(sums + i * ld) : v_zero();
    v_transpose(x);
    for (int i = 0; i < VN && i < tokens; i++) {
        if (rows >= VN) v_store(y + i * ldy, x[i]);
        else v_store_part(y + i * ldy, x[i], rows);
    }
}

/* `sums` has whole vectors of tokens. */
static inline void store_transposed(const float *sums, int64_t ld, int64_t rows, int64_t tokens,
                                    float *y, int64_t ldy) {
    for (int64_t t = 0; t < tokens; t += VN)
        for (int64_t r = 0; r < rows; r += VN)
            store_square(sums + r * ld + t, ld, rows - r, tokens - t, y + t * ldy + r, ldy);
}

#endif

/* SPDX-License-Identifier: MIT */
/* Sums of rows by tokens into an output of tokens by rows. vector_LEVEL.h comes first. */
#ifndef ANM_CPU_GEMM_STORE_TEMPLATE_H
#define ANM_CPU_GEMM_STORE_TEMPLATE_H

#include <stdint.h>

/* `sums` has whole vectors of tokens. */
static void store_transposed(const float *sums, int64_t ld, int64_t rows, int64_t tokens, float *y,
                             int64_t ldy) {
    for (int64_t t = 0; t < tokens; t += VN)
        for (int64_t r = 0; r < rows; r += VN) {
            vf x[VN];
            for (int i = 0; i < VN; i++)
                x[i] = r + i < rows ? v_load(sums + (r + i) * ld + t) : v_zero();
            v_transpose(x);
            for (int i = 0; i < VN && t + i < tokens; i++) {
                if (rows - r >= VN) v_store(y + (t + i) * ldy + r, x[i]);
                else v_store_part(y + (t + i) * ldy + r, x[i], rows - r);
            }
        }
}

#endif

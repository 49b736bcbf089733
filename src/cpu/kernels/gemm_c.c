/* SPDX-License-Identifier: MIT */
/* The reference: each token as gemv_c computes it, a row being decoded once for all tokens. */
#include <string.h>

#include "src/cpu/kernels/gemm_levels.h"

static bool accepts(const anm_matrix *w) { return true; }

static size_t input_bytes(int64_t columns, int64_t tokens) {
    return ((size_t)(columns * tokens) * 4 + 63) / 64 * 64;
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    float *dense = input;
    for (int64_t t = tokens * part / parts; t < tokens * (part + 1) / parts; t++)
        memcpy(dense + t * columns, x + t * ldx, (size_t)columns * 4);
}

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) { return (size_t)w->columns * 4; }

static float product(const float *a, const float *b, int64_t n) {
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void run(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch) {
    const float *x = input;
    for (int64_t row = row0; row < row1; row++) {
        anm_matrix_row(w, row, 0, w->columns, scratch);
        for (int64_t t = 0; t < tokens; t++)
            y[t * ldy + row] = product(scratch, x + t * w->columns, w->columns);
    }
}

const anm_gemm_kernel anm_gemm_kernels_c[] = {
    {"gemm_c", ANM_ISA_C, accepts, 1, input_bytes, prepare, scratch_bytes, run},
    {0},
};

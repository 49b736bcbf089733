/* SPDX-License-Identifier: MIT */
/*
 * The reference: products and sums in fp32, each rounded, columns in order, as the interpreter's
 * inner products (src/interp/dot.h).
 */
#include <string.h>

#include "src/cpu/kernels/gemv_levels.h"

enum { CHUNK = 256 };

static bool accepts(const anm_matrix *w) { return true; }

static size_t input_bytes(int64_t columns) { return ((size_t)columns * 4 + 63) / 64 * 64; }

static void prepare(const float *x, int64_t columns, void *input) {
    memcpy(input, x, (size_t)columns * 4);
}

static float product(const anm_matrix *w, int64_t row, const float *x) {
    float part[CHUNK], sum = 0;
    for (int64_t column = 0; column < w->columns; column += CHUNK) {
        int64_t n = w->columns - column < CHUNK ? w->columns - column : CHUNK;
        anm_matrix_row(w, row, column, n, part);
        for (int64_t i = 0; i < n; i++) sum += part[i] * x[column + i];
    }
    return sum;
}

static void run(const anm_matrix *w, const void *input, int64_t row0, int64_t row1, float *y) {
    for (int64_t row = row0; row < row1; row++) y[row] = product(w, row, input);
}

const anm_gemv_kernel anm_gemv_kernels_c[] = {
    {"gemv_c", ANM_ISA_C, ANM_GEMV_FP32, accepts, 1, input_bytes, prepare, run},
    {0},
};

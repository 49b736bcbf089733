/* SPDX-License-Identifier: MIT */
/*
 * Template: GEMV with halves or floats as weights, in fp32. A level's file includes the header of
 * its vector first, then this, and then makes its table with GEMV_FLOAT_KERNELS.
 */
#ifndef ANM_CPU_GEMV_FLOAT_H
#define ANM_CPU_GEMV_FLOAT_H

#include <string.h>

#include "src/cpu/kernels/gemv_levels.h"
#include "src/cpu/kernels/gemv_spans.h"

enum {
    GEMV_ROWS = 4, /* at a time: they share x */
    GEMV_SUMS = 2, /* of a row: more products are under way than one chain of sums allows */
    GEMV_STEP = 32 /* columns between prefetches */
};

static inline size_t float_input_bytes(int64_t columns) {
    return ((size_t)columns * 4 + 63) / 64 * 64;
}

static inline void float_prepare(const float *x, int64_t columns, void *input) {
    memcpy(input, x, (size_t)columns * 4);
}

GEMV_INLINE void float_prefetch(const char *w, int size) {
    for (int i = 0; i < GEMV_STEP * size; i += 64) {
        __builtin_prefetch(w + i + GEMV_FAR, 0, 2);
        __builtin_prefetch(w + i + GEMV_NEAR, 0, 3);
    }
}

GEMV_INLINE vf float_weights(const char *w, int size, int64_t n) {
    if (size == 2)
        return n >= VN ? v_load_half((const uint16_t *)w)
                       : v_load_half_part((const uint16_t *)w, n);
    return n >= VN ? v_load((const float *)w) : v_load_part((const float *)w, n);
}

GEMV_INLINE void float_rows(int rows, int size, const char *w, int64_t stride, const float *x,
                            int64_t columns, float *y) {
    vf sum[GEMV_ROWS][GEMV_SUMS];
    int64_t i = 0;
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < GEMV_SUMS; s++) sum[r][s] = v_zero();
    for (; i + GEMV_STEP <= columns; i += GEMV_STEP) {
        for (int r = 0; r < rows; r++) float_prefetch(w + r * stride + i * size, size);
        for (int s = 0; s < GEMV_STEP / VN; s++) {
            vf xs = v_load(x + i + s * VN);
            for (int r = 0; r < rows; r++) {
                vf ws = float_weights(w + r * stride + (i + s * VN) * size, size, VN);
                sum[r][s % GEMV_SUMS] = v_fma(ws, xs, sum[r][s % GEMV_SUMS]);
            }
        }
    }
    for (; i < columns; i += VN) {
        vf xs = columns - i >= VN ? v_load(x + i) : v_load_part(x + i, columns - i);
        for (int r = 0; r < rows; r++)
            sum[r][0] = v_fma(float_weights(w + r * stride + i * size, size, columns - i), xs,
                              sum[r][0]);
    }
    for (int r = 0; r < rows; r++) y[r] = v_sum(v_add(sum[r][0], sum[r][1]));
}

GEMV_INLINE void float_run(int size, const anm_matrix *w, const float *x, int64_t row0,
                           int64_t row1, float *y) {
    const int64_t stride = w->columns * size;
    const char *data = w->data;
    int64_t row = row0;
    for (; row + GEMV_ROWS <= row1; row += GEMV_ROWS)
        float_rows(GEMV_ROWS, size, data + row * stride, stride, x, w->columns, y + row);
    for (; row < row1; row++)
        float_rows(1, size, data + row * stride, stride, x, w->columns, y + row);
    gemv_scale_rows(w, row0, row1, y);
}

static inline bool accepts_fp16(const anm_matrix *w) { return w->kind == ANM_MATRIX_FP16; }
static inline bool accepts_fp32(const anm_matrix *w) { return w->kind == ANM_MATRIX_FP32; }

static inline void run_fp16(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                            float *y) {
    float_run(2, w, input, row0, row1, y);
}
static inline void run_fp32(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                            float *y) {
    float_run(4, w, input, row0, row1, y);
}

#define GEMV_FLOAT_KERNELS(suffix, isa)                                                            \
    {"gemv_fp16_" suffix, isa, ANM_GEMV_FP32, accepts_fp16, GEMV_ROWS, float_input_bytes,          \
     float_prepare, run_fp16},                                                                     \
    {                                                                                              \
        "gemv_fp32_" suffix, isa, ANM_GEMV_FP32, accepts_fp32, GEMV_ROWS, float_input_bytes,       \
            float_prepare, run_fp32                                                                \
    }

#endif

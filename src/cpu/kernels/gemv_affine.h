/* SPDX-License-Identifier: MIT */
/*
 * Template: GEMV with integers of 4 and 8 bits, a scale and maybe an offset for each group of
 * columns, in fp32: a group's sum is that of q x, times the scale, less scale * offset * (the sum
 * of its x). A level gives integers(bits, is_signed, w): the VN columns whose bytes begin at w.
 */
#ifndef ANM_CPU_GEMV_AFFINE_H
#define ANM_CPU_GEMV_AFFINE_H

#include "src/cpu/kernels/gemv_float.h"

enum { AFFINE_ROWS = 4 };

/* As integers(), for the first n < VN columns; the other lanes are 0. */
GEMV_INLINE vf integers_part(int bits, bool is_signed, const uint8_t *w, int64_t n) {
    uint8_t part[VN] = {0};
    memcpy(part, w, (size_t)((n * bits + 7) / 8));
    return integers(bits, is_signed, part);
}

/* Sums of q x of `rows` rows over n columns, and of x. `from`: bytes of the rows before these. */
GEMV_INLINE void group_sums(int bits, bool is_signed, int rows, const uint8_t *w, int64_t stride,
                            int64_t from, const float *x, int64_t n, vf *sum, vf *sum_x) {
    int64_t i = 0;
    *sum_x = v_zero();
    for (int r = 0; r < rows; r++) sum[r] = v_zero();
    for (; i + VN <= n; i += VN) {
        vf xs = v_load(x + i);
        *sum_x = v_add(*sum_x, xs);
        if ((from + i * bits / 8) % 64 == 0)
            for (int r = 0; r < rows; r++) {
                __builtin_prefetch(w + r * stride + i * bits / 8 + GEMV_FAR, 0, 2);
                __builtin_prefetch(w + r * stride + i * bits / 8 + GEMV_NEAR, 0, 3);
            }
        for (int r = 0; r < rows; r++)
            sum[r] = v_fma(integers(bits, is_signed, w + r * stride + i * bits / 8), xs, sum[r]);
    }
    if (i == n) return;
    vf xs = v_load_part(x + i, n - i);
    *sum_x = v_add(*sum_x, xs);
    for (int r = 0; r < rows; r++) {
        vf q = integers_part(bits, is_signed, w + r * stride + i * bits / 8, n - i);
        sum[r] = v_fma(q, xs, sum[r]);
    }
}

GEMV_INLINE float offset_at(int bits, bool is_signed, const void *offset, int64_t index) {
    const uint8_t *bytes = offset;
    int value = bits == 8 ? bytes[index] : bytes[index / 2] >> index % 2 * 4 & 15;
    int sign = 1 << (bits - 1);
    return (float)(is_signed ? (value ^ sign) - sign : value);
}

GEMV_INLINE void affine_rows(int bits, bool is_signed, int rows, const anm_matrix *w, int64_t row,
                             const float *x, float *y) {
    const int64_t stride = w->columns * bits / 8, across = w->columns / w->group_columns;
    const uint8_t *data = (const uint8_t *)w->data + row * stride;
    const int64_t group_bytes = w->group_columns * bits / 8;
    vf total[AFFINE_ROWS], sum[AFFINE_ROWS], sum_x;
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (int64_t g = 0; g < across; g++) {
        const uint8_t *at = data + g * group_bytes;
        group_sums(bits, is_signed, rows, at, stride, g * group_bytes, x + g * w->group_columns,
                   w->group_columns, sum, &sum_x);
        for (int r = 0; r < rows; r++) {
            int64_t group = (row + r) / w->group_rows * across + g;
            float scale = anm_half_to_float(w->scale[group]);
            total[r] = v_fma(sum[r], v_set(scale), total[r]);
            if (w->offset) {
                float shift = -scale * offset_at(bits, is_signed, w->offset, group);
                total[r] = v_fma(sum_x, v_set(shift), total[r]);
            }
        }
    }
    for (int r = 0; r < rows; r++) y[row + r] = v_sum(total[r]);
}

GEMV_INLINE void affine_run(int bits, bool is_signed, const anm_matrix *w, const float *x,
                            int64_t row0, int64_t row1, float *y) {
    int64_t row = row0;
    for (; row + AFFINE_ROWS <= row1; row += AFFINE_ROWS)
        affine_rows(bits, is_signed, AFFINE_ROWS, w, row, x, y);
    for (; row < row1; row++) affine_rows(bits, is_signed, 1, w, row, x, y);
    gemv_scale_rows(w, row0, row1, y);
}

/* Rows and groups begin at whole bytes. */
static bool accepts_affine(const anm_matrix *w, int bits) {
    return w->kind == ANM_MATRIX_AFFINE && w->bits == bits && w->columns * bits % 8 == 0 &&
           w->group_columns * bits % 8 == 0;
}

#define AFFINE(bits)                                                                               \
    static inline bool accepts_int##bits(const anm_matrix *w) { return accepts_affine(w, bits); }  \
    static inline void run_int##bits(const anm_matrix *w, const void *input, int64_t row0,         \
                                     int64_t row1, float *y) {                                     \
        if (w->is_signed) affine_run(bits, true, w, input, row0, row1, y);                         \
        else affine_run(bits, false, w, input, row0, row1, y);                                     \
    }
AFFINE(4) AFFINE(8)

#define GEMV_AFFINE_KERNELS(suffix, isa)                                                           \
    {"gemv_int4_" suffix, isa, ANM_GEMV_FP32, accepts_int4, AFFINE_ROWS, float_input_bytes,        \
     float_prepare, run_int4},                                                                     \
    {                                                                                              \
        "gemv_int8_" suffix, isa, ANM_GEMV_FP32, accepts_int8, AFFINE_ROWS, float_input_bytes,     \
            float_prepare, run_int8                                                                \
    }

#endif

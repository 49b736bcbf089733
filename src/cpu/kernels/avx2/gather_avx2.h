/* SPDX-License-Identifier: MIT */
/*
 * 8-bit tables on AVX2, in fp32: a gather. Looking 256 entries up by vpshufb would take 16 of them
 * for each byte of an entry, and more time (docs/kernels.md).
 */
#ifndef ANM_CPU_GATHER_AVX2_H
#define ANM_CPU_GATHER_AVX2_H

#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/gemv_spans.h"

enum { GATHER_ROWS = 4, GATHER_STEP = 32 };

/* Indices come four to a lane, so that x lies by their place in it: columns 0, 4, .. 28, 1, 5 .. */
static size_t gather_input_bytes(int64_t columns) {
    return (size_t)((columns + GATHER_STEP - 1) / GATHER_STEP * GATHER_STEP * 4);
}

static void gather_prepare(const float *x, int64_t columns, void *input) {
    float *out = input;
    for (int64_t from = 0; from < columns; from += GATHER_STEP, out += GATHER_STEP)
        for (int i = 0; i < GATHER_STEP; i++)
            out[i % 4 * VN + i / 4] = from + i < columns ? x[from + i] : 0;
}

/* One load of indices instead of four: the gathers need nearly all loads that can be done. */
GEMV_INLINE vf gather32(const float *table, const uint8_t *w, const float *x, vf sum) {
    const __m256i byte = _mm256_set1_epi32(255);
    __m256i raw = _mm256_loadu_si256((const __m256i *)w);
    for (int i = 0; i < 4; i++) {
        __m256i index = _mm256_srli_epi32(raw, 8 * i);
        if (i < 3) index = _mm256_and_si256(index, byte);
        sum = v_fma(_mm256_i32gather_ps(table, index, 4), v_load(x + i * VN), sum);
    }
    return sum;
}

GEMV_INLINE void gather_rows(int rows, const float *table, const uint8_t *w, int64_t stride,
                             const float *x, int64_t columns, vf *total) {
    int64_t i = 0;
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (; i + GATHER_STEP <= columns; i += GATHER_STEP) {
        if (i % 64 == 0)
            for (int r = 0; r < rows; r++) {
                __builtin_prefetch(w + r * stride + i + GEMV_FAR, 0, 2);
                __builtin_prefetch(w + r * stride + i + GEMV_NEAR, 0, 3);
            }
        for (int r = 0; r < rows; r++)
            total[r] = gather32(table, w + r * stride + i, x + i, total[r]);
    }
    if (i == columns) return;
    for (int r = 0; r < rows; r++) {
        uint8_t last[GATHER_STEP] = {0};
        memcpy(last, w + r * stride + i, (size_t)(columns - i));
        total[r] = gather32(table, last, x + i, total[r]);
    }
}

GEMV_INLINE void gather_run_span(const anm_matrix *w, const gemv_span *c, const float *x,
                                 float *y) {
    const uint8_t *data = (const uint8_t *)w->data + c->block0 * ANM_GEMV_BLOCK;
    float table[256];
    vf total[GATHER_ROWS];
    for (int i = 0; i < 256; i += VN) v_store(table + i, v_load_half(c->lut + i));
    for (int64_t row = c->row0; row < c->row1; row += GATHER_ROWS) {
        int n = c->row1 - row < GATHER_ROWS ? (int)(c->row1 - row) : GATHER_ROWS;
        const uint8_t *at = data + row * w->columns;
        if (n == GATHER_ROWS)
            gather_rows(GATHER_ROWS, table, at, w->columns, x, w->group_columns, total);
        else
            for (int r = 0; r < n; r++)
                gather_rows(1, table, at + r * w->columns, w->columns, x, w->group_columns,
                            total + r);
        for (int r = 0; r < n; r++)
            y[row + r] = c->block0 ? y[row + r] + v_sum(total[r]) : v_sum(total[r]);
    }
}

static bool accepts_gather(const anm_matrix *w) { return gemv_accepts_lut(w, 8); }

static void run_gather(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                       float *y) {
    const float *x = input;
    gemv_span span = gemv_span_start(8, w, row0);
    while (gemv_span_next(8, w, row1, &span))
        gather_run_span(w, &span, x + span.block0 * ANM_GEMV_BLOCK, y);
    gemv_scale_rows(w, row0, row1, y);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * 8-bit tables on AVX2, in fp32: a gather. Looking 256 entries up by vpshufb would take 16 of them
 * for each byte of an entry.
 */
#ifndef ANM_CPU_GATHER_AVX2_H
#define ANM_CPU_GATHER_AVX2_H

#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/gemv_spans.h"

enum { GATHER_ROWS = 4 };

GEMV_INLINE vf gather8(const float *table, const uint8_t *w) {
    __m256i index = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)w));
    return _mm256_i32gather_ps(table, index, 4);
}

GEMV_INLINE void gather_rows(int rows, const float *table, const uint8_t *w, int64_t stride,
                             const float *x, int64_t columns, vf *total) {
    int64_t i = 0;
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (; i + VN <= columns; i += VN) {
        vf xs = v_load(x + i);
        if (i % 64 == 0)
            for (int r = 0; r < rows; r++) {
                __builtin_prefetch(w + r * stride + i + GEMV_FAR, 0, 2);
                __builtin_prefetch(w + r * stride + i + GEMV_NEAR, 0, 3);
            }
        for (int r = 0; r < rows; r++)
            total[r] = v_fma(gather8(table, w + r * stride + i), xs, total[r]);
    }
    if (i == columns) return;
    for (int r = 0; r < rows; r++) {
        uint8_t last[VN] = {0};
        memcpy(last, w + r * stride + i, (size_t)(columns - i));
        total[r] = v_fma(gather8(table, last), v_load_part(x + i, columns - i), total[r]);
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

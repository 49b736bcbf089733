/* SPDX-License-Identifier: MIT */
/*
 * Palettized weights of any form, in fp32: tables shared by any number of columns, rows that begin
 * within a byte. Indices and table entries are gathered.
 */
#ifndef ANM_CPU_ANY_AVX2_H
#define ANM_CPU_ANY_AVX2_H

#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/gemv_spans.h"

/* A row: its indices begin at bit `bit0` of `data`, of which `bytes` are left in the matrix. */
typedef struct any_row {
    const anm_matrix *w;
    const uint8_t *data;
    int64_t bytes, bit0, group0; /* group0: the row's first table */
} any_row;

static inline any_row any_row_at(const anm_matrix *w, int64_t row) {
    int64_t bit = row * w->columns * w->bits, all = (w->rows * w->columns * w->bits + 7) / 8;
    return (any_row){.w = w,
                     .data = (const uint8_t *)w->data + bit / 8,
                     .bytes = all - bit / 8,
                     .bit0 = bit % 8,
                     .group0 = row / w->group_rows * (w->columns / w->group_columns)};
}

/* Places in `lut` of the entries of columns column .. column + 7. */
GEMV_INLINE __m256i entries8(const any_row *row, int64_t column) {
    const int bits = row->w->bits;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i at = _mm256_add_epi32(lane, _mm256_set1_epi32((int)column));
    __m256i bit = _mm256_add_epi32(_mm256_mullo_epi32(at, _mm256_set1_epi32(bits)),
                                   _mm256_set1_epi32((int)row->bit0));
    __m256i raw = _mm256_i32gather_epi32((const int *)(const void *)row->data,
                                         _mm256_srli_epi32(bit, 3), 1);
    __m256i index = _mm256_and_si256(
        _mm256_srlv_epi32(raw, _mm256_and_si256(bit, _mm256_set1_epi32(7))),
        _mm256_set1_epi32((1 << bits) - 1));
    /* The quotient of column + 1/2 is never so near to an integer that fp32 could miss it. */
    vf half = _mm256_add_ps(_mm256_cvtepi32_ps(at), v_set(0.5f));
    vf quotient = _mm256_mul_ps(half, v_set(1 / (float)row->w->group_columns));
    __m256i group = _mm256_add_epi32(_mm256_cvttps_epi32(quotient),
                                     _mm256_set1_epi32((int)row->group0));
    return _mm256_or_si256(_mm256_sll_epi32(group, _mm_cvtsi32_si128(bits)), index);
}

/* The same where 8 columns or what is gathered with them would reach behind the matrix. */
static inline __m256i entries_last(const any_row *row, int64_t column) {
    const int bits = row->w->bits;
    int32_t entry[8] = {0};
    for (int64_t i = 0; i < 8 && column + i < row->w->columns; i++) {
        int64_t bit = row->bit0 + (column + i) * bits, group = (column + i) / row->w->group_columns;
        uint32_t pair = row->data[bit / 8];
        if (bit % 8 + bits > 8) pair |= (uint32_t)row->data[bit / 8 + 1] << 8;
        uint32_t index = pair >> (bit % 8) & ((1u << bits) - 1);
        entry[i] = (int32_t)((row->group0 + group) << bits | index);
    }
    return _mm256_loadu_si256((const __m256i *)entry);
}

/* Entries are read in pairs: a table has an even number, so nothing behind the last is touched. */
GEMV_INLINE vf halves_at(const uint16_t *lut, __m256i entry) {
    __m256i pair = _mm256_i32gather_epi32((const int *)(const void *)lut,
                                          _mm256_srli_epi32(entry, 1), 4);
    __m256i odd = _mm256_and_si256(entry, _mm256_set1_epi32(1));
    __m256i half = _mm256_and_si256(_mm256_srlv_epi32(pair, _mm256_slli_epi32(odd, 4)),
                                    _mm256_set1_epi32(0xffff));
    __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(half),
                                      _mm256_extracti128_si256(half, 1));
    return _mm256_cvtph_ps(packed);
}

static void run_any(const anm_matrix *w, const void *input, int64_t row0, int64_t row1, float *y) {
    const float *x = input;
    for (int64_t r = row0; r < row1; r++) {
        const any_row row = any_row_at(w, r);
        const int64_t safe = ((row.bytes - 4) * 8 - row.bit0) / w->bits - 8;
        vf sum = v_zero();
        int64_t i = 0;
        for (; i + VN <= w->columns && i <= safe; i += VN)
            sum = v_fma(halves_at(w->lut, entries8(&row, i)), v_load(x + i), sum);
        for (; i < w->columns; i += VN) {
            vf last = halves_at(w->lut, entries_last(&row, i));
            sum = v_fma(last, v_load_part(x + i, w->columns - i), sum);
        }
        y[r] = v_sum(sum);
    }
    gemv_scale_rows(w, row0, row1, y);
}

/* What fits the 32 bits of a gather, and columns whose group fp32 tells exactly. */
static bool accepts_any(const anm_matrix *w) {
    return w->kind == ANM_MATRIX_LUT && w->columns < 1 << 20 &&
           (w->rows / w->group_rows * (w->columns / w->group_columns)) << w->bits < INT32_MAX;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * 6-bit tables on AVX2 that rise evenly, as those of k-means do once they are sorted: an entry is a
 * multiple of its index and a byte, entry = first + unit (rise index + byte), so that one byte of
 * an entry is looked up instead of two. Any table for which `unit` would be coarse is looked up as
 * it is (docs/kernels.md, "Entries that lie on a line").
 */
#ifndef ANM_CPU_RAMP_AVX2_H
#define ANM_CPU_RAMP_AVX2_H

#include <math.h>

#include "src/cpu/kernels/avx2/words_avx2.h"
#include "src/cpu/kernels/gemv_words.h"

/* The greatest rise: 16 products of 63 of them and a byte with 16383 are summed in 32 bits. */
enum { MOST_RISE = 125 };

/* A span's table, in one form or the other. */
typedef struct ramp_table {
    tables t;
    int form;
    float scale, first;
} ramp_table;

/* 64 entries less `rise` for each index, and their least and greatest. */
GEMV_INLINE void ramp_level(const vf *entry, float rise, vf *level, float *least, float *greatest) {
    vf index = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
    vf low = v_set(INFINITY), high = v_set(-INFINITY);
    for (int i = 0; i < 8; i++) {
        level[i] = _mm256_fnmadd_ps(index, v_set(rise), entry[i]);
        low = _mm256_min_ps(low, level[i]);
        high = _mm256_max_ps(high, level[i]);
        index = v_add(index, v_set(8));
    }
    *greatest = v_largest(high);
    *least = v_least(low);
}

GEMV_INLINE __m128i ramp_words(vf level, vf first, vf units) {
    __m256i q = _mm256_cvtps_epi32(v_mul(v_sub(level, first), units));
    return _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
}

GEMV_INLINE void ramp_fill(const vf *level, int rise, ramp_table *out) {
    vf first = v_set(out->first), units = v_set(1 / out->scale);
    for (int i = 0; i < 4; i++)
        out->t.low[i] = _mm256_broadcastsi128_si256(
            _mm_packus_epi16(ramp_words(level[2 * i], first, units),
                             ramp_words(level[2 * i + 1], first, units)));
    keep_differences(out->t.low);
    out->t.by = _mm256_set1_epi16((short)(rise << 8 | 1));
    out->form = 6 + RAMP;
}

/*
 * False: the table is none that rises, or its unit would be more than a 128th of the mean
 * magnitude, or an entry is not finite. The rise is that between the second entry and the last but
 * one: the outermost two stand apart.
 */
GEMV_INLINE bool ramp_load(const uint16_t *lut, ramp_table *out) {
    vf entry[8], level[8], size = v_zero();
    float least, greatest;
    for (int i = 0; i < 8; i++) {
        entry[i] = v_load_half(lut + 8 * i);
        size = v_add(size, v_abs(entry[i]));
    }
    float slope = (entry[7][6] - entry[0][1]) / 61;
    ramp_level(entry, slope, level, &least, &greatest);
    float rise = floorf(slope * 254 / (greatest - least));
    if (!(rise >= 1)) return false;
    if (rise > MOST_RISE) rise = MOST_RISE;
    out->scale = slope / rise;
    out->first = least;
    /* NaN makes this false, an infinity the rise 0 or NaN. */
    if (!(out->scale * (128 * 64) <= v_sum(size))) return false;
    ramp_fill(level, (int)rise, out);
    return true;
}

GEMV_INLINE void ramp_or_words(const uint16_t *lut, ramp_table *out) {
    if (ramp_load(lut, out)) return;
    out->form = 6;
    out->first = 0;
    out->scale = tables_load(6, lut, &out->t);
}

/* Of small matrices exact arithmetic costs little (docs/kernels.md says why it matters there). */
static bool accepts_ramp(const anm_matrix *w) {
    return gemv_accepts_lut(w, 6) && w->columns >= 512;
}

/* The prepared x of words, and behind it the sum of each block, for what entries begin at. */
static size_t ramp_input_bytes(int64_t columns) {
    return words_input_bytes(columns) + ((size_t)gemv_blocks(columns) * 4 + 63) / 64 * 64;
}

static void ramp_prepare(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 6, input);
    const words_input in = words_input_at(input, columns);
    float *sums = (float *)((char *)input + words_input_bytes(columns));
    for (int64_t b = 0; b < gemv_blocks(columns); b++) {
        int32_t sum = 0;
        for (int i = 0; i < ANM_GEMV_BLOCK; i++) sum += in.words[b * ANM_GEMV_BLOCK + i];
        sums[b] = (float)sum * in.scale[b];
    }
}

static inline float ramp_base(const void *input, const anm_matrix *w, const gemv_span *span) {
    const float *sums = (const float *)((const char *)input + words_input_bytes(w->columns));
    float sum = 0;
    for (int64_t b = 0; b < span->blocks; b++) sum += sums[span->block0 + b];
    return sum;
}

/* A span's table is made while the one before is computed: it depends on a long chain. */
static void run_ramp(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                     float *y) {
    const words_input in = words_input_at(input, w->columns);
    gemv_span span = gemv_span_start(6, w, row0);
    decoder d;
    ramp_table table[2];
    decoder_make(6, &d);
    bool more = gemv_span_next(6, w, row1, &span);
    if (more) ramp_or_words(span.lut, &table[0]);
    for (int turn = 0; more; turn ^= 1) {
        const ramp_table *t = &table[turn];
        gemv_span next = span;
        more = gemv_span_next(6, w, row1, &next);
        if (more) ramp_or_words(next.lut, &table[turn ^ 1]);
        if (t->form == 6) {
            table_run_span(6, w, &d, &t->t, t->scale, 0, &span, &in, y);
        } else {
            float base = t->first * ramp_base(input, w, &span);
            table_run_span(6 + RAMP, w, &d, &t->t, t->scale, base, &span, &in, y);
        }
        span = next;
    }
    gemv_scale_rows(w, row0, row1, y);
}

#endif

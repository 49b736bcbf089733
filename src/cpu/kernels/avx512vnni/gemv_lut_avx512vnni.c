/* SPDX-License-Identifier: MIT */
/*
 * Palettized weights in 16-bit integers. A table's value is quantised to t = scale * (u - 32768),
 * u in 1 .. 65535, and split in bytes, u = 256 * high + low, each a table of bytes that vpermb
 * looks up. With x in digits (gemv_input), u x = 65536 hh + 256 (hl + lh) + ll; ll is replaced by
 * its mean over low bytes, 128 l, the rest are dot products of unsigned and signed bytes:
 *
 *   sum(t x) = scale * sx * (65536 sum(hh) + 256 sum(hl + lh) + sum(128 l - 32768 x))
 *
 * the last sum being known beforehand (`shift`). A block of 256 columns gives a lane 16 products a
 * sum: hh <= 16 * 255 * 127, hl + lh <= 32 * 255 * 128 < 2^24, exact in fp32.
 *
 * Only the low 6 bits of an index count, so tables below 64 entries are repeated and the bits above
 * an index need not be cleared.
 */
#include <immintrin.h>
#include <string.h>

#include "src/cpu/kernels/avx512vnni/gemv_input_avx512vnni.h"
#include "src/cpu/kernels/gemv_levels.h"
#include "src/cpu/kernels/gemv_spans.h"

#define INLINE GEMV_INLINE

enum {
    ROWS = 4, /* at a time: they share the digits of x */
    T_MAX = 32767,
    NEAR = 6144 /* bytes on, of what the second level cache has */
};

typedef struct tables {
    __m512i high[4], low[4]; /* as many as 64 entries each need */
    float scale;
} tables;

/* 64 words as they lie in memory, quantised, to one vector of high and one of low bytes. */
INLINE void split64(const uint16_t *halves, __m512 inverse, __m512i *high, __m512i *low) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i byte = _mm512_set1_epi16(255), bias = _mm512_set1_epi16((short)0x8000);
    __m512i q[4];
    for (int i = 0; i < 4; i++) {
        __m512 t = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(halves + 16 * i)));
        q[i] = _mm512_cvtps_epi32(_mm512_mul_ps(t, inverse));
    }
    __m512i a = _mm512_xor_si512(_mm512_packs_epi32(q[0], q[1]), bias);
    __m512i b = _mm512_xor_si512(_mm512_packs_epi32(q[2], q[3]), bias);
    __m512i h = _mm512_packus_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8));
    __m512i l = _mm512_packus_epi16(_mm512_and_si512(a, byte), _mm512_and_si512(b, byte));
    *high = _mm512_permutexvar_epi32(order, h);
    *low = _mm512_permutexvar_epi32(order, l);
}

/* The greatest magnitude of up to 32 halves: bits compare as the numbers do. */
INLINE __m512i max32(__m512i max, __m512i halves) {
    return _mm512_max_epu16(max, _mm512_and_si512(halves, _mm512_set1_epi16(0x7fff)));
}

INLINE float largest(__m512i max) {
    __m256i a = _mm256_max_epu16(_mm512_castsi512_si256(max), _mm512_extracti64x4_epi64(max, 1));
    __m128i b = _mm_max_epu16(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    /* The minimum of the complements is the maximum. */
    __m128i least = _mm_minpos_epu16(_mm_xor_si128(b, _mm_set1_epi16(-1)));
    return _cvtsh_ss((uint16_t)~_mm_extract_epi16(least, 0));
}

/* Up to 32 entries, repeated to 64 on the way. */
INLINE void load_small(int bits, const uint16_t *lut, tables *t) {
    uint16_t entries[64];
    __m512i lane = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
                                    15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i index = _mm512_and_si512(lane, _mm512_set1_epi16((short)((1 << bits) - 1)));
    __m512i raw = _mm512_maskz_loadu_epi16((__mmask32)((1ull << (1 << bits)) - 1), lut);
    __m512i all = _mm512_permutexvar_epi16(index, raw);
    float max = largest(max32(_mm512_setzero_si512(), all));
    _mm512_storeu_si512(entries, all);
    _mm512_storeu_si512(entries + 32, all);
    t->scale = max / T_MAX;
    split64(entries, _mm512_set1_ps(max > 0 ? T_MAX / max : 0), &t->high[0], &t->low[0]);
}

INLINE void load_tables(int bits, const uint16_t *lut, tables *t) {
    if (bits < 6) {
        load_small(bits, lut, t);
        return;
    }
    __m512i max = _mm512_setzero_si512();
    for (int i = 0; i < 1 << bits; i += 32) max = max32(max, _mm512_loadu_si512(lut + i));
    float m = largest(max);
    __m512 inverse = _mm512_set1_ps(m > 0 ? T_MAX / m : 0);
    t->scale = m / T_MAX;
    for (int i = 0; i < 1 << (bits - 6); i++)
        split64(lut + 64 * i, inverse, &t->high[i], &t->low[i]);
}

/* Entries of 256 by two bits of the index's byte as masks and six as vpermb's index. */
INLINE __m512i look_up256(const __m512i *table, __m512i index, __mmask64 bit6, __mmask64 bit7) {
    __m512i a = _mm512_permutexvar_epi8(index, table[0]);
    __m512i b = _mm512_permutexvar_epi8(index, table[2]);
    a = _mm512_mask_permutexvar_epi8(a, bit6, index, table[1]);
    b = _mm512_mask_permutexvar_epi8(b, bit6, index, table[3]);
    return _mm512_mask_mov_epi8(a, bit7, b);
}

/* Sums of a row in a block: of the products of high bytes, and of the mixed ones. */
typedef struct sums {
    __m512i high, mixed[2]; /* two, as one chain of them is too long */
} sums;

INLINE void add64(int bits, const tables *t, __m512i index, __m512i xh, __m512i xl, sums *s) {
    __m512i high, low;
    if (bits == 8) {
        __mmask64 bit7 = _mm512_movepi8_mask(index);
        __mmask64 bit6 = _mm512_movepi8_mask(_mm512_add_epi8(index, index));
        high = look_up256(t->high, index, bit6, bit7);
        low = look_up256(t->low, index, bit6, bit7);
    } else {
        high = _mm512_permutexvar_epi8(index, t->high[0]);
        low = _mm512_permutexvar_epi8(index, t->low[0]);
    }
    s->high = _mm512_dpbusd_epi32(s->high, high, xh);
    s->mixed[0] = _mm512_dpbusd_epi32(s->mixed[0], high, xl);
    s->mixed[1] = _mm512_dpbusd_epi32(s->mixed[1], low, xh);
}

/* 64 indices of 1, 2, 3 or 6 bits to the low bits of bytes: 8 of them lie in `bits` bytes. */
INLINE __m512i spread64(int bits, const uint8_t *w) {
    __m512i place = _mm512_set_epi8(7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3,
                                    2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6,
                                    5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1,
                                    0);
    __m512i lane = _mm512_setr_epi64(0, 0x0101010101010101 * bits, 0x0202020202020202 * bits,
                                     0x0303030303030303 * bits, 0x0404040404040404 * bits,
                                     0x0505050505050505 * bits, 0x0606060606060606 * bits,
                                     0x0707070707070707 * bits);
    __m512i shift = _mm512_set1_epi64(0x0706050403020100 * bits);
    __m512i raw = _mm512_maskz_loadu_epi64((__mmask8)((1 << bits) - 1), w);
    __m512i bytes = _mm512_permutexvar_epi8(_mm512_add_epi8(place, lane), raw);
    return _mm512_multishift_epi64_epi8(shift, bytes);
}

INLINE void add_block(int bits, const tables *t, const uint8_t *w, const int8_t *x, sums *s) {
    const int8_t *xl = x + ANM_GEMV_BLOCK;
    if (bits == 4) {
        for (int i = 0; i < ANM_GEMV_BLOCK; i += 128) {
            __m512i raw = _mm512_loadu_si512(w + i / 2);
            add64(4, t, raw, _mm512_load_si512(x + i), _mm512_load_si512(xl + i), s);
            add64(4, t, _mm512_srli_epi16(raw, 4), _mm512_load_si512(x + i + 64),
                  _mm512_load_si512(xl + i + 64), s);
        }
        return;
    }
    for (int i = 0; i < ANM_GEMV_BLOCK; i += 64) {
        __m512i index = bits == 8 ? _mm512_loadu_si512(w + i) : spread64(bits, w + i / 8 * bits);
        add64(bits, t, index, _mm512_load_si512(x + i), _mm512_load_si512(xl + i), s);
    }
}

INLINE __m512 add_to_total(const sums *s, __m512 scale256, __m512 scale65536, __m512 total) {
    __m512i mixed = _mm512_add_epi32(s->mixed[0], s->mixed[1]);
    total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(s->high), scale65536, total);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(mixed), scale256, total);
}

/* The last block's bytes of a row with zeros behind, so that nothing past a row is read. */
INLINE const uint8_t *padded_block(int bits, const uint8_t *w, int64_t tail, uint8_t *copy) {
    for (int64_t i = 0; i < ANM_GEMV_BLOCK / 8 * bits; i += 64) {
        int64_t left = tail - i;
        __mmask64 mask = left >= 64 ? ~0ull : left <= 0 ? 0 : (1ull << left) - 1;
        _mm512_store_si512(copy + i, _mm512_maskz_loadu_epi8(mask, w + i));
    }
    return copy;
}

/* A row's total with block `at` of it added. */
INLINE __m512 add_row(int bits, const tables *t, const uint8_t *at, const int8_t *x, float scale,
                      __m512 total) {
    sums s = {_mm512_setzero_si512(), {_mm512_setzero_si512(), _mm512_setzero_si512()}};
    add_block(bits, t, at, x, &s);
    return add_to_total(&s, _mm512_set1_ps(256 * scale), _mm512_set1_ps(65536 * scale), total);
}

/* A row's lines of a block into the nearest cache. */
INLINE void fetch_near(int bits, const uint8_t *w) {
    for (int i = 0; i < ANM_GEMV_BLOCK / 8 * bits; i += 64) __builtin_prefetch(w + i, 0, 3);
}

/*
 * Row r's share of the lines asked for while a block of ROWS rows is read: together as many as
 * they have, or half as many; rows take turns with the streams.
 */
INLINE void fetch_ahead(int bits, int r, bool all, const anm_ahead *ahead) {
    const char *at = ahead->at + (r % 2 ? ahead->second : 0);
    const int from = r < 2 ? 0 : bits / 2, to = r < 2 ? bits / 2 : bits;
    if (r >= 2 && !all) return;
    for (int i = from; i < to; i++) __builtin_prefetch(at + 64 * i, 0, 2);
}

/* Where the rows of a step begin, and what they share. */
typedef struct step {
    const tables *t;
    int64_t stride, near; /* bytes from row to row; and to what is brought near */
    bool all;
    anm_ahead *ahead;
} step;

/* Row r of ROWS: the total with the block at `w` of the first row, and x's at `x`, added. */
INLINE __m512 step_row(int bits, int r, const step *s, const uint8_t *w, const int8_t *x,
                       float scale, __m512 total) {
    fetch_ahead(bits, r, s->all, s->ahead);
    fetch_near(bits, w + s->near + r * s->stride);
    return add_row(bits, s->t, w + r * s->stride, x, scale, total);
}

/* Whole blocks of ROWS rows. */
INLINE void step_rows(int bits, const step *s, const uint8_t *w, const int8_t *x,
                      const float *scale, int64_t blocks, __m512 *total) {
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
    for (int64_t i = 0; i < blocks; i++) {
        anm_ahead_ready(s->ahead);
        a = step_row(bits, 0, s, w, x, scale[i], a);
        b = step_row(bits, 1, s, w, x, scale[i], b);
        c = step_row(bits, 2, s, w, x, scale[i], c);
        d = step_row(bits, 3, s, w, x, scale[i], d);
        anm_ahead_took(s->ahead, s->all ? bits : bits / 2);
        w += ANM_GEMV_BLOCK / 8 * bits;
        x += ANM_GEMV_BLOCK_BYTES;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

/*
 * Totals of `rows` rows, `stride` bytes apart, over a span, in units of the table's scale. Blocks
 * `near` bytes on are brought near; as many lines are asked for ahead as are read, or half as many
 * where more than two pieces are ahead, so that computing catches up with the memory.
 */
INLINE void add_rows(int bits, int rows, const tables *t, const gemv_span *c,
                     const anm_gemv_input *in, const uint8_t *w, int64_t stride, int64_t near,
                     anm_ahead *ahead, __m512 *total) {
    const int64_t whole = c->blocks - (c->tail != 0), block_bytes = ANM_GEMV_BLOCK / 8 * bits;
    const int8_t *x = in->digits + c->block0 * ANM_GEMV_BLOCK_BYTES;
    const float *scale = in->scale + c->block0;
    step s = {t, stride, near, ahead->lead < 2 * ANM_AHEAD_PIECE, ahead};
    if (rows == ROWS) {
        step_rows(bits, &s, w, x, scale, whole, total);
    } else {
        total[0] = _mm512_setzero_ps();
        for (int64_t b = 0; b < whole; b++)
            total[0] = add_row(bits, t, w + b * block_bytes, x + b * ANM_GEMV_BLOCK_BYTES, scale[b],
                               total[0]);
    }
    if (c->tail != 0) {
        uint8_t copy[256] __attribute__((aligned(64)));
        w += whole * block_bytes;
        x += whole * ANM_GEMV_BLOCK_BYTES;
        anm_ahead_lines(ahead, bits);
        for (int r = 0; r < rows; r++)
            total[r] = add_row(bits, t, padded_block(bits, w + r * stride, c->tail, copy), x,
                               scale[whole], total[r]);
    }
    ahead->lead -= (whole * block_bytes + c->tail) * rows;
}

INLINE __m128 half_sum(__m512 a) {
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    return _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
}

INLINE __m128 sum4(const __m512 *total) {
    __m128 ab = _mm_hadd_ps(half_sum(total[0]), half_sum(total[1]));
    return _mm_hadd_ps(ab, _mm_hadd_ps(half_sum(total[2]), half_sum(total[3])));
}

/* How far on the nearest cache is filled: not behind the rows at hand, which others read. */
INLINE int64_t near_at(const uint8_t *w, const uint8_t *end) {
    return end - w > 2 * NEAR ? NEAR : 0;
}

INLINE void run_span(int bits, const anm_matrix *w, const tables *t, const gemv_span *c,
                     const anm_gemv_input *in, int64_t row1, anm_ahead *ahead, float *y) {
    const int64_t stride = w->columns * bits / 8;
    const uint8_t *data = (const uint8_t *)w->data + c->block0 * (ANM_GEMV_BLOCK / 8 * bits);
    const uint8_t *end = (const uint8_t *)w->data + row1 * stride;
    float shift = 0;
    for (int64_t b = 0; b < c->blocks; b++) shift += in->shift[c->block0 + b];
    int64_t row = c->row0;
    __m512 total[ROWS];
    for (; row + ROWS <= c->row1; row += ROWS) {
        const uint8_t *at = data + row * stride;
        add_rows(bits, ROWS, t, c, in, at, stride, near_at(at, end), ahead, total);
        __m128 sum = _mm_mul_ps(_mm_add_ps(sum4(total), _mm_set1_ps(shift)), _mm_set1_ps(t->scale));
        _mm_storeu_ps(y + row, c->block0 ? _mm_add_ps(_mm_loadu_ps(y + row), sum) : sum);
    }
    for (; row < c->row1; row++) {
        add_rows(bits, 1, t, c, in, data + row * stride, stride, 0, ahead, total);
        float sum = (_mm512_reduce_add_ps(total[0]) + shift) * t->scale;
        y[row] = c->block0 ? y[row] + sum : sum;
    }
}

/* A span's tables are made while the one before is computed: they depend on a long chain. */
INLINE void run(int bits, const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                float *y, anm_ahead *ahead) {
    const anm_gemv_input in = anm_gemv_input_at(input, w->columns);
    gemv_span span = gemv_span_start(bits, w, row0);
    tables t[2];
    anm_ahead_more(ahead, ANM_AHEAD_LEAST / ANM_AHEAD_LINE, ANM_AHEAD_LEAST);
    bool more = gemv_span_next(bits, w, row1, &span);
    if (more) load_tables(bits, span.lut, &t[0]);
    for (int turn = 0; more; turn ^= 1) {
        gemv_span next = span;
        more = gemv_span_next(bits, w, row1, &next);
        if (more) load_tables(bits, next.lut, &t[turn ^ 1]);
        run_span(bits, w, &t[turn], &span, &in, row1, ahead, y);
        span = next;
    }
    gemv_scale_rows(w, row0, row1, y);
}

#define KERNEL(bits)                                                                               \
    static bool accepts_lut##bits(const anm_matrix *w) { return gemv_accepts_lut(w, bits); }       \
    static void ahead_lut##bits(const anm_matrix *w, const void *input, int64_t row0,              \
                                int64_t row1, float *y, anm_ahead *ahead) {                        \
        run(bits, w, input, row0, row1, y, ahead);                                                 \
    }                                                                                              \
    static void run_lut##bits(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,  \
                              float *y) {                                                          \
        anm_ahead own = {.range = anm_gemv_range(w, row0, row1)};                                  \
        ahead_lut##bits(w, input, row0, row1, y, &own);                                            \
    }
KERNEL(1) KERNEL(2) KERNEL(3) KERNEL(4) KERNEL(6) KERNEL(8)

#define ENTRY(bits, prepare)                                                                       \
    {                                                                                              \
        "gemv_lut" #bits "_avx512vnni", ANM_ISA_AVX512VNNI, ANM_GEMV_INT16, accepts_lut##bits, 8,  \
            anm_gemv_input_bytes_avx512vnni, prepare, run_lut##bits, ahead_lut##bits               \
    }
const anm_gemv_kernel anm_gemv_kernels_avx512vnni[] = {
    ENTRY(4, anm_gemv_prepare_nibbles_avx512vnni),
    ENTRY(6, anm_gemv_prepare_avx512vnni),
    ENTRY(8, anm_gemv_prepare_avx512vnni),
    ENTRY(3, anm_gemv_prepare_avx512vnni),
    ENTRY(2, anm_gemv_prepare_avx512vnni),
    ENTRY(1, anm_gemv_prepare_avx512vnni),
    {0},
};

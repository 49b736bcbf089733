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
    T_MAX = 32767
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
    __m512i high, mixed;
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
    s->mixed = _mm512_dpbusd_epi32(s->mixed, high, xl);
    s->mixed = _mm512_dpbusd_epi32(s->mixed, low, xh);
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
    total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(s->high), scale65536, total);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(s->mixed), scale256, total);
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

/* Totals of `rows` rows, `stride` bytes apart, over a span, in units of the table's scale. */
INLINE void add_rows(int bits, int rows, const tables *t, const gemv_span *c,
                     const anm_gemv_input *in, const uint8_t *w, int64_t stride, __m512 *total) {
    const int64_t whole = c->blocks - (c->tail != 0), block_bytes = ANM_GEMV_BLOCK / 8 * bits;
    uint8_t copy[256] __attribute__((aligned(64)));
    for (int r = 0; r < rows; r++) total[r] = _mm512_setzero_ps();
    for (int64_t b = 0; b < c->blocks; b++, w += block_bytes) {
        const int8_t *x = in->digits + (c->block0 + b) * ANM_GEMV_BLOCK_BYTES;
        float scale = in->scale[c->block0 + b];
        __m512 scale256 = _mm512_set1_ps(256 * scale), scale65536 = _mm512_set1_ps(65536 * scale);
        for (int r = 0; r < rows; r++) {
            sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            const uint8_t *at = w + r * stride;
            gemv_prefetch_block(bits, at);
            if (b >= whole) at = padded_block(bits, at, c->tail, copy);
            add_block(bits, t, at, x, &s);
            total[r] = add_to_total(&s, scale256, scale65536, total[r]);
        }
    }
}

INLINE __m128 half_sum(__m512 a) {
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    return _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
}

INLINE __m128 sum4(const __m512 *total) {
    __m128 ab = _mm_hadd_ps(half_sum(total[0]), half_sum(total[1]));
    return _mm_hadd_ps(ab, _mm_hadd_ps(half_sum(total[2]), half_sum(total[3])));
}

INLINE void run_span(int bits, const anm_matrix *w, const tables *t, const gemv_span *c,
                     const anm_gemv_input *in, float *y) {
    const int64_t stride = w->columns * bits / 8;
    const uint8_t *data = (const uint8_t *)w->data + c->block0 * (ANM_GEMV_BLOCK / 8 * bits);
    float shift = 0;
    for (int64_t b = 0; b < c->blocks; b++) shift += in->shift[c->block0 + b];
    int64_t row = c->row0;
    __m512 total[ROWS];
    for (; row + ROWS <= c->row1; row += ROWS) {
        add_rows(bits, ROWS, t, c, in, data + row * stride, stride, total);
        __m128 sum = _mm_mul_ps(_mm_add_ps(sum4(total), _mm_set1_ps(shift)), _mm_set1_ps(t->scale));
        _mm_storeu_ps(y + row, c->block0 ? _mm_add_ps(_mm_loadu_ps(y + row), sum) : sum);
    }
    for (; row < c->row1; row++) {
        add_rows(bits, 1, t, c, in, data + row * stride, stride, total);
        float sum = (_mm512_reduce_add_ps(total[0]) + shift) * t->scale;
        y[row] = c->block0 ? y[row] + sum : sum;
    }
}

/* A span's tables are made while the one before is computed: they depend on a long chain. */
INLINE void run(int bits, const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                float *y) {
    const anm_gemv_input in = anm_gemv_input_at(input, w->columns);
    gemv_span span = gemv_span_start(bits, w, row0);
    tables t[2];
    bool more = gemv_span_next(bits, w, row1, &span);
    if (more) load_tables(bits, span.lut, &t[0]);
    for (int turn = 0; more; turn ^= 1) {
        gemv_span next = span;
        more = gemv_span_next(bits, w, row1, &next);
        if (more) load_tables(bits, next.lut, &t[turn ^ 1]);
        run_span(bits, w, &t[turn], &span, &in, y);
        span = next;
    }
    gemv_scale_rows(w, row0, row1, y);
}

#define KERNEL(bits)                                                                               \
    static bool accepts_lut##bits(const anm_matrix *w) { return gemv_accepts_lut(w, bits); }       \
    static void run_lut##bits(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,  \
                              float *y) {                                                          \
        run(bits, w, input, row0, row1, y);                                                        \
    }
KERNEL(1) KERNEL(2) KERNEL(3) KERNEL(4) KERNEL(6) KERNEL(8)

#define ENTRY(bits, prepare)                                                                       \
    {                                                                                              \
        "gemv_lut" #bits "_avx512vnni", ANM_ISA_AVX512VNNI, ANM_GEMV_INT16, accepts_lut##bits, 8,  \
            anm_gemv_input_bytes_avx512vnni, prepare, run_lut##bits                                \
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

/* SPDX-License-Identifier: MIT */
/* Table look-ups of AVX-512 without byte permutes for gemv_words.h: vpermw, vpermi2w. */
#ifndef ANM_CPU_WORDS_AVX512_H
#define ANM_CPU_WORDS_AVX512_H

#include "src/cpu/kernels/avx512/order_avx512.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"
#include "src/cpu/kernels/gemv_spans.h"

typedef __m512i words, lanes;
enum { WORDS = 32, SUMS = 1, TABLE_UNITS = 8191 };

static inline lanes lanes_zero(void) { return _mm512_setzero_si512(); }
static inline vf lanes_float(lanes sum) { return _mm512_cvtepi32_ps(sum); }
static inline lanes add_products(lanes sum, words w, const int16_t *x) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(w, _mm512_loadu_si512(x)));
}

/* 32 entries each; fewer are repeated, as only the low bits of an index count. */
typedef struct tables {
    __m512i part[8];
} tables;

GEMV_INLINE float tables_load(int bits, const uint16_t *lut, tables *t) {
    int16_t entries[256];
    int n = 1 << bits;
    vf max = v_zero();
    for (int i = 0; i < n; i += VN) max = v_max(max, v_abs(v_load_half_part(lut + i, n - i)));
    float largest = v_largest(max);
    vf units = v_set(largest > 0 ? TABLE_UNITS / largest : 0);
    for (int i = 0; i < n; i += VN) {
        vf x = v_mul(v_load_half_part(lut + i, n - i), units);
        __m256i q = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x));
        _mm256_storeu_si256((__m256i *)(entries + i), q);
    }
    for (int i = n; i < 32; i++) entries[i] = entries[i - n];
    for (int i = 0; i < (n + 31) / 32; i++) t->part[i] = _mm512_loadu_si512(entries + 32 * i);
    return largest / TABLE_UNITS;
}

/* How 32 columns' indices come to lie in the low bits of words, for each half of 64 columns. */
typedef struct decoder {
    __m512i window[2]; /* for vpshufb: the two bytes that hold an index */
    __m512i shift;
    int from[4]; /* where to load 16 bytes for 16 columns (8 of 1-bit indices) */
} decoder;

GEMV_INLINE void decoder_make(int bits, decoder *d) {
    if (bits == 4 || bits == 8) return;
    uint8_t window[128];
    uint16_t shift[32];
    for (int g = 0; g < 4; g++) {
        int first = 2 * bits * g, last = 8 * bits - 16;
        d->from[g] = last < 0 ? 0 : first < last ? first : last;
        for (int j = 0; j < 16; j++) {
            int byte = first - d->from[g] + j * bits / 8;
            window[32 * g + 2 * j] = (uint8_t)byte;
            window[32 * g + 2 * j + 1] = (uint8_t)((byte + 1) % 16);
            shift[g % 2 * 16 + j] = (uint16_t)(j * bits % 8);
        }
    }
    d->window[0] = _mm512_loadu_si512(window);
    d->window[1] = _mm512_loadu_si512(window + 64);
    d->shift = _mm512_loadu_si512(shift);
}

GEMV_INLINE __m256i load_twice(int bits, const uint8_t *w) {
    __m128i raw = bits == 1 ? _mm_loadl_epi64((const __m128i *)w)
                            : _mm_loadu_si128((const __m128i *)w);
    return _mm256_broadcastsi128_si256(raw);
}

/* 32 indices in the low bits of words. */
GEMV_INLINE __m512i index_words(int bits, const decoder *d, const uint8_t *w, int half) {
    if (bits == 4) return nibble_words(w + 16 * half);
    __m512i raw = _mm512_inserti64x4(
        _mm512_castsi256_si512(load_twice(bits, w + d->from[2 * half])),
        load_twice(bits, w + d->from[2 * half + 1]), 1);
    return _mm512_srlv_epi16(_mm512_shuffle_epi8(raw, d->window[half]), d->shift);
}

GEMV_INLINE words look_up(int bits, const tables *t, __m512i index) {
    if (bits < 6) return _mm512_permutexvar_epi16(index, t->part[0]);
    return _mm512_permutex2var_epi16(t->part[0], index, t->part[1]);
}

/* Only six bits of an index count in a permutation; the two above come as masks. */
GEMV_INLINE words look_up256(const tables *t, __m512i index, __mmask32 bit6, __mmask32 bit7) {
    __m512i a = _mm512_permutex2var_epi16(t->part[0], index, t->part[1]);
    __m512i b = _mm512_permutex2var_epi16(t->part[2], index, t->part[3]);
    __m512i c = _mm512_permutex2var_epi16(t->part[4], index, t->part[5]);
    __m512i d = _mm512_permutex2var_epi16(t->part[6], index, t->part[7]);
    a = _mm512_mask_mov_epi16(a, bit6, b);
    c = _mm512_mask_mov_epi16(c, bit6, d);
    return _mm512_mask_mov_epi16(a, bit7, c);
}

/* 8-bit indices of the even columns, where they lie, then of the odd ones. */
GEMV_INLINE void decode_bytes(const tables *t, __m512i raw, words out[2]) {
    out[0] = look_up256(t, raw, _mm512_test_epi16_mask(raw, _mm512_set1_epi16(64)),
                        _mm512_test_epi16_mask(raw, _mm512_set1_epi16(128)));
    out[1] = look_up256(t, _mm512_srli_epi16(raw, 8),
                        _mm512_test_epi16_mask(raw, _mm512_set1_epi16(64 << 8)),
                        _mm512_movepi16_mask(raw));
}

/* Indices are unpacked where they are looked up. */
GEMV_INLINE const uint8_t *unpack_block(int bits, const decoder *d, const uint8_t *w,
                                        uint8_t *buffer) {
    (void)bits, (void)d, (void)buffer;
    return w;
}

GEMV_INLINE void decode64(int bits, const decoder *d, const tables *t, const uint8_t *block, int at,
                          words out[2]) {
    const uint8_t *w = block + at / 8 * bits;
    if (bits == 8) {
        decode_bytes(t, _mm512_loadu_si512(w), out);
        return;
    }
    for (int half = 0; half < 2; half++)
        out[half] = look_up(bits, t, index_words(bits, d, w, half));
}

static inline int word_column(int bits, int place) {
    if (bits == 4) return place / 32 * 32 + placed[place % 32];
    return bits == 8 ? 2 * (place % 32) + place / 32 : place;
}

#endif

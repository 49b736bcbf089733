/* SPDX-License-Identifier: MIT */
/* Table look-ups of AVX2 for gemv_words.h: vpshufb on tables of 16 low and 16 high bytes. */
#ifndef ANM_CPU_WORDS_AVX2_H
#define ANM_CPU_WORDS_AVX2_H

#include <immintrin.h>

#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/gemv_spans.h"

typedef __m256i words, lanes;
enum { WORDS = 16, SUMS = 2, TABLE_UNITS = 8191 };

static inline lanes lanes_zero(void) { return _mm256_setzero_si256(); }
static inline vf lanes_float(lanes sum) { return _mm256_cvtepi32_ps(sum); }
static inline lanes add_products(lanes sum, words w, const int16_t *x) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(w, _mm256_loadu_si256((const __m256i *)x)));
}

/*
 * Byte tables of 16 entries, the same in both halves. A table of 64 has four parts t[k], k being
 * bits 4 and 5 of the index, kept as t[3], t[2] ^ t[3], t[1] ^ t[3] and t[0] ^ t[1] ^ t[2] ^ t[3]:
 * the second counts where bit 4 is clear, the third where bit 5 is, the last where both are.
 */
typedef struct tables {
    __m256i low[4], high[4];
} tables;

GEMV_INLINE void keep_differences(__m256i *t) {
    __m256i t3 = t[3], d2 = _mm256_xor_si256(t[2], t3), d1 = _mm256_xor_si256(t[1], t3);
    __m256i all = _mm256_xor_si256(_mm256_xor_si256(t[0], t[1]), d2);
    t[0] = t3;
    t[1] = d2;
    t[2] = d1;
    t[3] = all;
}

GEMV_INLINE float tables_load(int bits, const uint16_t *lut, tables *t) {
    uint8_t low[64], high[64];
    int n = 1 << bits, filled = n < 16 ? 16 : n;
    vf max = v_zero();
    for (int i = 0; i < n; i += VN) max = v_max(max, v_abs(v_load_half_part(lut + i, n - i)));
    float largest = v_largest(max);
    vf units = v_set(largest > 0 ? TABLE_UNITS / largest : 0);
    for (int i = 0; i < n; i += VN) {
        int32_t q[VN];
        vf x = v_mul(v_load_half_part(lut + i, n - i), units);
        _mm256_storeu_si256((__m256i *)q, _mm256_cvtps_epi32(x));
        for (int j = 0; j < VN; j++) {
            low[i + j] = (uint8_t)q[j];
            high[i + j] = (uint8_t)(q[j] >> 8);
        }
    }
    for (int i = n; i < filled; i++) {
        low[i] = low[i - n];
        high[i] = high[i - n];
    }
    for (int i = 0; i < filled / 16; i++) {
        t->low[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((__m128i *)(low + 16 * i)));
        t->high[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((__m128i *)(high + 16 * i)));
    }
    if (bits == 6) {
        keep_differences(t->low);
        keep_differences(t->high);
    }
    return largest / TABLE_UNITS;
}

/* How 16 columns' indices come to lie in words, for each 16 of 64 columns. */
typedef struct decoder {
    __m256i window[4]; /* for vpshufb: the two bytes that hold an index */
    __m256i factor;    /* moves it to the top of its word */
    int from[4];       /* where to load 16 bytes (8 of 1-bit indices), within those of 64 columns */
} decoder;

GEMV_INLINE void decoder_make(int bits, decoder *d) {
    if (bits == 4) return;
    uint8_t window[32];
    uint16_t factor[16];
    for (int g = 0; g < 4; g++) {
        int first = 2 * bits * g, last = 8 * bits - 16;
        d->from[g] = last < 0 ? 0 : first < last ? first : last;
        for (int j = 0; j < 16; j++) {
            int byte = first - d->from[g] + j * bits / 8;
            window[2 * j] = (uint8_t)byte;
            window[2 * j + 1] = (uint8_t)((byte + 1) % 16);
            factor[j] = (uint16_t)(1 << (16 - bits - j * bits % 8));
        }
        d->window[g] = _mm256_loadu_si256((__m256i *)window);
    }
    d->factor = _mm256_loadu_si256((__m256i *)factor);
}

/* 16 indices as words. */
GEMV_INLINE __m256i index_words(int bits, const decoder *d, const uint8_t *w, int g) {
    const __m128i *at = (const __m128i *)(w + d->from[g]);
    __m128i raw = bits == 1 ? _mm_loadl_epi64(at) : _mm_loadu_si128(at);
    __m256i pairs = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(raw), d->window[g]);
    return _mm256_srli_epi16(_mm256_mullo_epi16(pairs, d->factor), 16 - bits);
}

/* Entries of the parts that count: where one does not, its index has the top bit set. */
GEMV_INLINE __m256i look_up64(const __m256i t[4], __m256i index, __m256i bit4, __m256i bit5) {
    __m256i a = _mm256_xor_si256(_mm256_shuffle_epi8(t[0], index),
                                 _mm256_shuffle_epi8(t[1], bit4));
    __m256i b = _mm256_xor_si256(_mm256_shuffle_epi8(t[2], bit5),
                                 _mm256_shuffle_epi8(t[3], _mm256_or_si256(bit4, bit5)));
    return _mm256_xor_si256(a, b);
}

GEMV_INLINE void look_up(int bits, const tables *t, __m256i index, words out[2]) {
    __m256i low, high;
    if (bits == 6) {
        const __m256i top = _mm256_set1_epi8((char)0x80);
        __m256i bit4 = _mm256_and_si256(_mm256_slli_epi16(index, 3), top);
        bit4 = _mm256_or_si256(index, bit4);
        __m256i bit5 = _mm256_add_epi8(index, _mm256_set1_epi8(0x60));
        low = look_up64(t->low, index, bit4, bit5);
        high = look_up64(t->high, index, bit4, bit5);
    } else {
        low = _mm256_shuffle_epi8(t->low[0], index);
        high = _mm256_shuffle_epi8(t->high[0], index);
    }
    out[0] = _mm256_unpacklo_epi8(low, high);
    out[1] = _mm256_unpackhi_epi8(low, high);
}

GEMV_INLINE void decode64(int bits, const decoder *d, const tables *t, const uint8_t *w,
                          words out[4]) {
    if (bits == 4) {
        const __m256i nibble = _mm256_set1_epi8(15);
        __m256i raw = _mm256_loadu_si256((const __m256i *)w);
        look_up(4, t, _mm256_and_si256(raw, nibble), out);
        look_up(4, t, _mm256_and_si256(_mm256_srli_epi16(raw, 4), nibble), out + 2);
        return;
    }
    for (int i = 0; i < 2; i++) {
        __m256i a = index_words(bits, d, w, 2 * i), b = index_words(bits, d, w, 2 * i + 1);
        look_up(bits, t, _mm256_packus_epi16(a, b), out + 2 * i);
    }
}

/*
 * Nibbles: byte j holds columns 2 j and 2 j + 1, and of 32 bytes the first vector gets 0 to 7 and
 * 16 to 23. Other widths: packing in halves and unpacking in halves cancel out, but for the halves:
 * vectors hold columns 0 to 7 and 8 to 15 of the 16 they were packed from.
 */
static inline int word_column(int bits, int place) {
    int vector = place / 16, lane = place % 16;
    if (bits == 4) return 2 * (lane / 8 * 16 + vector % 2 * 8 + lane % 8) + vector / 2;
    return place;
}

#endif

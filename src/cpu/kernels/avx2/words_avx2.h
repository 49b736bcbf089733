/* SPDX-License-Identifier: MIT */
/*
 * Table look-ups of AVX2 for gemv_words.h: vpshufb on tables of 16 low and 16 high bytes.
 * add_pairs() is the level's (products_avx2.h).
 */
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
    return add_pairs(sum, w, _mm256_loadu_si256((const __m256i *)x));
}

/*
 * Byte tables of 16 entries, the same in both halves. A table of 64 has four, of which the second
 * to fourth are kept as differences (^) from the one before: they are looked up with the index less
 * 16, 32 and 48, and vpshufb gives 0 where that is negative.
 */
typedef struct tables {
    __m256i low[4], high[4];
    __m256i by; /* RAMP: what bytes and indices count, in turn */
} tables;

/* A form: 64 entries as a multiple of the index and a byte, those of `low` (ramp_avx2.h). */
enum { RAMP = 16 };

GEMV_INLINE void keep_differences(__m256i *t) {
    for (int i = 3; i > 0; i--) t[i] = _mm256_xor_si256(t[i], t[i - 1]);
}

/* 8 halves in units of the table, as words. */
GEMV_INLINE __m128i quantise8(const uint16_t *halves, vf units) {
    __m256i q = _mm256_cvtps_epi32(v_mul(v_load_half(halves), units));
    return _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
}

/* 16 halves as bytes, the low and the high ones of their words, the same in both halves. */
GEMV_INLINE void split16(const uint16_t *halves, vf units, __m256i *low, __m256i *high) {
    const __m128i byte = _mm_set1_epi16(255);
    __m128i a = quantise8(halves, units), b = quantise8(halves + 8, units);
    *low = _mm256_broadcastsi128_si256(
        _mm_packus_epi16(_mm_and_si128(a, byte), _mm_and_si128(b, byte)));
    *high = _mm256_broadcastsi128_si256(
        _mm_packus_epi16(_mm_srli_epi16(a, 8), _mm_srli_epi16(b, 8)));
}

GEMV_INLINE float tables_load(int bits, const uint16_t *lut, tables *t) {
    uint16_t repeated[16];
    int n = 1 << bits;
    if (bits < 4) {
        for (int i = 0; i < 16; i++) repeated[i] = lut[i % n];
        lut = repeated;
        n = 16;
    }
    vf max = v_zero();
    for (int i = 0; i < n; i += VN) max = v_max(max, v_abs(v_load_half(lut + i)));
    float largest = v_largest(max);
    vf units = v_set(largest > 0 ? TABLE_UNITS / largest : 0);
    for (int i = 0; i < n / 16; i++) split16(lut + 16 * i, units, &t->low[i], &t->high[i]);
    if (bits == 6) {
        keep_differences(t->low);
        keep_differences(t->high);
    }
    return largest / TABLE_UNITS;
}

/* Constants of 6-bit indices. */
typedef struct sixes {
    __m256i inner, edge, down, up, by_down, by_up, less[4];
} sixes;

/* A constant that is loaded from memory wherever it is used: there are more than registers. */
GEMV_INLINE __m256i opaque(__m256i constant) {
    __asm__("" : "+x"(constant));
    return constant;
}

GEMV_INLINE void sixes_make(sixes *s) {
    const __m256i inner = _mm256_setr_epi8(4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14, 15,
                                           0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11);
    s->inner = opaque(inner);
    s->edge = opaque(_mm256_permute4x64_epi64(inner, 0x4e));
    s->down = opaque(_mm256_set1_epi32((int)0xfc000fc0));
    s->up = opaque(_mm256_set1_epi32(0x03f0003f));
    s->by_down = opaque(_mm256_set1_epi32(1 << 22 | 1 << 10));
    s->by_up = opaque(_mm256_set1_epi32(1 << 20 | 1 << 8));
    for (int k = 1; k < 4; k++) s->less[k] = opaque(_mm256_set1_epi8((char)(16 * k)));
}

/* How 16 columns' indices come to lie in words, for each 16 of 64 columns. */
typedef struct decoder {
    __m256i window[4]; /* for vpshufb: the two bytes that hold an index */
    __m256i factor;    /* moves it to the top of its word */
    sixes six;
    int from[4];       /* where to load 16 bytes (8 of 1-bit indices), within those of 64 columns */
} decoder;

GEMV_INLINE void decoder_make(int bits, decoder *d) {
    if (bits == 4) return;
    if (bits == 6) {
        sixes_make(&d->six);
        return;
    }
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

/* Each index is used at once, so that there are registers for all tables. */
GEMV_INLINE void look_up64(const sixes *s, const tables *t, __m256i index, __m256i *low,
                           __m256i *high) {
    *low = _mm256_shuffle_epi8(t->low[0], index);
    *high = _mm256_shuffle_epi8(t->high[0], index);
    for (int k = 1; k < 4; k++) {
        __m256i less = _mm256_sub_epi8(index, s->less[k]);
        *low = _mm256_xor_si256(*low, _mm256_shuffle_epi8(t->low[k], less));
        *high = _mm256_xor_si256(*high, _mm256_shuffle_epi8(t->high[k], less));
    }
}

GEMV_INLINE void look_up_ramp(const sixes *s, const tables *t, __m256i index, words out[2]) {
    __m256i byte = _mm256_shuffle_epi8(t->low[0], index);
    for (int k = 1; k < 4; k++) {
        __m256i less = _mm256_sub_epi8(index, s->less[k]);
        byte = _mm256_xor_si256(byte, _mm256_shuffle_epi8(t->low[k], less));
    }
    out[0] = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(byte, index), t->by);
    out[1] = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(byte, index), t->by);
}

GEMV_INLINE void look_up(int form, const decoder *d, const tables *t, __m256i index, words out[2]) {
    __m256i low, high;
    if (form == 6 + RAMP) {
        look_up_ramp(&d->six, t, index, out);
        return;
    }
    if (form == 6) {
        look_up64(&d->six, t, index, &low, &high);
    } else {
        low = _mm256_shuffle_epi8(t->low[0], index);
        high = _mm256_shuffle_epi8(t->high[0], index);
    }
    out[0] = _mm256_unpacklo_epi8(low, high);
    out[1] = _mm256_unpackhi_epi8(low, high);
}

/*
 * The 24 bytes of 32 6-bit indices, each half's 12 within a half of the vector: one load that
 * begins 4 bytes before them, and ends 4 bytes behind; `edge`: where these may not be read.
 */
GEMV_INLINE __m256i spread24(const sixes *s, const uint8_t *w, bool edge) {
    if (!edge) return _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(w - 4)), s->inner);
    __m256i raw = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)w)),
        _mm_loadu_si128((const __m128i *)(w + 8)), 1);
    return _mm256_shuffle_epi8(raw, s->edge);
}

/*
 * 32 6-bit indices as bytes, those of an odd column before those of the even one: of two in a word,
 * which lie from bit 0 on or from bit 4 on, the first moves up to the high byte, the second down.
 */
GEMV_INLINE __m256i six_bytes(const sixes *s, const uint8_t *w, bool edge) {
    __m256i pairs = spread24(s, w, edge);
    __m256i down = _mm256_mulhi_epu16(_mm256_and_si256(pairs, s->down), s->by_down);
    __m256i up = _mm256_mullo_epi16(_mm256_and_si256(pairs, s->up), s->by_up);
    return _mm256_or_si256(down, up);
}

/*
 * 6 bits take so many steps from bytes to products that a processor's scheduler does not see enough
 * of what can be done at the same time, so that the indices of a block are unpacked before.
 */
GEMV_INLINE const uint8_t *unpack_block(int bits, const decoder *d, const uint8_t *w,
                                        uint8_t *buffer) {
    if (bits != 6) return w;
    for (int i = 0; i < 8; i++)
        _mm256_store_si256((__m256i *)buffer + i, six_bytes(&d->six, w + 24 * i, i == 0 || i == 7));
    /* Else compilers keep indices in registers, and interleave the two after all. */
    __asm__ volatile("" : : "r"(buffer) : "memory");
    return buffer;
}

GEMV_INLINE void decode64(int form, const decoder *d, const tables *t, const uint8_t *block,
                          int at, words out[4]) {
    const uint8_t *w = block + at / 8 * form;
    if (form == 4) {
        const __m256i nibble = _mm256_set1_epi8(15);
        __m256i raw = _mm256_loadu_si256((const __m256i *)w);
        look_up(4, d, t, _mm256_and_si256(raw, nibble), out);
        look_up(4, d, t, _mm256_and_si256(_mm256_srli_epi16(raw, 4), nibble), out + 2);
        return;
    }
    if (form == 6 || form == 6 + RAMP) {
        const __m256i *index = (const __m256i *)(block + at);
        look_up(form, d, t, _mm256_load_si256(index), out);
        look_up(form, d, t, _mm256_load_si256(index + 1), out + 2);
        return;
    }
    for (int i = 0; i < 2; i++) {
        __m256i a = index_words(form, d, w, 2 * i), b = index_words(form, d, w, 2 * i + 1);
        look_up(form, d, t, _mm256_packus_epi16(a, b), out + 2 * i);
    }
}

/*
 * Nibbles: byte j holds columns 2 j and 2 j + 1, and of 32 bytes the first vector gets 0 to 7 and
 * 16 to 23. 6 bits: bytes unpack likewise, pairs are swapped. Other widths: packing in halves and
 * unpacking in halves cancel out, but for the halves: vectors hold columns 0 to 7 and 8 to 15 of
 * the 16 they were packed from.
 */
static inline int word_column(int bits, int place) {
    int vector = place / 16, lane = place % 16, byte = lane / 8 * 16 + vector % 2 * 8 + lane % 8;
    if (bits == 4) return 2 * byte + vector / 2;
    if (bits == 6) return (32 * (vector / 2) + byte) ^ 1;
    return place;
}

#endif

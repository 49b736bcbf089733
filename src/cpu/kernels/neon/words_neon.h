/* SPDX-License-Identifier: MIT */
/* Table look-ups of NEON for gemv_words.h: tbl on tables of low and of high bytes. */
#ifndef ANM_CPU_WORDS_NEON_H
#define ANM_CPU_WORDS_NEON_H

#include <arm_neon.h>

#include "src/cpu/kernels/neon/bytes_neon.h"

typedef int16x8_t words;
typedef int32x4_t lanes;
enum { WORDS = 8, SUMS = 4, TABLE_UNITS = 8191 };

static inline lanes lanes_zero(void) { return vdupq_n_s32(0); }
static inline vf lanes_float(lanes sum) { return vcvtq_f32_s32(sum); }
static inline lanes add_products(lanes sum, words w, const int16_t *x) {
    int16x8_t v = vld1q_s16(x);
    return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(w), vget_low_s16(v)), w, v);
}

/* 64 entries each. */
typedef struct tables {
    uint8x16x4_t low[4], high[4];
} tables;

GEMV_INLINE float tables_load(int bits, const uint16_t *lut, tables *t) {
    uint8_t low[256] = {0}, high[256] = {0};
    float unit = table_digits(bits, lut, TABLE_UNITS, false, high, low);
    for (int i = 0; i < ((1 << bits) + 63) / 64; i++) {
        t->low[i] = load64(low + 64 * i);
        t->high[i] = load64(high + 64 * i);
    }
    return unit;
}

/* How 8 columns' indices come to lie in words, for each 8 of 64 columns. */
typedef struct decoder {
    uint8x16_t window[8]; /* the two bytes that hold an index */
    int16x8_t shift;      /* to the right: negative */
    int from[8];          /* where to load 16 bytes (8 of 1-bit indices) */
} decoder;

GEMV_INLINE void decoder_make(int bits, decoder *d) {
    if (bits == 4 || bits == 8) return;
    uint8_t window[16];
    int16_t shift[8];
    for (int g = 0; g < 8; g++) {
        int first = bits * g, last = 8 * bits - 16;
        d->from[g] = last < 0 ? 0 : first < last ? first : last;
        for (int j = 0; j < 8; j++) {
            int byte = first - d->from[g] + j * bits / 8;
            window[2 * j] = (uint8_t)byte;
            window[2 * j + 1] = (uint8_t)(byte + 1);
            shift[j] = (int16_t)-(j * bits % 8);
        }
        d->window[g] = vld1q_u8(window);
    }
    d->shift = vld1q_s16(shift);
}

/* 8 indices in the low bits of words. */
GEMV_INLINE uint8x16_t index_words(int bits, const decoder *d, const uint8_t *w, int g) {
    uint8x16_t raw = bits == 1 ? vcombine_u8(vld1_u8(w), vdup_n_u8(0)) : vld1q_u8(w + d->from[g]);
    uint16x8_t pairs = vreinterpretq_u16_u8(vqtbl1q_u8(raw, d->window[g]));
    return vreinterpretq_u8_u16(vshlq_u16(pairs, d->shift));
}

/* 16 indices as bytes, in the order of the columns. */
GEMV_INLINE uint8x16_t index_bytes(int bits, const decoder *d, const uint8_t *w, int i) {
    if (bits == 8) return vld1q_u8(w + 16 * i);
    uint8x16_t low = vuzp1q_u8(index_words(bits, d, w, 2 * i), index_words(bits, d, w, 2 * i + 1));
    return vandq_u8(low, vdupq_n_u8((uint8_t)((1 << bits) - 1)));
}

GEMV_INLINE void look_up16(int bits, const tables *t, uint8x16_t index, words out[2]) {
    uint8x16_t low = look_up(bits, t->low, index), high = look_up(bits, t->high, index);
    out[0] = vreinterpretq_s16_u8(vzip1q_u8(low, high));
    out[1] = vreinterpretq_s16_u8(vzip2q_u8(low, high));
}

/* Indices are unpacked where they are looked up. */
GEMV_INLINE const uint8_t *unpack_block(int bits, const decoder *d, const uint8_t *w,
                                        uint8_t *buffer) {
    (void)bits, (void)d, (void)buffer;
    return w;
}

GEMV_INLINE void decode64(int bits, const decoder *d, const tables *t, const uint8_t *block, int at,
                          words out[8]) {
    const uint8_t *w = block + at / 8 * bits;
    if (bits != 4) {
        for (int i = 0; i < 4; i++) look_up16(bits, t, index_bytes(bits, d, w, i), out + 2 * i);
        return;
    }
    for (int i = 0; i < 2; i++) {
        uint8x16_t raw = vld1q_u8(w + 16 * i);
        look_up16(4, t, vandq_u8(raw, vdupq_n_u8(15)), out + 4 * i);
        look_up16(4, t, vshrq_n_u8(raw, 4), out + 4 * i + 2);
    }
}

/* Nibbles: of 32 columns the 16 even ones, then the 16 odd ones. */
static inline int word_column(int bits, int place) {
    return bits == 4 ? place / 32 * 32 + 2 * (place % 16) + place % 32 / 16 : place;
}

#endif

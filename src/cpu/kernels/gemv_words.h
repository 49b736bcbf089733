/* SPDX-License-Identifier: MIT */
/*
 * Template: palettized GEMV in words of 16 bits, for levels without dot products of bytes. x is
 * rounded to 14 bits and a sign in blocks of ANM_GEMV_BLOCK columns, tables to 13 bits and a sign;
 * a lane sums at most 16 products of a block in one 32-bit sum: 16 * 16383 * 8191 < 2^31.
 *
 * A level's words_LEVEL.h, included before, gives: the vectors `words` and `lanes` (32-bit sums),
 * WORDS a vector, SUMS a row needs by the above, `decoder` and decoder_make(bits), `tables` and
 * tables_load(), unpack_block(), which may unpack a block's indices into a buffer beforehand,
 * decode64() giving 64 of its columns as vectors of words, and word_column(), the column that a
 * place of these has. A `form` is the bits of an index, and what else the level's decode64() knows
 * tables by, above them.
 */
#ifndef ANM_CPU_GEMV_WORDS_H
#define ANM_CPU_GEMV_WORDS_H

#include "src/base/half.h"
#include "src/cpu/kernels/gemv_spans.h"

enum {
    WORDS_64 = 64 / WORDS, /* vectors of 64 columns */
    X_UNITS = 16383        /* TABLE_UNITS is the level's: it loads tables */
};

/* The prepared x: a scale for each block, then the words of all blocks. */
typedef struct words_input {
    const float *scale;
    const int16_t *words;
} words_input;

static inline int64_t words_scales(int64_t columns) {
    return (gemv_blocks(columns) + 15) / 16 * 16;
}

static size_t words_input_bytes(int64_t columns) {
    return (size_t)(words_scales(columns) * 4 + gemv_blocks(columns) * ANM_GEMV_BLOCK * 2);
}

GEMV_INLINE words_input words_input_at(const void *input, int64_t columns) {
    return (words_input){input, (const int16_t *)((const float *)input + words_scales(columns))};
}

/* The greatest magnitude, as bits: they compare as numbers do, NaN above infinity. */
static inline uint32_t greatest_bits(const float *x, int64_t n) {
    uint32_t max = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = anm_float_bits(x[i]) & 0x7fffffff;
        max = bits > max ? bits : max;
    }
    return max;
}

/* Rounds by adding what moves the last bit to that of units; `order` says where from. */
static inline void round_words(const float *x, int64_t n, float factor, const uint8_t *order,
                               int16_t *out) {
    int16_t rounded[ANM_GEMV_BLOCK] = {0};
    for (int64_t i = 0; i < n; i++)
        rounded[i] = (int16_t)(anm_float_bits(x[i] * factor + 0x1.8p23f) - 0x4b400000);
    for (int64_t i = 0; i < ANM_GEMV_BLOCK; i++) out[i] = rounded[order[i]];
}

/* order: the column of a block that each of its places has. */
static inline void words_prepare_in(const float *x, int64_t columns, const uint8_t *order,
                                    void *input) {
    float *scale = input;
    int16_t *words_out = (int16_t *)(scale + words_scales(columns));
    for (int64_t from = 0; from < columns; from += ANM_GEMV_BLOCK) {
        int64_t n = columns - from < ANM_GEMV_BLOCK ? columns - from : ANM_GEMV_BLOCK;
        float max = anm_float_from_bits(greatest_bits(x + from, n));
        /* An infinity or NaN becomes NaN in the scale, and so in every result. */
        scale[from / ANM_GEMV_BLOCK] = max / X_UNITS + (max - max);
        round_words(x + from, n, max > 1e-30f ? X_UNITS / max : 0, order, words_out + from);
    }
}

static inline void words_prepare(const float *x, int64_t columns, int bits, void *input) {
    uint8_t order[ANM_GEMV_BLOCK];
    for (int i = 0; i < ANM_GEMV_BLOCK; i++)
        order[i] = (uint8_t)(i / 64 * 64 + word_column(bits, i % 64));
    words_prepare_in(x, columns, order, input);
}

GEMV_INLINE void words_add_block(int form, const decoder *d, const tables *t, const uint8_t *w,
                                 const int16_t *x, lanes *sum) {
    uint8_t buffer[ANM_GEMV_BLOCK] __attribute__((aligned(64)));
    const uint8_t *from = unpack_block(gemv_form_bits(form), d, w, buffer);
    for (int at = 0; at < ANM_GEMV_BLOCK; at += 64) {
        words v[WORDS_64];
        decode64(form, d, t, from, at, v);
        for (int i = 0; i < WORDS_64; i++)
            sum[i % SUMS] = add_products(sum[i % SUMS], v[i], x + at + i * WORDS);
    }
}

typedef words_input gemv_x;

GEMV_INLINE gemv_x gemv_x_at(const void *input, int64_t columns) {
    return words_input_at(input, columns);
}

GEMV_INLINE vf gemv_add_block(int form, const decoder *d, const tables *t, const uint8_t *w,
                              const gemv_x *x, int64_t block, vf total) {
    vf scale = v_set(x->scale[block]);
    lanes sum[SUMS];
    for (int s = 0; s < SUMS; s++) sum[s] = lanes_zero();
    words_add_block(form, d, t, w, x->words + block * ANM_GEMV_BLOCK, sum);
    for (int s = 0; s < SUMS; s++) total = v_fma(lanes_float(sum[s]), scale, total);
    return total;
}

#include "src/cpu/kernels/gemv_table_template.h"

#define GEMV_WORDS(bits) GEMV_TABLE(bits)

/* Widths whose columns have the same order share a prepared input. */
static void prepare_words(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 1, input);
}
static void prepare_nibbles(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 4, input);
}
static inline void prepare_sixes(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 6, input);
}

#define GEMV_WORDS_KERNEL(bits, prepare, suffix, isa)                                              \
    GEMV_TABLE_KERNEL(bits, ANM_GEMV_INT14, words_input_bytes, prepare, suffix, isa)

#endif

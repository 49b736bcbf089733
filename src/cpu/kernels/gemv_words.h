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
 * place of these has.
 */
#ifndef ANM_CPU_GEMV_WORDS_H
#define ANM_CPU_GEMV_WORDS_H

#include "src/base/half.h"
#include "src/cpu/kernels/gemv_levels.h"
#include "src/cpu/kernels/gemv_spans.h"

enum {
    WORDS_ROWS = 4,      /* at a time */
    WORDS_64 = 64 / WORDS, /* vectors of 64 columns */
    X_UNITS = 16383      /* TABLE_UNITS is the level's: it loads tables */
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

static inline words_input words_input_at(const void *input, int64_t columns) {
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

GEMV_INLINE void words_add_block(int bits, const decoder *d, const tables *t, const uint8_t *w,
                                 const int16_t *x, lanes *sum) {
    uint8_t buffer[ANM_GEMV_BLOCK] __attribute__((aligned(64)));
    const uint8_t *from = unpack_block(bits, d, w, buffer);
    for (int at = 0; at < ANM_GEMV_BLOCK; at += 64) {
        words v[WORDS_64];
        decode64(bits, d, t, from, at, v);
        for (int i = 0; i < WORDS_64; i++)
            sum[i % SUMS] = add_products(sum[i % SUMS], v[i], x + at + i * WORDS);
    }
}

/* A last block of `tail` bytes, with zeros behind. */
GEMV_INLINE const uint8_t *words_padded(const uint8_t *w, int64_t tail, uint8_t *copy) {
    memset(copy, 0, ANM_GEMV_BLOCK);
    memcpy(copy, w, (size_t)tail);
    return copy;
}

GEMV_INLINE void words_add_rows(int bits, int rows, const decoder *d, const tables *t,
                                const gemv_span *c, const words_input *in, const uint8_t *w,
                                int64_t stride, vf *total) {
    const int64_t whole = c->blocks - (c->tail != 0), block_bytes = ANM_GEMV_BLOCK / 8 * bits;
    uint8_t copy[ANM_GEMV_BLOCK];
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (int64_t b = 0; b < c->blocks; b++, w += block_bytes) {
        const int16_t *x = in->words + (c->block0 + b) * ANM_GEMV_BLOCK;
        vf scale = v_set(in->scale[c->block0 + b]);
        for (int r = 0; r < rows; r++) {
            const uint8_t *at = w + r * stride;
            lanes sum[SUMS];
            for (int s = 0; s < SUMS; s++) sum[s] = lanes_zero();
            gemv_prefetch_block(bits, at);
            if (b >= whole) at = words_padded(at, c->tail, copy);
            words_add_block(bits, d, t, at, x, sum);
            for (int s = 0; s < SUMS; s++)
                total[r] = v_fma(lanes_float(sum[s]), scale, total[r]);
        }
    }
}

GEMV_INLINE void words_run_span(int bits, const anm_matrix *w, const decoder *d, const tables *t,
                                float scale, const gemv_span *c, const words_input *in, float *y) {
    const int64_t stride = w->columns * bits / 8;
    const uint8_t *data = (const uint8_t *)w->data + c->block0 * (ANM_GEMV_BLOCK / 8 * bits);
    vf total[WORDS_ROWS];
    for (int64_t row = c->row0; row < c->row1; row += WORDS_ROWS) {
        int n = c->row1 - row < WORDS_ROWS ? (int)(c->row1 - row) : WORDS_ROWS;
        const uint8_t *at = data + row * stride;
        if (n == WORDS_ROWS)
            words_add_rows(bits, WORDS_ROWS, d, t, c, in, at, stride, total);
        else
            for (int r = 0; r < n; r++)
                words_add_rows(bits, 1, d, t, c, in, at + r * stride, stride, total + r);
        for (int r = 0; r < n; r++) {
            float sum = v_sum(total[r]) * scale;
            y[row + r] = c->block0 ? y[row + r] + sum : sum;
        }
    }
}

/* A span's tables are made while the one before is computed: they depend on a long chain. */
GEMV_INLINE void words_run(int bits, const anm_matrix *w, const void *input, int64_t row0,
                           int64_t row1, float *y) {
    const words_input in = words_input_at(input, w->columns);
    gemv_span span = gemv_span_start(bits, w, row0);
    decoder d;
    tables t[2];
    float scale[2] = {0, 0};
    decoder_make(bits, &d);
    bool more = gemv_span_next(bits, w, row1, &span);
    if (more) scale[0] = tables_load(bits, span.lut, &t[0]);
    for (int turn = 0; more; turn ^= 1) {
        gemv_span next = span;
        more = gemv_span_next(bits, w, row1, &next);
        if (more) scale[turn ^ 1] = tables_load(bits, next.lut, &t[turn ^ 1]);
        words_run_span(bits, w, &d, &t[turn], scale[turn], &span, &in, y);
        span = next;
    }
    gemv_scale_rows(w, row0, row1, y);
}

#define GEMV_WORDS(bits)                                                                           \
    static bool accepts_lut##bits(const anm_matrix *w) { return gemv_accepts_lut(w, bits); }       \
    static void run_lut##bits(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,  \
                              float *y) {                                                          \
        words_run(bits, w, input, row0, row1, y);                                                  \
    }

/* Widths whose columns have the same order share a prepared input. */
static void prepare_words(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 1, input);
}
static void prepare_nibbles(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 4, input);
}

#define GEMV_WORDS_KERNEL(bits, prepare, suffix, isa)                                              \
    {                                                                                              \
        "gemv_lut" #bits "_" suffix, isa, ANM_GEMV_INT14, accepts_lut##bits, 8,                    \
            words_input_bytes, prepare, run_lut##bits                                              \
    }

#endif

/* SPDX-License-Identifier: MIT */
/*
 * GEMM in 16-bit integers of two signed digits each (digits_neondot.h): three products of bytes
 * give 256 high + mixed, at most 2^30 over a block of 256 columns. Weights have a unit for their
 * table, or a row's block of 256 columns, inputs for a token's block.
 *
 * Both sides lie in fours, of rows and of tokens: STEP8 bytes for 8 columns, in an order that suits
 * the level's products. A level's file gives
 *   four_offset(i)                  where row or token i of a four begins
 *   four_store(high, low, to)       16 columns of it
 *   four_products(w, x, steps, groups, sum)
 *                                   a four of rows by `groups` fours of tokens, FOUR_BYTES apart,
 *                                   over 8 * steps columns: each token's sums of the rows
 */
#ifndef ANM_CPU_GEMM_DIGITS_TEMPLATE_H
#define ANM_CPU_GEMM_DIGITS_TEMPLATE_H

#include "src/cpu/kernels/neondot/digits_neondot.h"

typedef int16_t weight; /* room for two digits */

#include "src/cpu/kernels/table_plain.h"

enum {
    STEP8 = 64,
    FOUR_BYTES = 4 * ANM_GEMV_BLOCK * 2, /* a block of a four */
    FOUR_WEIGHTS = FOUR_BYTES / 2,
    LOW_DIGITS = 256, /* bytes from a table's high digits to its low ones */
    GROUPS = 2        /* fours of tokens at a time */
};

static inline int four_offset(int64_t i);
static inline void four_store(uint8x16_t high, uint8x16_t low, uint8_t *to);
GEMV_INLINE void four_products(const uint8_t *w, const uint8_t *x, int64_t steps, int groups,
                               int32x4_t sum[4 * GROUPS]);

static float convert_table(const uint16_t *halves, int bits, weight *table) {
    uint8_t *digits = (uint8_t *)table;
    return table_digits(bits, halves, DIGIT_UNITS, true, digits, digits + LOW_DIGITS);
}

/* n columns, a multiple of 16, to where they are `step` bytes apart by 32. */
static void store_row(const uint8_t *high, const uint8_t *low, int64_t n, uint8_t *to,
                      ptrdiff_t step) {
    for (int64_t i = 0; i < n; i += 16)
        four_store(vld1q_u8(high + i), vld1q_u8(low + i), to + i / 32 * step + i % 32 * 8);
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    uint8_t high[ANM_GEMV_BLOCK], low[ANM_GEMV_BLOCK];
    digit_units units = digit_units_for(largest_of(row, n));
    digits_of(row, n, n, units.per_one, high, low);
    store_row(high, low, n, (uint8_t *)out, 2 * step);
    return units.unit;
}

/* The indices of 32 columns as bytes. */
GEMV_INLINE void indices_32(int bits, const uint8_t *packed, uint8_t *index) {
    const uint8x16_t nibble = vdupq_n_u8(15);
    const uint8x8_t six = vdup_n_u8(63);
    if (bits == 8) memcpy(index, packed, 32);
    else if (bits == 6) {
        uint8x8x3_t w = vld3_u8(packed);
        uint8x8_t second = vsli_n_u8(vshr_n_u8(w.val[0], 6), w.val[1], 2);
        uint8x8_t third = vsli_n_u8(vshr_n_u8(w.val[1], 4), w.val[2], 4);
        vst4_u8(index, ((uint8x8x4_t){{vand_u8(w.val[0], six), vand_u8(second, six),
                                       vand_u8(third, six), vshr_n_u8(w.val[2], 2)}}));
    } else if (bits == 4) {
        uint8x16_t w = vld1q_u8(packed);
        vst2q_u8(index, ((uint8x16x2_t){{vandq_u8(w, nibble), vshrq_n_u8(w, 4)}}));
    } else {
        for (int i = 0; i < 4; i++) index_bytes_8(packed + i * bits, bits, index + 8 * i);
    }
}

GEMV_INLINE void decode_digits(int bits, const uint8_t *packed, const weight *table, int times,
                               weight *out, ptrdiff_t step) {
    const uint8_t *digits = (const uint8_t *)table;
    uint8x16x4_t high[4], low[4];
    for (int i = 0; i < (bits == 8 ? 4 : 1); i++) {
        high[i] = load64(digits + 64 * i);
        low[i] = load64(digits + LOW_DIGITS + 64 * i);
    }
    for (int i = 0; i < times; i++, packed += 4 * bits, out += step) {
        uint8_t index[32];
        indices_32(bits, packed, index);
        for (int j = 0; j < 2; j++) {
            uint8x16_t at = vld1q_u8(index + 16 * j);
            four_store(look_up(bits, high, at), look_up(bits, low, at),
                       (uint8_t *)out + 2 * STEP8 * j);
        }
    }
}

#define DECODE_DIGITS(bits)                                                                        \
    static void decode_digits_##bits(const uint8_t *packed, const weight *table, int times,        \
                                     weight *out, ptrdiff_t step) {                                \
        decode_digits(bits, packed, table, times, out, step);                                      \
    }
DECODE_DIGITS(1)
DECODE_DIGITS(2)
DECODE_DIGITS(3)
DECODE_DIGITS(4)
DECODE_DIGITS(6)
DECODE_DIGITS(8)

static anm_table_decoder table_decoder(int bits) {
    static const anm_table_decoder by_bits[9] = {
        [1] = decode_digits_1, [2] = decode_digits_2, [3] = decode_digits_3,
        [4] = decode_digits_4, [6] = decode_digits_6, [8] = decode_digits_8};
    return by_bits[bits];
}

static anm_halves_converter halves_converter(void) { return NULL; }

#include "src/cpu/kernels/gemm_panel_template.h"

/* Prepared input: a factor for each block and token, then the blocks, fours of tokens in them. */
typedef struct gemm_input {
    int64_t fours, blocks;
    const float *factors;
    const uint8_t *digits;
} gemm_input;

static gemm_input input_layout(const void *input, int64_t columns, int64_t tokens) {
    gemm_input in = {.fours = (tokens + 3) / 4, .blocks = (columns + BLOCK - 1) / BLOCK};
    in.factors = input;
    in.digits = (const uint8_t *)(in.factors + up(in.blocks * in.fours * 4, 16));
    return in;
}

static size_t input_bytes(int64_t columns, int64_t tokens) {
    gemm_input in = input_layout(NULL, columns, tokens);
    return (size_t)(up(in.blocks * in.fours * 4, 16) * 4 + in.blocks * in.fours * FOUR_BYTES);
}

/* A block of n columns of one token; sums are in 256 units. */
static void prepare_token(const float *x, int64_t n, float *factor, uint8_t *to) {
    uint8_t high[BLOCK], low[BLOCK];
    digit_units units = digit_units_for(largest_of(x, n));
    digits_of(x, n, up(n, STEP), units.per_one, high, low);
    store_row(high, low, up(n, STEP), to, 4 * STEP8);
    *factor = 256 * units.unit;
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    gemm_input in = input_layout(input, columns, tokens);
    float *factors = input;
    uint8_t *digits = (uint8_t *)input + (in.digits - (const uint8_t *)input);
    int64_t pieces = in.blocks * in.fours;
    for (int64_t i = pieces * part / parts; i < pieces * (part + 1) / parts; i++) {
        int64_t k = i / in.fours * BLOCK, n = columns - k < BLOCK ? columns - k : BLOCK;
        memset(factors + 4 * i, 0, 4 * sizeof *factors);
        memset(digits + i * FOUR_BYTES, 0, FOUR_BYTES);
        for (int64_t j = 0, t = i % in.fours * 4; j < 4 && t + j < tokens; j++)
            prepare_token(x + (t + j) * ldx + k, n, factors + 4 * i + j,
                          digits + i * FOUR_BYTES + four_offset((int)j));
    }
}

typedef struct gemm_scratch {
    gemm_panel panel;
    weight weights[PANEL * BLOCK] __attribute__((aligned(64)));
} gemm_scratch;

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) { return sizeof(gemm_scratch); }

/* Sums of a token and up to four rows, to or onto those of the blocks before. */
static inline void add_sums(float *y, vf value, int64_t rows, bool first) {
    if (rows >= 4) v_store(y, first ? value : v_add(v_load(y), value));
    else v_store_part(y, first ? value : v_add(v_load_part(y, rows), value), rows);
}

/* The panel against `groups` fours of tokens, of which `tokens` are there. */
GEMV_INLINE void multiply_fours(const gemm_scratch *s, const uint8_t *x, const float *x_factor,
                                int groups, int64_t tokens, float *y, int64_t ldy) {
    const gemm_panel *p = &s->panel;
    int64_t steps = up(p->k1 - p->k0, STEP) / 8;
    for (int64_t r = 0; r < p->rows; r += 4) {
        int32x4_t sum[4 * GROUPS];
        four_products((const uint8_t *)(s->weights + r / 4 * FOUR_WEIGHTS), x, steps, groups, sum);
        vf factor = v_load(p->factor + r);
        for (int t = 0; t < 4 * groups && t < tokens; t++)
            add_sums(y + t * ldy + r,
                     v_mul(vcvtq_f32_s32(sum[t]), v_mul(factor, v_set(x_factor[t]))), p->rows - r,
                     p->k0 == 0);
    }
}

/* The panel, decoded, against all tokens. */
static void multiply_panel(const gemm_scratch *s, const gemm_input *in, int64_t tokens, float *y,
                           int64_t ldy) {
    int64_t first = s->panel.k0 / BLOCK * in->fours, g = 0;
    for (; g + GROUPS <= in->fours; g += GROUPS)
        multiply_fours(s, in->digits + (first + g) * FOUR_BYTES, in->factors + (first + g) * 4,
                       GROUPS, tokens - 4 * g, y + 4 * g * ldy, ldy);
    for (; g < in->fours; g++)
        multiply_fours(s, in->digits + (first + g) * FOUR_BYTES, in->factors + (first + g) * 4, 1,
                       tokens - 4 * g, y + 4 * g * ldy, ldy);
}

/* Inputs that a near cache holds are read again for every panel, others for every PORTION rows. */
enum { NEAR_INPUT = 1 << 20, PORTION = 8 * PANEL };

static void run(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch) {
    gemm_scratch *s = scratch;
    gemm_input in = input_layout(input, w->columns, tokens);
    bool near = in.blocks * in.fours * FOUR_BYTES <= NEAR_INPUT;
    walk at = walk_start(row0, row1, w->columns, near ? PANEL : PORTION);
    panel_start(&s->panel, w);
    memset(s->panel.factor, 0, sizeof s->panel.factor);
    for (; !walk_ended(&at); walk_on(&at)) {
        panel_turn(&s->panel, &at);
        for (int64_t r = 0; r < s->panel.rows; r++)
            panel_decode(&s->panel, r, s->panel.k1 - at.k0,
                         s->weights + r / 4 * FOUR_WEIGHTS + four_offset((int)r % 4) / 2,
                         2 * STEP8);
        multiply_panel(s, &in, tokens, y + at.row, ldy);
    }
}

static bool accepts(const anm_matrix *w) { return true; }

#endif

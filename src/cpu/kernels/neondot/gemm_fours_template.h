/* SPDX-License-Identifier: MIT */
/*
 * GEMM by products of bytes: both sides lie in fours, of rows and of tokens, with one or two digits
 * of each value. Included after
 *   DIGITS, SHARE    digits of a value; columns of a token that have one factor
 *   float table_bytes(const uint16_t *halves, int bits, uint8_t *digits)
 *   float row_bytes(const float *x, int64_t n, int64_t end, uint8_t *digits)
 *                    a table's, or n values' digits and zeros to `end`, which begin DIGIT apart;
 *                    the unit
 * and four_LEVEL.h:
 *   four_offset(i)   where row or token i of a four begins
 *   four_store(digits, to)
 *                    16 columns of it; 8 columns of a four take STEP8 bytes
 *   four_products(w, x, steps, groups, sum)
 *                    a four of rows by `groups` fours of tokens, FOUR_BYTES apart, over 8 * steps
 *                    columns: each token's sums of the rows; of two digits in units of 256
 */
#ifndef ANM_CPU_GEMM_FOURS_TEMPLATE_H
#define ANM_CPU_GEMM_FOURS_TEMPLATE_H

#include "src/cpu/kernels/gemm_decoder.h"
#include "src/cpu/kernels/neondot/indices_neondot.h"

enum { SUM_UNIT = DIGITS == 2 ? 256 : 1 };

static float convert_table(const uint16_t *halves, int bits, weight *table) {
    return table_bytes(halves, bits, (uint8_t *)table);
}

GEMV_INLINE void load_digits(const uint8_t *from, uint8x16_t digits[DIGITS]) {
    for (int d = 0; d < DIGITS; d++) digits[d] = vld1q_u8(from + d * DIGIT);
}

/* Columns up to `end`, a multiple of 16, to where they are `step` bytes apart by 32. */
static float store_row(const float *x, int64_t n, int64_t end, uint8_t *to, ptrdiff_t step) {
    uint8_t bytes[DIGITS * DIGIT];
    float unit = row_bytes(x, n, end, bytes);
    for (int64_t i = 0; i < end; i += 16) {
        uint8x16_t digits[DIGITS];
        load_digits(bytes + i, digits);
        four_store(digits, to + i / 32 * step + i / 16 % 2 * 2 * STEP8);
    }
    return unit;
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    return store_row(row, n, n, (uint8_t *)out, DIGITS * step);
}

GEMV_INLINE void decode_digits(int bits, const uint8_t *packed, const weight *table, int times,
                               weight *out, ptrdiff_t step) {
    const uint8_t *bytes = (const uint8_t *)table;
    uint8x16x4_t part[DIGITS][4];
    for (int i = 0; i < DIGITS * (bits == 8 ? 4 : 1); i++)
        part[i % DIGITS][i / DIGITS] = load64(bytes + i % DIGITS * DIGIT + i / DIGITS * 64);
    for (int i = 0; i < times; i++, packed += 4 * bits, out += step) {
        uint8_t index[32];
        indices_32(bits, packed, index);
        for (int j = 0; j < 2; j++) {
            uint8x16_t at = vld1q_u8(index + 16 * j), digits[DIGITS];
            for (int d = 0; d < DIGITS; d++) digits[d] = look_up(bits, part[d], at);
            four_store(digits, (uint8_t *)out + 2 * STEP8 * j);
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

/* Prepared input: a factor for each block, share and token, then the blocks in fours of tokens. */
enum { SHARES = BLOCK / SHARE, FOUR_FACTORS = 4 * SHARES };

typedef struct gemm_input {
    int64_t fours, blocks;
    const float *factors;
    const uint8_t *digits;
} gemm_input;

static gemm_input input_layout(const void *input, int64_t columns, int64_t tokens) {
    gemm_input in = {.fours = (tokens + 3) / 4, .blocks = (columns + BLOCK - 1) / BLOCK};
    in.factors = input;
    in.digits = (const uint8_t *)(in.factors + up(in.blocks * in.fours * FOUR_FACTORS, 16));
    return in;
}

static size_t input_bytes(int64_t columns, int64_t tokens) {
    gemm_input in = input_layout(NULL, columns, tokens);
    int64_t pieces = in.blocks * in.fours;
    return (size_t)(up(pieces * FOUR_FACTORS, 16) * 4 + pieces * FOUR_BYTES);
}

/* A block of n columns of one token. */
static void prepare_token(const float *x, int64_t n, float *factors, uint8_t *to) {
    for (int64_t k = 0; k < n; k += SHARE, factors += 4, to += SHARE / 8 * STEP8) {
        int64_t left = n - k < SHARE ? n - k : SHARE;
        *factors = SUM_UNIT * store_row(x + k, left, up(left, STEP), to, 4 * STEP8);
    }
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    gemm_input in = input_layout(input, columns, tokens);
    float *factors = input;
    uint8_t *digits = (uint8_t *)input + (in.digits - (const uint8_t *)input);
    int64_t pieces = in.blocks * in.fours;
    for (int64_t i = pieces * part / parts; i < pieces * (part + 1) / parts; i++) {
        int64_t k = i / in.fours * BLOCK, n = columns - k < BLOCK ? columns - k : BLOCK;
        memset(factors + i * FOUR_FACTORS, 0, FOUR_FACTORS * sizeof *factors);
        memset(digits + i * FOUR_BYTES, 0, FOUR_BYTES);
        for (int64_t j = 0, t = i % in.fours * 4; j < 4 && t + j < tokens; j++)
            prepare_token(x + (t + j) * ldx + k, n, factors + i * FOUR_FACTORS + j,
                          digits + i * FOUR_BYTES + four_offset(j));
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

/* A four of rows against `groups` fours of tokens, in units of the rows. */
GEMV_INLINE void multiply_shares(const uint8_t *w, const uint8_t *x, const float *x_factor,
                                 int64_t columns, int groups, vf total[4 * GROUPS]) {
    for (int t = 0; t < 4 * groups; t++) total[t] = v_zero();
    for (; columns > 0; columns -= SHARE) {
        int32x4_t sum[4 * GROUPS];
        four_products(w, x, up(columns < SHARE ? columns : SHARE, STEP) / 8, groups, sum);
        for (int t = 0; t < 4 * groups; t++)
            total[t] = v_fma(vcvtq_f32_s32(sum[t]), v_set(x_factor[t / 4 * FOUR_FACTORS + t % 4]),
                             total[t]);
        w += SHARE / 8 * STEP8;
        x += SHARE / 8 * STEP8;
        x_factor += 4;
    }
}

/* The panel against `groups` fours of tokens, of which `tokens` are there. */
GEMV_INLINE void multiply_fours(const gemm_scratch *s, const uint8_t *x, const float *x_factor,
                                int groups, int64_t tokens, float *y, int64_t ldy) {
    const gemm_panel *p = &s->panel;
    for (int64_t r = 0; r < p->rows; r += 4) {
        vf total[4 * GROUPS], factor = v_load(p->factor + r);
        multiply_shares((const uint8_t *)(s->weights + r * BLOCK), x, x_factor, p->k1 - p->k0,
                        groups, total);
        for (int t = 0; t < 4 * groups && t < tokens; t++)
            add_sums(y + t * ldy + r, v_mul(total[t], factor), p->rows - r, p->k0 == 0);
    }
}

/* The panel, decoded, against all tokens. */
static void multiply_panel(const gemm_scratch *s, const gemm_input *in, int64_t tokens, float *y,
                           int64_t ldy) {
    int64_t first = s->panel.k0 / BLOCK * in->fours;
    const uint8_t *x = in->digits + first * FOUR_BYTES;
    const float *x_factor = in->factors + first * FOUR_FACTORS;
    for (int64_t g = 0; g < in->fours; g += GROUPS) {
        int64_t left = tokens - 4 * g;
        if (g + GROUPS <= in->fours)
            multiply_fours(s, x, x_factor, GROUPS, left, y + 4 * g * ldy, ldy);
        else multiply_fours(s, x, x_factor, 1, left, y + 4 * g * ldy, ldy);
        x += GROUPS * FOUR_BYTES;
        x_factor += GROUPS * FOUR_FACTORS;
    }
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
                         s->weights + r / 4 * 4 * BLOCK + four_offset(r % 4) / DIGITS, 4 * STEP);
        multiply_panel(s, &in, tokens, y + at.row, ldy);
    }
}

static bool accepts(const anm_matrix *w) { return true; }

#endif

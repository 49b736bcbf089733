/* SPDX-License-Identifier: MIT */
/*
 * GEMM with vectors along the tokens: a group of VN tokens is a vector, and PER columns of a row,
 * one 32-bit element, are broadcast against it. The input is prepared in blocks of columns, in
 * them groups of tokens, in them PER columns of VN tokens; the panel's weights lie row by row.
 *
 * The file of a level defines before, beside what gemm_panel_template.h asks for: vector_LEVEL.h;
 * PER; va, an accumulator of VN; and
 *   va dot(va sum, const void *tokens, const weight *w)   adds the products of PER columns
 *   vf sum_float(va sum)
 *   float input_factor(float largest, float sum)   what multiplies an input whose magnitudes have
 *                                       that maximum and sum over a block; 1 for floats
 *   vf pack(const float *x, int64_t n, vf factor)  PER * VN columns, n of them there, as elements
 */
#ifndef ANM_CPU_GEMM_TILE_TEMPLATE_H
#define ANM_CPU_GEMM_TILE_TEMPLATE_H

#include "src/cpu/kernels/gemm_panel_template.h"
#include "src/cpu/kernels/gemm_store_template.h"

#define ALWAYS static inline __attribute__((always_inline))

enum {
    GROUP_FLOATS = BLOCK / PER * VN, /* 32-bit elements of a group of tokens in a block */
    MANY = VECTOR_REGISTERS == 32 ? 4 : 2, /* groups of tokens at a time */
    NEAR = 1 << 20, /* bytes of input that are read again for every panel */
    SUMS = 1 << 17  /* floats of sums kept at a time, if the input is larger */
};

/* Prepared input: a factor per block and token, then the blocks. */
typedef struct gemm_input {
    int64_t tokens, groups, blocks;
    const float *factors, *packed;
} gemm_input;

static gemm_input input_layout(const void *input, int64_t columns, int64_t tokens) {
    gemm_input in = {.tokens = tokens, .groups = (tokens + VN - 1) / VN};
    in.blocks = (columns + BLOCK - 1) / BLOCK;
    in.factors = input;
    in.packed = in.factors + up(in.blocks * in.groups * VN, 16);
    return in;
}

static size_t input_bytes(int64_t columns, int64_t tokens) {
    gemm_input in = input_layout(NULL, columns, tokens);
    int64_t floats = up(in.blocks * in.groups * VN, 16) + in.blocks * in.groups * GROUP_FLOATS;
    return (size_t)floats * 4;
}

static float block_factor(const float *x, int64_t n) {
    vf largest = v_zero(), sum = v_zero();
    for (int64_t k = 0; k < n; k += VN) {
        vf a = v_abs(v_load_part(x + k, n - k));
        largest = v_max(largest, a);
        sum = v_add(sum, a);
    }
    return input_factor(v_largest(largest), v_sum(sum));
}

/* One block of a group of tokens, of which `count` are there. */
static void prepare_group(const float *x, int64_t ldx, int64_t n, int64_t count, float *factors,
                          float *packed) {
    vf factor[VN];
    for (int64_t t = 0; t < VN; t++) {
        float f = t < count ? block_factor(x + t * ldx, n) : 0;
        factor[t] = v_set(f);
        factors[t] = f == 0 ? 0 : 1 / f;
    }
    for (int64_t k = 0; k < up(n, STEP); k += PER * VN, packed += VN * VN) {
        vf element[VN];
        for (int64_t t = 0; t < VN; t++)
            element[t] = t < count && k < n ? pack(x + t * ldx + k, n - k, factor[t]) : v_zero();
        v_transpose(element);
        for (int64_t i = 0; i < VN; i++) v_store(packed + i * VN, element[i]);
    }
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    gemm_input in = input_layout(input, columns, tokens);
    int64_t pieces = in.blocks * in.groups;
    for (int64_t i = pieces * part / parts; i < pieces * (part + 1) / parts; i++) {
        int64_t k = i / in.groups * BLOCK, t = i % in.groups * VN;
        prepare_group(x + t * ldx + k, ldx, columns - k < BLOCK ? columns - k : BLOCK,
                      tokens - t < VN ? tokens - t : VN, (float *)in.factors + i * VN,
                      (float *)in.packed + i * GROUP_FLOATS);
    }
}

/* Rows whose sums are kept while the blocks of columns pass. */
static int64_t rows_at_a_time(int64_t columns, int64_t tokens) {
    if (up(columns, BLOCK) * tokens * 4 / PER <= NEAR) return PANEL;
    int64_t rows = SUMS / up(tokens, VN) / PANEL * PANEL;
    return rows < PANEL ? PANEL : rows;
}

typedef struct gemm_scratch {
    gemm_panel panel;
    weight weights[PANEL * BLOCK] __attribute__((aligned(64)));
    float sums[] __attribute__((aligned(64))); /* [rows_at_a_time][tokens, whole groups] */
} gemm_scratch;

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) {
    int64_t sums = rows_at_a_time(w->columns, tokens) * up(tokens, VN);
    return sizeof(gemm_scratch) + (size_t)sums * 4;
}

/* `rows` rows against `groups` groups of tokens over one block. */
ALWAYS void multiply_tile(const weight *w, const float *factor, const float *x,
                          const float *x_factor, int64_t elements, float *sums, int64_t ld,
                          bool first, int rows, int groups) {
    va sum[8][MANY] = {0};
    for (int64_t k = 0; k < elements; k++)
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < groups; g++)
                sum[r][g] = dot(sum[r][g], x + g * GROUP_FLOATS + k * VN, w + r * BLOCK + k * PER);
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < groups; g++) {
            float *to = sums + r * ld + g * VN;
            vf scale = v_mul(v_set(factor[r]), v_load(x_factor + g * VN));
            vf value = v_mul(sum_float(sum[r][g]), scale);
            v_store(to, first ? value : v_add(v_load(to), value));
        }
}

ALWAYS void multiply_groups(const gemm_scratch *s, const float *x, const float *x_factor,
                            int64_t elements, float *sums, int64_t ld, bool first, int rows,
                            int groups) {
    for (int64_t r = 0; r < s->panel.rows; r += rows)
        multiply_tile(s->weights + r * BLOCK, s->panel.factor + r, x, x_factor, elements,
                      sums + r * ld, ld, first, rows, groups);
}

/* The panel, decoded, against all tokens. */
static void multiply_panel(const gemm_scratch *s, const gemm_input *in, float *sums) {
    int64_t block = s->panel.k0 / BLOCK, ld = in->groups * VN;
    int64_t elements = up(s->panel.k1 - s->panel.k0, STEP) / PER;
    bool first = block == 0;
    for (int64_t g = 0; g < in->groups;) {
        const float *x = in->packed + (block * in->groups + g) * GROUP_FLOATS;
        const float *x_factor = in->factors + (block * in->groups + g) * VN;
        int64_t left = in->groups - g;
        float *to = sums + g * VN;
        if (MANY == 4 && left >= 4)
            multiply_groups(s, x, x_factor, elements, to, ld, first, 4, MANY);
        else if (MANY == 4 && left == 3)
            multiply_groups(s, x, x_factor, elements, to, ld, first, 4, MANY - 1);
        else if (left >= 2) multiply_groups(s, x, x_factor, elements, to, ld, first, 4, 2);
        else multiply_groups(s, x, x_factor, elements, to, ld, first, 8, 1);
        g += left < MANY ? left : MANY;
    }
}

static void run_rows(gemm_scratch *s, const gemm_input *in, int64_t row0, int64_t row1, float *y,
                     int64_t ldy) {
    int64_t columns = s->panel.w->columns, ld = in->groups * VN;
    for (int64_t k0 = 0; k0 < columns; k0 += BLOCK)
        for (int64_t row = row0; row < row1; row += PANEL) {
            float *sums = s->sums + (row - row0) * ld;
            panel_turn(&s->panel, row, row1, k0);
            for (int64_t r = 0; r < s->panel.rows; r++)
                panel_decode(&s->panel, r, k0, s->panel.k1 - k0, s->weights + r * BLOCK, STEP);
            multiply_panel(s, in, sums);
            if (k0 + BLOCK >= columns)
                store_transposed(sums, ld, s->panel.rows, in->tokens, y + row, ldy);
        }
}

static void run(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch) {
    gemm_scratch *s = scratch;
    gemm_input in = input_layout(input, w->columns, tokens);
    int64_t rows = rows_at_a_time(w->columns, tokens);
    panel_start(&s->panel, w);
    memset(s->weights, 0, sizeof s->weights);
    memset(s->panel.factor, 0, sizeof s->panel.factor);
    for (int64_t row = row0; row < row1; row += rows)
        run_rows(s, &in, row, row1 - row < rows ? row1 : row + rows, y, ldy);
}

static bool accepts(const anm_matrix *w) { return true; }

#endif

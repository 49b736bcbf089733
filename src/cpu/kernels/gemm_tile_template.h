/* SPDX-License-Identifier: MIT */
/*
 * GEMM with vectors along the tokens: a group of VN tokens is a vector, and PER columns of a row,
 * one 32-bit element, are broadcast against it. The panel's weights lie row by row.
 *
 * The file of a level defines before, beside what gemm_input_template.h and
 * gemm_panel_template.h ask for: va, an accumulator of VN, and
 *   va dot(va sum, const void *tokens, const weight *w)   adds the products of PER columns
 *   vf sum_float(va sum)
 */
#ifndef ANM_CPU_GEMM_TILE_TEMPLATE_H
#define ANM_CPU_GEMM_TILE_TEMPLATE_H

#include "src/cpu/kernels/gemm_input_template.h"
#include "src/cpu/kernels/gemm_store_template.h"

#define ALWAYS static inline __attribute__((always_inline))

enum { MANY = VECTOR_REGISTERS == 32 ? 4 : 2 }; /* groups of tokens at a time */

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

/* Rows that are not there, up to a whole tile, weigh nothing. */
static void clear_rest(gemm_scratch *s) {
    int64_t rows = s->panel.rows;
    if (rows == PANEL) return;
    memset(s->weights + rows * BLOCK, 0, (size_t)((PANEL - rows) * BLOCK) * sizeof(weight));
}

static void run(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch) {
    gemm_scratch *s = scratch;
    gemm_input in = input_layout(input, w->columns, tokens);
    int64_t ld = in.groups * VN;
    walk at = walk_start(row0, row1, w->columns, rows_at_a_time(w->columns, tokens));
    panel_start(&s->panel, w);
    memset(s->panel.factor, 0, sizeof s->panel.factor);
    for (; !walk_ended(&at); walk_on(&at)) {
        float *sums = s->sums + (at.row - at.first) * ld;
        panel_turn(&s->panel, &at);
        for (int64_t r = 0; r < s->panel.rows; r++)
            panel_decode(&s->panel, r, s->panel.k1 - at.k0, s->weights + r * BLOCK, STEP);
        clear_rest(s);
        multiply_panel(s, &in, sums);
        if (walk_is_last_block(&at))
            store_transposed(sums, ld, s->panel.rows, tokens, y + at.row, ldy);
    }
}

static bool accepts(const anm_matrix *w) { return true; }

#endif

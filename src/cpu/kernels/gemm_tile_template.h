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

enum { MANY = VECTOR_REGISTERS == 32 ? 4 : 3 }; /* groups of tokens at a time, by four rows */

/*
 * Sums that are complete and yet to be written, a square at a time between the next products:
 * memory takes lines more slowly than they come if all are written at once.
 */
typedef struct gemm_pending {
    const float *sums; /* of the first row and token; NULL: nothing */
    int64_t rows, tokens, row, token; /* token, row: of the next square */
    float *y;
} gemm_pending;

typedef struct gemm_scratch {
    gemm_panel panel;
    gemm_pending pending;
    int64_t ld, ldy; /* of sums and output */
    weight weights[PANEL * BLOCK] __attribute__((aligned(64)));
    float sums[] __attribute__((aligned(64))); /* [rows_at_a_time][tokens, whole groups] */
} gemm_scratch;

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) {
    int64_t sums = rows_at_a_time(w->columns, tokens) * up(tokens, VN);
    return sizeof(gemm_scratch) + (size_t)sums * 4;
}

/* `rows` rows against `groups` groups of tokens over one share. */
ALWAYS void multiply_share(const weight *w, const float *x, int64_t elements, int rows, int groups,
                           va sum[8][MANY]) {
    va start[MANY] = {0};
    for (int g = 0; g < groups && STARTS; g++)
        memcpy(&start[g], x + g * GROUP_FLOATS, sizeof start[g]);
    x += STARTS * VN;
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < groups; g++) sum[r][g] = start[g];
    for (int64_t k = 0; k < elements; k++)
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < groups; g++)
                sum[r][g] = dot(sum[r][g], x + g * GROUP_FLOATS + k * VN, w + r * BLOCK + k * PER);
}

/* Over one block, which is one share. */
ALWAYS void multiply_whole(const weight *w, const float *factor, const float *x,
                           const float *x_factor, int64_t elements, float *sums, int64_t ld,
                           bool first, int rows, int groups) {
    va sum[8][MANY];
    multiply_share(w, x, elements, rows, groups, sum);
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < groups; g++) {
            float *to = sums + r * ld + g * VN;
            vf scale = v_mul(v_set(factor[r]), v_load(x_factor + g * VN));
            vf value = v_mul(sum_float(sum[r][g]), scale);
            v_store(to, first ? value : v_add(v_load(to), value));
        }
}

/* Over one block, share by share. */
ALWAYS void multiply_shares(const weight *w, const float *factor, const float *x,
                            const float *x_factor, int64_t elements, float *sums, int64_t ld,
                            bool first, int rows, int groups) {
    va sum[8][MANY];
    vf total[8][MANY];
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < groups; g++) total[r][g] = v_zero();
    for (; elements > 0; elements -= SHARE / PER) {
        multiply_share(w, x, elements < SHARE / PER ? elements : SHARE / PER, rows, groups, sum);
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < groups; g++)
                total[r][g] = v_fma(sum_float(sum[r][g]), v_load(x_factor + g * GROUP_FACTORS),
                                    total[r][g]);
        w += SHARE;
        x += SHARE_FLOATS;
        x_factor += VN;
    }
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < groups; g++) {
            float *to = sums + r * ld + g * VN;
            vf value = v_mul(total[r][g], v_set(factor[r]));
            v_store(to, first ? value : v_add(v_load(to), value));
        }
}

static void write_square(gemm_scratch *s) {
    gemm_pending *p = &s->pending;
    if (!p->sums) return;
    store_square(p->sums + p->row * s->ld + p->token, s->ld, p->rows - p->row,
                 p->tokens - p->token, p->y + p->token * s->ldy + p->row, s->ldy);
    p->row += VN;
    if (p->row < p->rows) return;
    p->row = 0;
    p->token += VN;
    if (p->token >= p->tokens) p->sums = NULL;
}

static void write_pending(gemm_scratch *s) {
    while (s->pending.sums) write_square(s);
}

ALWAYS void multiply_groups(gemm_scratch *s, const float *x, const float *x_factor,
                            int64_t elements, float *sums, bool first, int rows, int groups) {
    for (int64_t r = 0; r < s->panel.rows; r += rows) {
        const weight *w = s->weights + r * BLOCK;
        const float *factor = s->panel.factor + r;
        float *to = sums + r * s->ld;
        if (SHARES == 1)
            multiply_whole(w, factor, x, x_factor, elements, to, s->ld, first, rows, groups);
        else multiply_shares(w, factor, x, x_factor, elements, to, s->ld, first, rows, groups);
        write_square(s);
    }
}

/* The panel, decoded, against all tokens; y if its sums are complete then, else NULL. */
static void multiply_panel(gemm_scratch *s, const gemm_input *in, float *sums, float *y) {
    int64_t block = s->panel.k0 / BLOCK, elements = up(s->panel.k1 - s->panel.k0, STEP) / PER;
    bool first = block == 0;
    for (int64_t g = 0, n; g < in->groups; g += n) {
        const float *x = in->packed + (block * in->groups + g) * GROUP_FLOATS;
        const float *x_factor = in->factors + (block * in->groups + g) * GROUP_FACTORS;
        float *to = sums + g * VN;
        int64_t left = in->tokens - g * VN;
        n = in->groups - g < MANY ? in->groups - g : MANY;
        if (s->pending.sums == to) write_pending(s);
        if (MANY == 4 && n == 4) multiply_groups(s, x, x_factor, elements, to, first, 4, MANY);
        else if (n == 3) multiply_groups(s, x, x_factor, elements, to, first, 4, 3);
        else if (n == 2) multiply_groups(s, x, x_factor, elements, to, first, 4, 2);
        else multiply_groups(s, x, x_factor, elements, to, first, 8, 1);
        if (!y) continue;
        write_pending(s);
        s->pending = (gemm_pending){to, s->panel.rows, left < n * VN ? left : n * VN, 0, 0,
                                    y + g * VN * s->ldy};
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
    s->ld = in.groups * VN;
    s->ldy = ldy;
    s->pending.sums = NULL;
    walk at = walk_start(row0, row1, w->columns, rows_at_a_time(w->columns, tokens));
    panel_start(&s->panel, w);
    memset(s->panel.factor, 0, sizeof s->panel.factor);
    for (; !walk_ended(&at); walk_on(&at)) {
        float *sums = s->sums + (at.row - at.first) * s->ld;
        panel_turn(&s->panel, &at);
        for (int64_t r = 0; r < s->panel.rows; r++)
            panel_decode(&s->panel, r, s->panel.k1 - at.k0, s->weights + r * BLOCK, STEP);
        clear_rest(s);
        multiply_panel(s, &in, sums, walk_is_last_block(&at) ? y + at.row : NULL);
    }
    write_pending(s);
}

static bool accepts(const anm_matrix *w) { return true; }

#endif

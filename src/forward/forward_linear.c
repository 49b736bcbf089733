/* SPDX-License-Identifier: MIT */
/*
 * Linear layers over many tokens. An item of work is a panel of outputs: its weights are converted
 * and turned a block of inputs at a time, and used for all tokens while they are in the cache.
 */
#include <string.h>

#include "src/base/threads.h"
#include "src/forward/forward_internal.h"
#include "src/forward/forward_tile.h"

enum { PANEL = ANM_FORWARD_PANEL, DEPTH = ANM_FORWARD_DEPTH, TOKENS = 48 };

typedef struct product {
    anm_forward_tile_fn *tile;
    const anm_weight *weight, *bias;
    const float *replaced; /* in the place of weight, or NULL */
    const float *x;
    float *y;
    int64_t rows, inputs, outputs;
} product;

void anm_forward_read(const anm_weight *weight, int64_t first, int64_t count, float *out) {
    anm_weight_floats(weight, (size_t)first, (size_t)count, out);
}

void anm_forward_drop(const anm_weight *weight) {
    const anm_tensor *t = weight->tensor;
    anm_weight_drop(weight, 0, (size_t)anm_shape_elements(t->shape, t->rank));
}

/* panel[i][o] = W[output + o][input + i]; outputs beyond the last are zero. */
static void pack(const product *p, int64_t output, int64_t input, int64_t depth, float *panel) {
    float row[DEPTH];
    for (int64_t o = 0; o < PANEL; o++) {
        int64_t first = (output + o) * p->inputs + input;
        const float *values = row;
        if (output + o >= p->outputs) memset(row, 0, (size_t)depth * sizeof *row);
        else if (p->replaced) values = p->replaced + first;
        else anm_forward_read(p->weight, first, depth, row);
        for (int64_t i = 0; i < depth; i++) panel[i * PANEL + o] = values[i];
    }
}

/* y += tile */
static void add_tile(const product *p, const float *tile, int64_t row, int64_t rows, int64_t output,
                     int64_t count) {
    for (int64_t t = 0; t < rows; t++) {
        float *y = p->y + (row + t) * p->outputs + output;
        for (int64_t o = 0; o < count; o++) y[o] += tile[t * PANEL + o];
    }
}

/* y = tile + bias: nothing was in y yet. */
static void set_tile(const product *p, const float *tile, const float *bias, int64_t row,
                     int64_t rows, int64_t output, int64_t count) {
    for (int64_t t = 0; t < rows; t++) {
        float *y = p->y + (row + t) * p->outputs + output;
        for (int64_t o = 0; o < count; o++) y[o] = tile[t * PANEL + o] + bias[o];
    }
}

static void compute_panel(void *context, size_t item) {
    const product *p = context;
    float panel[DEPTH * PANEL], tile[TOKENS * PANEL], bias[PANEL] = {0};
    int64_t output = (int64_t)item * PANEL;
    int64_t count = p->outputs - output < PANEL ? p->outputs - output : PANEL;
    if (p->bias) anm_forward_read(p->bias, output, count, bias);
    for (int64_t input = 0; input < p->inputs; input += DEPTH) {
        int64_t depth = p->inputs - input < DEPTH ? p->inputs - input : DEPTH;
        pack(p, output, input, depth, panel);
        for (int64_t t = 0; t < p->rows; t += TOKENS) {
            int64_t n = p->rows - t < TOKENS ? p->rows - t : TOKENS;
            p->tile(p->x + t * p->inputs + input, (size_t)p->inputs, (size_t)n, panel,
                    (size_t)depth, tile);
            if (input) add_tile(p, tile, t, n, output, count);
            else set_tile(p, tile, bias, t, n, output, count);
        }
    }
}

anm_status anm_forward_show_input(const anm_forward_group *g, const anm_weight *weight,
                                  const float *x) {
    const anm_tensor *t = weight->tensor;
    if (!g->hooks->linear) return ANM_OK;
    return g->hooks->linear(g->hooks->context, t->name, x, g->rows, t->shape[1], g->err);
}

anm_status anm_forward_linear(const anm_forward_group *g, const anm_weight *weight,
                              const anm_weight *bias, const float *x, float *y) {
    const anm_tensor *t = weight->tensor;
    product p = {anm_forward_tile(), weight, bias, NULL, x, y, g->rows, t->shape[1], t->shape[0]};
    ANM_TRY(anm_forward_show_input(g, weight, x));
    if (g->hooks->weight) p.replaced = g->hooks->weight(g->hooks->context, t->name);
    anm_parallel_for(g->threads, (size_t)(p.outputs + PANEL - 1) / PANEL, compute_panel, &p);
    return ANM_OK;
}

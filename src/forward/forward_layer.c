/* SPDX-License-Identifier: MIT */
/* One decoder layer over a group of sequences. */
#include <math.h>
#include <stdio.h>

#include "src/base/alloc.h"
#include "src/forward/forward_internal.h"

/* A layer in work: where it is and what its values are called. */
typedef struct work {
    const anm_forward_group *g;
    const anm_forward_layer *layer;
    int64_t index;
} work;

static anm_status show(const work *w, const char *name, const float *x, int64_t columns) {
    const anm_forward_hooks *hooks = w->g->hooks;
    char full[96];
    if (!hooks->value) return ANM_OK;
    snprintf(full, sizeof full, "model.layers.%lld.%s", (long long)w->index, name);
    return hooks->value(hooks->context, full, x, w->g->rows, columns, w->g->err);
}

static anm_status linear(const work *w, anm_forward_slot slot, anm_forward_slot bias,
                         const float *x, float *y) {
    return anm_forward_linear(w->g, w->layer->weights[slot], w->layer->weights[bias], x, y);
}

static anm_status norm(const work *w, anm_forward_slot slot, const char *name) {
    int64_t hidden = w->g->forward->config.hidden_size;
    ANM_TRY(anm_forward_norm(w->g, w->layer->weights[slot], w->g->hidden, w->g->rows, hidden,
                             w->g->x));
    return show(w, name, w->g->x, hidden);
}

/* hidden += x, which has a norm of its own in some families */
static anm_status add_residual(const work *w, anm_forward_slot slot, const char *name) {
    const anm_forward_group *g = w->g;
    const anm_weight *weight = w->layer->weights[slot];
    int64_t hidden = g->forward->config.hidden_size;
    if (weight) ANM_TRY(anm_forward_norm(g, weight, g->x, g->rows, hidden, g->x));
    for (int64_t i = 0; i < g->rows * hidden; i++) g->hidden[i] += g->x[i];
    return show(w, name, g->hidden, hidden);
}

static void rotate_row(const anm_forward_group *g, float *x, int64_t heads, int64_t position) {
    int64_t half = g->forward->head_dim / 2;
    const float *c = g->cosines + position * half, *s = g->sines + position * half;
    for (float *h = x; h < x + heads * 2 * half; h += 2 * half)
        for (int64_t i = 0; i < half; i++) {
            float a = h[i], b = h[i + half];
            h[i] = a * c[i] - b * s[i];
            h[i + half] = b * c[i] + a * s[i];
        }
}

/* Each sequence counts its positions from 0. */
static void rotate(const anm_forward_group *g, float *x, int64_t heads) {
    for (size_t s = 0; s < g->count; s++)
        for (size_t t = 0; t < g->sequences[s].count; t++) {
            rotate_row(g, x, heads, (int64_t)t);
            x += heads * g->forward->head_dim;
        }
}

/* Normalises (if the family does) and rotates every head of q or k. */
static anm_status finish_heads(const work *w, anm_forward_slot slot, float *x, int64_t heads,
                               const char *name) {
    const anm_weight *weight = w->layer->weights[slot];
    int64_t d = w->g->forward->head_dim;
    if (weight) ANM_TRY(anm_forward_norm(w->g, weight, x, w->g->rows * heads, d, x));
    rotate(w->g, x, heads);
    return show(w, name, x, heads * d);
}

static anm_status project(const work *w) {
    const anm_forward_group *g = w->g;
    int64_t d = g->forward->head_dim, heads = g->forward->config.num_attention_heads;
    int64_t kv_heads = g->forward->config.num_key_value_heads;
    ANM_TRY(linear(w, ANM_FORWARD_Q, ANM_FORWARD_Q_BIAS, g->x, g->q));
    ANM_TRY(show(w, "q", g->q, heads * d));
    ANM_TRY(linear(w, ANM_FORWARD_K, ANM_FORWARD_K_BIAS, g->x, g->k));
    ANM_TRY(show(w, "k", g->k, kv_heads * d));
    ANM_TRY(linear(w, ANM_FORWARD_V, ANM_FORWARD_V_BIAS, g->x, g->v));
    ANM_TRY(show(w, "v", g->v, kv_heads * d));
    ANM_TRY(finish_heads(w, ANM_FORWARD_Q_NORM, g->q, heads, "q_rotated"));
    return finish_heads(w, ANM_FORWARD_K_NORM, g->k, kv_heads, "k_rotated");
}

static anm_status attention(const work *w) {
    const anm_forward_group *g = w->g;
    int64_t heads = g->forward->config.num_attention_heads;
    ANM_TRY(norm(w, ANM_FORWARD_INPUT_NORM, "input_norm"));
    ANM_TRY(project(w));
    ANM_TRY(anm_forward_attend(g));
    ANM_TRY(show(w, "scores", g->scores, heads));
    ANM_TRY(show(w, "attention", g->mixed, heads * g->forward->head_dim));
    ANM_TRY(linear(w, ANM_FORWARD_O, ANM_FORWARD_O_BIAS, g->mixed, g->x));
    ANM_TRY(show(w, "attention_out", g->x, g->forward->config.hidden_size));
    return add_residual(w, ANM_FORWARD_POST_ATTENTION_NORM, "residual_attention");
}

/* gate = act(gate) * up */
static void activate(const anm_forward_group *g, int64_t count) {
    const float slope = 0.79788456f /* sqrt(2 / pi) */, cubic = 0.044715f;
    for (int64_t i = 0; i < count; i++) {
        float x = g->gate[i];
        float y = g->forward->gelu ? 0.5f * x * (1 + tanhf(slope * (x + cubic * x * x * x)))
                                   : x / (1 + expf(-x));
        g->gate[i] = y * g->up[i];
    }
}

static anm_status mlp(const work *w) {
    const anm_forward_group *g = w->g;
    int64_t inner = g->forward->config.intermediate_size;
    ANM_TRY(norm(w, ANM_FORWARD_MLP_NORM, "mlp_norm"));
    ANM_TRY(linear(w, ANM_FORWARD_GATE, ANM_FORWARD_GATE_BIAS, g->x, g->gate));
    ANM_TRY(show(w, "gate", g->gate, inner));
    ANM_TRY(linear(w, ANM_FORWARD_UP, ANM_FORWARD_UP_BIAS, g->x, g->up));
    ANM_TRY(show(w, "up", g->up, inner));
    activate(g, g->rows * inner);
    ANM_TRY(show(w, "inner", g->gate, inner));
    ANM_TRY(linear(w, ANM_FORWARD_DOWN, ANM_FORWARD_DOWN_BIAS, g->gate, g->x));
    ANM_TRY(show(w, "mlp_out", g->x, g->forward->config.hidden_size));
    return add_residual(w, ANM_FORWARD_POST_MLP_NORM, "residual_mlp");
}

anm_status anm_forward_layer_run(const anm_forward_group *g, int64_t layer) {
    work w = {g, &g->forward->layers[layer], layer};
    ANM_TRY(attention(&w));
    return mlp(&w);
}

void anm_forward_cap(float *x, int64_t count, float cap) {
    for (int64_t i = 0; i < count; i++) x[i] = cap * tanhf(x[i] / cap);
}

anm_status anm_forward_norm(const anm_forward_group *g, const anm_weight *weight, const float *x,
                            int64_t rows, int64_t columns, float *out) {
    float *scales = anm_calloc((size_t)columns, sizeof *scales);
    if (!scales) return anm_fail_memory(g->err);
    anm_forward_read(weight, 0, columns, scales);
    for (int64_t i = 0; i < columns; i++) scales[i] += g->forward->gain_offset;
    for (int64_t r = 0; r < rows; r++, x += columns, out += columns) {
        double squares = 0;
        for (int64_t i = 0; i < columns; i++) squares += (double)x[i] * x[i];
        double mean = squares / (double)columns;
        float scale = (float)(1 / sqrt(mean + g->forward->config.rms_norm_eps));
        for (int64_t i = 0; i < columns; i++) out[i] = x[i] * scale * scales[i];
    }
    anm_free(scales);
    return ANM_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Causal softmax attention within each sequence. An item of work is a head of a sequence: its keys
 * and values are laid out as panels once, and blocks of queries go through them by the same tile as
 * the linear layers.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/forward/forward_internal.h"
#include "src/forward/forward_tile.h"

enum { PANEL = ANM_FORWARD_PANEL, DEPTH = ANM_FORWARD_DEPTH, QUERIES = 48 };

/* One head of one sequence. */
typedef struct head_view {
    const float *q, *k, *v; /* of the sequence's first token */
    float *out, *scores;    /* of the same; scores: the largest, one value a token */
    int64_t q_row, kv_row, heads, head_dim, tokens, window; /* window 0: none */
    float scale, cap;
    anm_forward_tile_fn *tile;
    /* Work space: k as [tokens / PANEL][head_dim][PANEL], v as [head_dim / PANEL][tokens][PANEL],
       both filled up with zeros; probabilities of a block of queries as [QUERIES][padded]. */
    float *keys, *values, *p;
    int64_t padded; /* tokens, rounded up to panels */
} head_view;

static int64_t panels(int64_t n) {
    return (n + PANEL - 1) / PANEL;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void lay_out_keys(const head_view *h) {
    for (int64_t s = 0; s < h->tokens; s++) {
        float *panel = h->keys + s / PANEL * h->head_dim * PANEL;
        for (int64_t i = 0; i < h->head_dim; i++)
            panel[i * PANEL + s % PANEL] = h->k[s * h->kv_row + i];
    }
}

static void lay_out_values(const head_view *h) {
    for (int64_t i = 0; i < h->head_dim; i += PANEL) {
        size_t size = (size_t)smaller(PANEL, h->head_dim - i) * sizeof(float);
        float *panel = h->values + i * h->tokens;
        for (int64_t s = 0; s < h->tokens; s++)
            memcpy(panel + s * PANEL, h->v + s * h->kv_row + i, size);
    }
}

/* target[t][column ..] += or, for the first block of the sum, = the tile's rows. */
static void store(float *target, int64_t row, const float *tile, int64_t rows, int64_t columns,
                  bool first) {
    for (int64_t t = 0; t < rows; t++)
        for (int64_t i = 0; i < columns; i++) {
            float *y = &target[t * row + i];
            *y = first ? tile[t * PANEL + i] : *y + tile[t * PANEL + i];
        }
}

/* p = q k' of queries [first, first + count) and all keys up to the last of them. */
static void score(const head_view *h, int64_t first, int64_t count) {
    float tile[QUERIES * PANEL];
    for (int64_t s = 0; s < first + count; s += PANEL)
        for (int64_t i = 0; i < h->head_dim; i += DEPTH) {
            h->tile(h->q + first * h->q_row + i, (size_t)h->q_row, (size_t)count,
                    h->keys + (s / PANEL * h->head_dim + i) * PANEL,
                    (size_t)smaller(DEPTH, h->head_dim - i), tile);
            store(h->p + s, h->padded, tile, count, PANEL, i == 0);
        }
}

/* Of the first n values, which become a distribution; returns the largest magnitude before. */
static float softmax(float *p, int64_t n, float scale, float cap) {
    float top = -INFINITY, largest = 0;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = fabsf(p[i]) > largest ? fabsf(p[i]) : largest;
        p[i] *= scale;
        if (cap > 0) anm_forward_cap(&p[i], 1, cap);
        top = p[i] > top ? p[i] : top;
    }
    for (int64_t i = 0; i < n; i++) sum += p[i] = expf(p[i] - top);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(p[i] / sum);
    return largest;
}

/* out = p v */
static void mix(const head_view *h, int64_t first, int64_t count) {
    float tile[QUERIES * PANEL];
    for (int64_t i = 0; i < h->head_dim; i += PANEL)
        for (int64_t s = 0; s < first + count; s += DEPTH) {
            h->tile(h->p + s, (size_t)h->padded, (size_t)count,
                    h->values + i * h->tokens + s * PANEL,
                    (size_t)smaller(DEPTH, first + count - s), tile);
            store(h->out + first * h->q_row + i, h->q_row, tile, count,
                  smaller(PANEL, h->head_dim - i), s == 0);
        }
}

/* Query t attends to 0 .. t, or the last of these: what lies after and before counts nothing. */
static void attend_block(const head_view *h, int64_t first, int64_t count) {
    score(h, first, count);
    for (int64_t t = 0; t < count; t++) {
        float *p = h->p + t * h->padded;
        int64_t seen = first + t + 1, from = h->window && h->window < seen ? seen - h->window : 0;
        h->scores[(first + t) * h->heads] = softmax(p + from, seen - from, h->scale, h->cap);
        memset(p, 0, (size_t)from * sizeof *p);
        memset(p + seen, 0, (size_t)(h->padded - seen) * sizeof *p);
    }
    mix(h, first, count);
}

/* The head `head` of the sequence whose first token is row `row`. */
static head_view view_head(const anm_forward_group *g, int64_t row, int64_t tokens, int64_t head) {
    const anm_hf_config *c = &g->forward->config;
    int64_t d = g->forward->head_dim, heads = c->num_attention_heads;
    int64_t kv_head = head / (heads / c->num_key_value_heads);
    head_view h = {.q_row = heads * d, .kv_row = c->num_key_value_heads * d, .heads = heads,
                   .head_dim = d, .tokens = tokens, .window = g->window,
                   .scale = g->forward->score_scale, .cap = g->forward->score_cap,
                   .tile = anm_forward_tile(), .padded = panels(tokens) * PANEL};
    h.q = g->q + row * h.q_row + head * d;
    h.k = g->k + row * h.kv_row + kv_head * d;
    h.v = g->v + row * h.kv_row + kv_head * d;
    h.out = g->mixed + row * h.q_row + head * d;
    h.scores = g->scores + row * heads + head;
    return h;
}

typedef struct attention {
    const anm_forward_group *group;
    atomic_bool out_of_memory;
} attention;

static void attend_head(void *context, size_t item) {
    attention *a = context;
    const anm_forward_group *g = a->group;
    size_t heads = (size_t)g->forward->config.num_attention_heads, sequence = item / heads;
    int64_t row = 0;
    for (size_t s = 0; s < sequence; s++) row += (int64_t)g->sequences[s].count;
    head_view h = view_head(g, row, (int64_t)g->sequences[sequence].count, (int64_t)(item % heads));
    int64_t keys = h.padded * h.head_dim, values = panels(h.head_dim) * PANEL * h.tokens;
    h.keys = anm_calloc((size_t)(keys + values + QUERIES * h.padded), sizeof *h.keys);
    if (!h.keys) {
        a->out_of_memory = true;
        return;
    }
    h.values = h.keys + keys;
    h.p = h.values + values;
    lay_out_keys(&h);
    lay_out_values(&h);
    for (int64_t t = 0; t < h.tokens; t += QUERIES)
        attend_block(&h, t, smaller(QUERIES, h.tokens - t));
    anm_free(h.keys);
}

anm_status anm_forward_attend(const anm_forward_group *g) {
    attention a = {.group = g};
    size_t items = g->count * (size_t)g->forward->config.num_attention_heads;
    anm_parallel_for(g->threads, items, attend_head, &a);
    return a.out_of_memory ? anm_fail_memory(g->err) : ANM_OK;
}

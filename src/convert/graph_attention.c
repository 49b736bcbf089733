/* SPDX-License-Identifier: MIT */
/*
 * Grouped-query attention over the cache. The query heads that share a key head lie next to each
 * other, so they become rows of one matrix: [1, KV, G T, D] times the keys [1, KV, C, D]. That
 * reads the cache once, where repeating it for every query head (ANEMLL's form) reads and writes G
 * times as much.
 */
#include <math.h>

#include "src/convert/graph.h"

/* [1, n D, 1, T] to [1, n, T, D]. */
static anm_mil_value *split_heads(anm_graph *g, const char *what, anm_mil_value *x, int64_t n) {
    static const int32_t perm[4] = {0, 1, 3, 2};
    const int64_t channels[4] = {1, n, g->r->head_dim, g->tokens};
    const int64_t heads[4] = {1, n, 1, g->r->head_dim};
    if (g->tokens == 1) return anm_graph_reshape(g, what, x, 4, heads);
    return anm_graph_transpose(g, what, anm_graph_reshape(g, "heads", x, 4, channels), 4, perm);
}

/* [1, KV, G T, D] back to [1, heads D, 1, T]. */
static anm_mil_value *join_heads(anm_graph *g, anm_mil_value *x) {
    static const int32_t perm[4] = {0, 1, 3, 2};
    const int64_t heads[4] = {1, g->r->heads, g->tokens, g->r->head_dim};
    const int64_t channels[4] = {1, g->r->heads * g->r->head_dim, 1, g->tokens};
    if (g->tokens > 1)
        x = anm_graph_transpose(g, "by_head", anm_graph_reshape(g, "heads", x, 4, heads), 4, perm);
    return anm_graph_reshape(g, "attended", x, 4, channels);
}

static anm_mil_value *heads_of(anm_graph *g, const char *what, anm_mil_value *x, anm_slot weight,
                               anm_slot bias, int64_t n) {
    return split_heads(g, what, anm_graph_project(g, "projected", x, weight, bias), n);
}

static anm_mil_value *query(anm_graph *g, anm_mil_value *x) {
    const anm_recipe *r = g->r;
    const int64_t grouped[4] = {1, r->kv_heads, r->groups * g->tokens, r->head_dim};
    anm_mil_value *q = heads_of(g, "query", x, ANM_SLOT_Q, ANM_SLOT_Q_BIAS, r->heads);
    if (r->has[ANM_SLOT_Q_NORM])
        q = anm_graph_norm(g, "query_normal", q, ANM_SLOT_Q_NORM, r->head_dim);
    q = anm_graph_rotate(g, "query_turned", q);
    /* Scaled here, not as scores: D values a row instead of C, and no overflow in the product. */
    q = anm_mil_emit(g->b, "mul", anm_graph_name(g, "query_scaled"), {"x", q},
                     {"y", anm_graph_half(g, 1 / sqrt((double)r->head_dim))});
    return r->groups == 1 ? q : anm_graph_reshape(g, "query_grouped", q, 4, grouped);
}

static anm_mil_value *key(anm_graph *g, anm_mil_value *x) {
    const anm_recipe *r = g->r;
    anm_mil_value *k = heads_of(g, "key", x, ANM_SLOT_K, ANM_SLOT_K_BIAS, r->kv_heads);
    if (r->has[ANM_SLOT_K_NORM])
        k = anm_graph_norm(g, "key_normal", k, ANM_SLOT_K_NORM, r->head_dim);
    return anm_graph_rotate(g, "key_turned", k);
}

static anm_mil_value *matmul(anm_graph *g, const char *what, anm_mil_value *x, anm_mil_value *y,
                             bool transpose_y) {
    return anm_mil_emit(g->b, "matmul", anm_graph_name(g, what), {"x", x}, {"y", y},
                        {"transpose_x", anm_graph_bool(g, false)},
                        {"transpose_y", anm_graph_bool(g, transpose_y)});
}

/* softmax(scores + mask) over the context; scores are [1, KV, G T, C]. */
static anm_mil_value *probabilities(anm_graph *g, anm_mil_value *scores) {
    const anm_recipe *r = g->r;
    /* With several tokens and groups, rows are (group, token): the mask needs tokens apart. */
    bool apart = r->groups > 1 && g->tokens > 1;
    const int64_t split[4] = {r->kv_heads, r->groups, g->tokens, r->context};
    const int64_t joined[4] = {1, r->kv_heads, r->groups * g->tokens, r->context};
    if (apart) scores = anm_graph_reshape(g, "scores_apart", scores, 4, split);
    scores = anm_mil_emit(g->b, "add", anm_graph_name(g, "scores_masked"), {"x", scores},
                          {"y", g->mask});
    anm_mil_value *p = anm_mil_emit(g->b, "softmax", anm_graph_name(g, "probabilities"),
                                    {"x", scores}, {"axis", anm_graph_int(g, -1)});
    return apart ? anm_graph_reshape(g, "probabilities_joined", p, 4, joined) : p;
}

anm_mil_value *anm_graph_attention(anm_graph *g, anm_mil_value *hidden) {
    const anm_recipe *r = g->r;
    anm_mil_value *x = anm_graph_norm(g, "attention_normal", hidden, ANM_SLOT_INPUT_NORM,
                                      r->hidden);
    x = anm_graph_to_channels(g, "attention_input", x);
    anm_mil_value *q = query(g, x);
    anm_graph_cache_write(g, "keys_updated", key(g, x), g->layer);
    anm_mil_value *v = heads_of(g, "value", x, ANM_SLOT_V, ANM_SLOT_V_BIAS, r->kv_heads);
    anm_graph_cache_write(g, "values_updated", v, r->layers + g->layer);
    anm_mil_value *keys = anm_graph_cache_read(g, "keys", g->layer);
    anm_mil_value *values = anm_graph_cache_read(g, "values", r->layers + g->layer);
    anm_mil_value *p = probabilities(g, matmul(g, "scores", q, keys, true));
    x = join_heads(g, matmul(g, "mixed", p, values, false));
    x = anm_graph_project(g, "attention_projected", x, ANM_SLOT_O, ANM_SLOT_O_BIAS);
    x = anm_graph_from_channels(g, "attention_output", x);
    return anm_mil_emit(g->b, "add", anm_graph_name(g, "attention_residual"), {"x", hidden},
                        {"y", x});
}

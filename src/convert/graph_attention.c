/* SPDX-License-Identifier: MIT */
/*
 * Grouped-query attention over the cache. The query heads that share a key head lie next to each
 * other, so they become rows of one matrix: [1, KV, G T, D] times the keys [1, KV, C, D]. That
 * reads the cache once, where repeating it for every query head (ANEMLL's form) reads and writes G
 * times as much.
 */
#include "src/convert/graph_iso.h"

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
                     {"y", anm_graph_half(g, r->query_scale)});
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

/* softmax(scores + mask) over the keys; scores are [1, KV, G T, columns]. */
static anm_mil_value *probabilities(anm_graph *g, anm_mil_value *scores) {
    const anm_recipe *r = g->r;
    int64_t columns = g->side->columns;
    anm_mil_value *mask = g->side->mask;
    /* With several tokens and groups, rows are (group, token): the mask needs tokens apart. */
    bool apart = mask && r->groups > 1 && g->tokens > 1;
    const int64_t split[4] = {r->kv_heads, r->groups, g->tokens, columns};
    const int64_t joined[4] = {1, r->kv_heads, r->groups * g->tokens, columns};
    scores = anm_graph_cap(g, scores, r->score_cap);
    if (apart) scores = anm_graph_reshape(g, "scores_apart", scores, 4, split);
    if (mask)
        scores = anm_mil_emit(g->b, "add", anm_graph_name(g, "scores_masked"), {"x", scores},
                              {"y", mask});
    anm_mil_value *p = anm_mil_emit(g->b, "softmax", anm_graph_name(g, "probabilities"),
                                    {"x", scores}, {"axis", anm_graph_int(g, -1)});
    return apart ? anm_graph_reshape(g, "probabilities_joined", p, 4, joined) : p;
}

/* The queries' mixture of values, over the cache with this call's keys and values in it. */
static anm_mil_value *attend(anm_graph *g, anm_mil_value *x) {
    const anm_recipe *r = g->r;
    bool rotate = g->rotate && r->local[g->layer];
    anm_mil_value *keys = NULL, *values = NULL;
    anm_mil_value *q = query(g, x), *k = key(g, x);
    if (rotate) keys = anm_graph_window_shift(g, "keys_updated", k, ANM_CACHED_KEYS);
    else anm_graph_cache_write(g, "keys_updated", k, ANM_CACHED_KEYS);
    anm_mil_value *v = heads_of(g, "value", x, ANM_SLOT_V, ANM_SLOT_V_BIAS, r->kv_heads);
    if (rotate) values = anm_graph_window_shift(g, "values_updated", v, ANM_CACHED_VALUES);
    else anm_graph_cache_write(g, "values_updated", v, ANM_CACHED_VALUES);
    if (!rotate) keys = anm_graph_cache_read(g, "keys", ANM_CACHED_KEYS);
    if (!rotate) values = anm_graph_cache_read(g, "values", ANM_CACHED_VALUES);
    anm_mil_value *p = probabilities(g, matmul(g, "scores", q, keys, true));
    return join_heads(g, matmul(g, "mixed", p, values, false));
}

static anm_mil_value *output(anm_graph *g, anm_mil_value *x) {
    x = anm_graph_project(g, "attention_projected", x, ANM_SLOT_O, ANM_SLOT_O_BIAS);
    return anm_graph_from_channels(g, "attention_output", x);
}

anm_mil_value *anm_graph_attention(anm_graph *g, anm_mil_value *hidden) {
    const anm_recipe *r = g->r;
    g->side = &g->sides[r->local[g->layer] ? ANM_SIDE_LOCAL : ANM_SIDE_GLOBAL];
    anm_mil_value *x = anm_graph_norm(g, "attention_normal", hidden, ANM_SLOT_INPUT_NORM,
                                      r->hidden);
    x = anm_graph_to_channels(g, "attention_input", x);
    if (r->iso) x = anm_graph_iso_attend(g, x);
    else x = output(g, attend(g, x));
    if (r->has[ANM_SLOT_POST_ATTENTION_NORM])
        x = anm_graph_norm(g, "attention_added", x, ANM_SLOT_POST_ATTENTION_NORM, r->hidden);
    return anm_mil_emit(g->b, "add", anm_graph_name(g, "attention_residual"), {"x", hidden},
                        {"y", x});
}

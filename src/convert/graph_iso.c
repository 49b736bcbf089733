/* SPDX-License-Identifier: MIT */
/*
 * Attention as ANEMLL's graphs have it: keys and values repeated for every query head, scores
 * scaled after the product, the output projection on [1, T, channels]; Llama's softmax by hand.
 */
#include "src/convert/graph_iso.h"

enum { QUERY, KEY, VALUE, PROJECTIONS };

bool anm_graph_iso_again(const anm_graph *g, anm_slot slot) {
    return anm_recipe_lut_of(g->r, slot)->bits || anm_recipe_mean_bits(g->r, slot) > 0;
}

anm_mil_value *anm_graph_iso_head(anm_graph *g, const char *what, anm_mil_value *x) {
    static const int32_t perm[4] = {0, 1, 3, 2};
    return g->tokens == 1 ? x : anm_graph_transpose(g, what, x, 4, perm);
}

static anm_mil_value *as_heads(anm_graph *g, int which, anm_mil_value *x) {
    const anm_recipe *r = g->r;
    int64_t n = which == QUERY ? r->heads : r->kv_heads;
    const int64_t one[4] = {1, n, 1, r->head_dim}, many[4] = {1, n, r->head_dim, g->tokens};
    return anm_graph_reshape(g, "heads", x, 4, g->tokens == 1 ? one : many);
}

static void project(anm_graph *g, anm_mil_value *x, anm_mil_value *out[PROJECTIONS]) {
    static const char *const names[] = {"query", "key", "value"};
    static const anm_slot slots[] = {ANM_SLOT_Q, ANM_SLOT_K, ANM_SLOT_V};
    static const anm_slot biases[] = {ANM_SLOT_Q_BIAS, ANM_SLOT_K_BIAS, ANM_SLOT_V_BIAS};
    for (int i = 0; i < PROJECTIONS; i++) {
        out[i] = anm_graph_project(g, names[i], x, slots[i], biases[i]);
        if (g->tokens == 1) out[i] = as_heads(g, i, out[i]);
    }
    for (int i = 0; i < PROJECTIONS && g->tokens > 1; i++) out[i] = as_heads(g, i, out[i]);
}

static anm_mil_value *normal_head(anm_graph *g, const char *what, anm_mil_value *x, anm_slot slot) {
    if (!g->r->has[slot]) return x;
    return anm_graph_norm(g, what, anm_graph_iso_head(g, what, x), slot, g->r->head_dim);
}

/* The values are turned after their place in the cache is known: coremltools sorts so. */
static void write_cache(anm_graph *g, anm_mil_value *keys, anm_mil_value *values) {
    anm_mil_value *begin, *end;
    if (!g->end) anm_graph_cache_open(g);
    anm_graph_cache_write(g, "keys_updated", keys, ANM_CACHED_KEYS);
    anm_graph_cache_range(g, ANM_CACHED_VALUES, g->begin, g->end, &begin, &end);
    values = anm_graph_iso_head(g, "value_heads", values);
    anm_graph_cache_put(g, "values_updated", values, begin, end);
}

static anm_mil_value *read_cache(anm_graph *g, const char *what, anm_cached which) {
    static const int32_t first[1] = {0};
    anm_mil_value *x = anm_graph_cache_read(g, what, which);
    return anm_mil_emit(g->b, "squeeze", anm_graph_name(g, what), {"x", x},
                        {"axes", anm_graph_ints(g, 1, first)});
}

/* [KV, C, D] for every query head: [KV, G, C, D], and then [1, heads, C, D] if `join`. */
static anm_mil_value *repeat(anm_graph *g, const char *what, anm_mil_value *x, bool join) {
    static const int32_t axis[1] = {1};
    const anm_recipe *r = g->r;
    const int32_t times[4] = {1, (int32_t)r->groups, 1, 1};
    const int64_t joined[4] = {1, r->heads, g->side->columns, r->head_dim};
    x = anm_mil_emit(g->b, "expand_dims", anm_graph_name(g, what), {"x", x},
                     {"axes", anm_graph_ints(g, 1, axis)});
    if (r->groups > 1) /* coremltools drops a tile that repeats nothing */
        x = anm_mil_emit(g->b, "tile", anm_graph_name(g, what), {"x", x},
                         {"reps", anm_graph_ints(g, 4, times)});
    return join ? anm_graph_reshape(g, what, x, 4, joined) : x;
}

static anm_mil_value *matmul(anm_graph *g, const char *what, anm_mil_value *x, anm_mil_value *y,
                             bool transpose_y) {
    return anm_mil_emit(g->b, "matmul", anm_graph_name(g, what), {"x", x}, {"y", y},
                        {"transpose_x", anm_graph_bool(g, false)},
                        {"transpose_y", anm_graph_bool(g, transpose_y)});
}

static anm_mil_value *reduce(anm_graph *g, const char *op, anm_mil_value *x) {
    static const int32_t last[1] = {-1};
    return anm_mil_emit(g->b, op, anm_graph_name(g, op), {"x", x},
                        {"axes", anm_graph_ints(g, 1, last)},
                        {"keep_dims", anm_graph_bool(g, true)});
}

static anm_mil_value *softmax(anm_graph *g, anm_mil_value *x) {
    const char *name = anm_graph_name(g, "probabilities");
    if (g->r->iso != ANM_ISO_LLAMA)
        return anm_mil_emit(g->b, "softmax", name, {"x", x}, {"axis", anm_graph_int(g, -1)});
    anm_mil_value *highest = reduce(g, "reduce_max", x);
    x = anm_mil_emit(g->b, "sub", anm_graph_name(g, "below"), {"x", x}, {"y", highest});
    x = anm_mil_emit(g->b, "exp", anm_graph_name(g, "powers"), {"x", x});
    anm_mil_value *sum = reduce(g, "reduce_sum", x);
    return anm_mil_emit(g->b, "real_div", name, {"x", x}, {"y", sum});
}

/* mix() gives them their shape at once: two reshapes in a row are one for coremltools. */
static bool values_flat(const anm_graph *g) {
    return g->tokens > 1 && (g->r->iso == ANM_ISO_LLAMA || anm_graph_iso_again(g, ANM_SLOT_V));
}

/* Batches of several tokens multiply without the leading 1, as einsum is lowered. */
static anm_mil_value *mix(anm_graph *g, anm_mil_value *p, anm_mil_value *values) {
    const anm_recipe *r = g->r;
    const int64_t scores[3] = {r->heads, g->tokens, g->side->columns};
    const int64_t rows[3] = {r->heads, g->side->columns, r->head_dim};
    const int64_t heads[4] = {1, r->heads, g->tokens, r->head_dim};
    if (g->tokens == 1) return matmul(g, "mixed", p, values, false);
    p = anm_graph_reshape(g, "scores_flat", p, 3, scores);
    values = anm_graph_reshape(g, "values_flat", values, 3, rows);
    return anm_graph_reshape(g, "mixed", matmul(g, "mixed_flat", p, values, false), 4, heads);
}

static anm_mil_value *over_channels(anm_graph *g, anm_mil_value *x, anm_mil_value *weight,
                                    anm_mil_value *bias) {
    static const int32_t perm[3] = {0, 2, 1}, one[1] = {1}, none[2] = {0};
    x = anm_graph_transpose(g, "attended_channels", x, 3, perm);
    x = anm_mil_emit(g->b, "conv", anm_graph_name(g, "attention_projected"), {"x", x},
                     {"weight", weight}, {"bias", bias}, {"strides", anm_graph_ints(g, 1, one)},
                     {"pad_type", anm_graph_string(g, "valid")},
                     {"pad", anm_graph_ints(g, 2, none)},
                     {"dilations", anm_graph_ints(g, 1, one)}, {"groups", anm_graph_int(g, 1)});
    return anm_graph_transpose(g, "attention_output", x, 3, perm);
}

/* [1, T, channels] to [1, T, H]; rows of padding are cut off, and a bias comes after that. */
static anm_mil_value *output(anm_graph *g, anm_mil_value *x) {
    bool llama = g->r->iso == ANM_ISO_LLAMA;
    anm_mil_value *weight = anm_graph_weight(g, ANM_SLOT_O, llama ? 2 : 3);
    anm_mil_value *bias = g->r->has[ANM_SLOT_O_BIAS] ? anm_graph_weight(g, ANM_SLOT_O_BIAS, 1)
                                                     : NULL;
    bool padded = weight && weight->type->shape[0] != g->r->hidden;
    anm_mil_value *added = padded ? NULL : bias;
    if (llama)
        x = anm_mil_emit(g->b, "linear", anm_graph_name(g, "attention_output"), {"x", x},
                         {"weight", weight}, {"bias", added});
    else x = over_channels(g, x, weight, added);
    if (!padded) return x;
    x = anm_graph_columns(g, "attention_cut", x, 0, g->r->hidden);
    if (!bias) return x;
    return anm_mil_emit(g->b, "add", anm_graph_name(g, "attention_biased"), {"x", x}, {"y", bias});
}

anm_mil_value *anm_graph_iso_attend(anm_graph *g, anm_mil_value *x) {
    static const int32_t perm[4] = {0, 2, 1, 3};
    const anm_recipe *r = g->r;
    const int64_t flat[3] = {1, g->tokens, r->heads * r->head_dim};
    bool normal = r->has[ANM_SLOT_Q_NORM];
    anm_mil_value *part[PROJECTIONS];
    project(g, x, part);
    anm_mil_value *q = normal_head(g, "query_normal", part[QUERY], ANM_SLOT_Q_NORM);
    anm_mil_value *k = normal_head(g, "key_normal", part[KEY], ANM_SLOT_K_NORM);
    q = anm_graph_iso_rotate(g, "query_turned", q, normal);
    k = anm_graph_iso_rotate(g, "key_turned", k, normal);
    write_cache(g, k, part[VALUE]);
    anm_mil_value *keys = read_cache(g, "keys", ANM_CACHED_KEYS);
    anm_mil_value *values = read_cache(g, "values", ANM_CACHED_VALUES);
    keys = repeat(g, "keys", keys, true);
    values = repeat(g, "values", values, !values_flat(g));
    x = anm_mil_emit(g->b, "mul", anm_graph_name(g, "scores_scaled"),
                     {"x", matmul(g, "scores", q, keys, true)},
                     {"y", anm_graph_half(g, r->query_scale)});
    x = anm_mil_emit(g->b, "add", anm_graph_name(g, "scores_masked"), {"x", x},
                     {"y", g->side->mask});
    x = mix(g, softmax(g, x), values);
    x = anm_graph_transpose(g, "by_token", x, 4, perm);
    return output(g, anm_graph_reshape(g, "attended", x, 3, flat));
}

anm_mil_value *anm_graph_iso_prefilled(anm_graph *g, anm_mil_value *hidden) {
    static const int32_t begin[3] = {0};
    static const bool whole[3] = {true, false, true};
    const int32_t end[3] = {1, 1, (int32_t)g->r->hidden};
    if (g->r->iso == ANM_ISO_QWEN) {
        g->layer = g->r->layers - 1;
        hidden = anm_graph_mlp(g, hidden);
        g->layer = -1;
    }
    return anm_mil_emit(g->b, "slice_by_index", "output_hidden_states", {"x", hidden},
                        {"begin", anm_graph_ints(g, 3, begin)}, {"end", anm_graph_ints(g, 3, end)},
                        {"end_mask", anm_graph_bools(g, 3, whole)});
}

/* SPDX-License-Identifier: MIT */
/*
 * The KV cache: a state [2 L, KV, S, D], row i the keys of layer i, row L + i its values; or two of
 * them where layers are of two kinds, each with its own layers and number of positions. Each write
 * goes back to the state at once, and is read again, which is the form that CoreML's compiler turns
 * into an update in place.
 */
#include "src/convert/graph.h"

static anm_mil_value *one_int(anm_graph *g, int64_t value) {
    int32_t v = (int32_t)value;
    return anm_graph_ints(g, 1, &v);
}

static void declare(anm_graph *g, anm_side which, const char *name, int64_t layers, int64_t rows) {
    const anm_recipe *r = g->r;
    const int64_t shape[4] = {2 * layers, r->kv_heads, rows, r->head_dim};
    anm_graph_side *side = &g->sides[which];
    side->layers = layers;
    side->rows = rows;
    if (layers) side->state = anm_mil_builder_state(g->b, name, ANM_DTYPE_FP16, 4, shape);
}

void anm_graph_cache_declare(anm_graph *g) {
    const anm_recipe *r = g->r;
    declare(g, ANM_SIDE_LOCAL, ANM_STATE_LOCAL, r->local_layers, r->window);
    declare(g, ANM_SIDE_GLOBAL, r->local_layers ? ANM_STATE_GLOBAL : ANM_STATE_NAME,
            r->global_layers, r->state);
}

/* Every function reads every state: the compiler wants them used, and a chunk may lack a kind. */
void anm_graph_cache_open(anm_graph *g) {
    static const char *const names[] = {"cache", "cache_local"};
    g->end = anm_mil_emit(g->b, "add", "end_pos", {"x", g->begin},
                          {"y", anm_graph_int(g, (int32_t)g->tokens)});
    for (int i = 0; i < 2; i++)
        if (g->sides[i].state)
            g->sides[i].cache = anm_mil_emit(g->b, "read_state", names[i],
                                             {"input", g->sides[i].state});
}

/* The cache's row of the current layer's keys or values. */
static int64_t row_of(const anm_graph *g, anm_cached which) {
    int64_t row = g->r->cache_row[g->layer];
    return which == ANM_CACHED_VALUES ? g->side->layers + row : row;
}

void anm_graph_cache_range(anm_graph *g, anm_cached which, anm_mil_value *begin, anm_mil_value *end,
                           anm_mil_value **from, anm_mil_value **to) {
    int64_t row = row_of(g, which);
    anm_mil_value *first[4] = {one_int(g, row), one_int(g, 0), begin, one_int(g, 0)};
    anm_mil_value *past[4] = {one_int(g, row + 1), one_int(g, 0), end, one_int(g, 0)};
    *from = anm_graph_concat(g, "begin", first, 4, 0);
    *to = anm_graph_concat(g, "end", past, 4, 0);
}

void anm_graph_cache_put(anm_graph *g, const char *what, anm_mil_value *x, anm_mil_value *from,
                         anm_mil_value *to) {
    static const int32_t ones[4] = {1, 1, 1, 1};
    static const bool none[4] = {false}, whole[4] = {false, true, false, true};
    anm_mil_value *update = anm_mil_emit(
        g->b, "slice_update", anm_graph_name(g, what), {"x", g->side->cache}, {"update", x},
        {"begin", from}, {"end", to}, {"stride", anm_graph_ints(g, 4, ones)},
        {"begin_mask", anm_graph_bools(g, 4, none)}, {"end_mask", anm_graph_bools(g, 4, whole)},
        {"squeeze_mask", anm_graph_bools(g, 4, none)});
    const anm_mil_binding write[] = {{"input", g->side->state}, {"data", update}};
    anm_mil_builder_op_multi(g->b, "write_state", anm_graph_name(g, "write"), write, 2, NULL, 0);
    g->side->cache = anm_mil_emit(g->b, "read_state", anm_graph_name(g, "cache"),
                                  {"input", g->side->state});
}

void anm_graph_cache_update(anm_graph *g, const char *what, anm_mil_value *x, anm_cached which,
                            anm_mil_value *begin, anm_mil_value *end) {
    anm_mil_value *from, *to;
    anm_graph_cache_range(g, which, begin, end, &from, &to);
    anm_graph_cache_put(g, what, x, from, to);
}

void anm_graph_cache_write(anm_graph *g, const char *what, anm_mil_value *x, anm_cached which) {
    anm_graph_cache_update(g, what, x, which, g->begin, g->end);
}

anm_mil_value *anm_graph_cache_row(anm_graph *g, const char *what, anm_cached which,
                                   int64_t rows) {
    const anm_recipe *r = g->r;
    const bool whole[4] = {false, true, rows == g->side->rows, true};
    int32_t row = (int32_t)row_of(g, which);
    const int32_t begin[4] = {row, 0, 0, 0};
    const int32_t end[4] = {row + 1, (int32_t)r->kv_heads, (int32_t)rows, (int32_t)r->head_dim};
    return anm_mil_emit(g->b, "slice_by_index", anm_graph_name(g, what), {"x", g->side->cache},
                        {"begin", anm_graph_ints(g, 4, begin)}, {"end", anm_graph_ints(g, 4, end)},
                        {"end_mask", anm_graph_bools(g, 4, whole)});
}

/* The mask is as wide as the context; the state may be longer. */
anm_mil_value *anm_graph_cache_read(anm_graph *g, const char *what, anm_cached which) {
    return anm_graph_cache_row(g, what, which, g->side->columns);
}

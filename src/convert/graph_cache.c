/* SPDX-License-Identifier: MIT */
/*
 * The KV cache: one state [2 L, KV, S, D], row i the keys of layer i, row L + i its values. Each
 * write goes back to the state at once, and is read again, which is the form that CoreML's
 * compiler turns into an update in place.
 */
#include "src/convert/graph.h"

static anm_mil_value *one_int(anm_graph *g, int64_t value) {
    int32_t v = (int32_t)value;
    return anm_graph_ints(g, 1, &v);
}

void anm_graph_cache_write(anm_graph *g, const char *what, anm_mil_value *x, int64_t row) {
    static const int32_t ones[4] = {1, 1, 1, 1};
    static const bool none[4] = {false}, whole[4] = {false, true, false, true};
    anm_mil_value *from[4] = {one_int(g, row), one_int(g, 0), g->begin, one_int(g, 0)};
    anm_mil_value *to[4] = {one_int(g, row + 1), one_int(g, 0), g->end, one_int(g, 0)};
    anm_mil_value *update = anm_mil_emit(
        g->b, "slice_update", anm_graph_name(g, what), {"x", g->cache}, {"update", x},
        {"begin", anm_graph_concat(g, "begin", from, 4, 0)},
        {"end", anm_graph_concat(g, "end", to, 4, 0)}, {"stride", anm_graph_ints(g, 4, ones)},
        {"begin_mask", anm_graph_bools(g, 4, none)}, {"end_mask", anm_graph_bools(g, 4, whole)},
        {"squeeze_mask", anm_graph_bools(g, 4, none)});
    const anm_mil_binding write[] = {{"input", g->state}, {"data", update}};
    anm_mil_builder_op_multi(g->b, "write_state", anm_graph_name(g, "write"), write, 2, NULL, 0);
    g->cache = anm_mil_emit(g->b, "read_state", anm_graph_name(g, "cache"), {"input", g->state});
}

anm_mil_value *anm_graph_cache_read(anm_graph *g, const char *what, int64_t row) {
    const anm_recipe *r = g->r;
    /* The mask is as wide as the context; the state may be longer. */
    const bool whole[4] = {false, true, r->state == r->context, true};
    const int32_t begin[4] = {(int32_t)row, 0, 0, 0};
    const int32_t end[4] = {(int32_t)row + 1, (int32_t)r->kv_heads, (int32_t)r->context,
                            (int32_t)r->head_dim};
    return anm_mil_emit(g->b, "slice_by_index", anm_graph_name(g, what), {"x", g->cache},
                        {"begin", anm_graph_ints(g, 4, begin)}, {"end", anm_graph_ints(g, 4, end)},
                        {"end_mask", anm_graph_bools(g, 4, whole)});
}

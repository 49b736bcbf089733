/* SPDX-License-Identifier: MIT */
/*
 * Layers that see the last W tokens. Their cache has W rows. Up to position W it fills from the
 * left, like any other, and the mask is the beginning of everybody's. From then on it rotates: the
 * oldest rows go, the rest moves to the left and new ones come at the end, so that it always holds
 * the last W positions in order.
 *
 * One token then sees every row: no mask. A batch does not: its tokens see each other causally, and
 * of the cache as it was each sees one row less than the one before. So they meet the old rows and
 * the new ones side by side, [W + T], under a band that is the same at every position. (ANEMLL
 * moves the cache first: its batches see tokens that come after, and miss the oldest.) The cache
 * moves by the tokens that are real, so that a batch may be padded.
 */
#include "src/convert/graph.h"
#include "src/package/package.h"

void anm_graph_window_mask(anm_graph *g, anm_mil_value *mask) {
    const anm_recipe *r = g->r;
    anm_graph_side *local = &g->sides[ANM_SIDE_LOCAL];
    const int64_t band[4] = {1, 1, g->tokens, r->window + g->tokens};
    if (!anm_contents_has(r, g->contents, true)) return;
    local->columns = r->window;
    if (!g->rotate) {
        local->mask = r->window == r->context
                          ? mask
                          : anm_graph_columns(g, "local_mask", mask, 0, r->window);
        return;
    }
    if (g->tokens == 1) return;
    local->columns = band[3];
    local->mask = anm_mil_builder_blob(g->b, "band", ANM_DTYPE_FP16, 4, band, ANM_WEIGHT_PATH,
                                       g->stored->band, NULL);
}

static anm_mil_value *zero(anm_graph *g) {
    static const int32_t none[1] = {0};
    return anm_graph_ints(g, 1, none);
}

/* Rows [n, n + W) of [1, KV, W + T, D], n tokens being real. */
static anm_mil_value *newest(anm_graph *g, anm_mil_value *rows) {
    const anm_recipe *r = g->r;
    const int32_t size[4] = {1, (int32_t)r->kv_heads, (int32_t)r->window, (int32_t)r->head_dim};
    anm_mil_value *begin[4] = {zero(g), zero(g), g->real, zero(g)};
    return anm_mil_emit(g->b, "slice_by_size", anm_graph_name(g, "newest"), {"x", rows},
                        {"begin", anm_graph_concat(g, "oldest", begin, 4, 0)},
                        {"size", anm_graph_ints(g, 4, size)});
}

anm_mil_value *anm_graph_window_shift(anm_graph *g, const char *what, anm_mil_value *x,
                                      anm_cached which) {
    int32_t rows = (int32_t)g->r->window;
    anm_mil_value *both[2] = {anm_graph_cache_row(g, "before", which, rows), x};
    anm_mil_value *joined = anm_graph_concat(g, "joined", both, 2, 2);
    anm_mil_value *kept = newest(g, joined);
    anm_graph_cache_update(g, what, kept, which, zero(g), anm_graph_ints(g, 1, &rows));
    return g->tokens == 1 ? kept : joined;
}

/* SPDX-License-Identifier: MIT */
/* The functions before and after the decoder: token ids to hidden state, hidden state to logits. */
#include <stdio.h>
#include <string.h>

#include "src/convert/graph_iso.h"
#include "src/package/package.h"

anm_mil_value *anm_graph_embed(anm_graph *g, anm_mil_value *ids) {
    anm_mil_value *table = anm_graph_weight(g, ANM_SLOT_EMBEDDING, 2);
    if (g->r->iso) ids = anm_graph_iso_indices(g, ids, g->r->vocab, ANM_SLOT_EMBEDDING);
    return anm_mil_emit(g->b, "gather", "hidden_states", {"x", table}, {"indices", ids},
                        {"axis", anm_graph_int(g, 0)}, {"batch_dims", anm_graph_int(g, 0)},
                        {"validate_indices", anm_graph_bool(g, false)});
}

/* input_ids [1, 1] or [1, batch]; hidden_states [1, T, H]. */
void anm_graph_embeddings(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    int64_t batch = from->recipe->batch;
    const int64_t shape[2] = {1, batch == 1 ? 1 : ANM_DIM_UNKNOWN};
    anm_graph_begin(&g, b, from, "main", batch);
    anm_mil_value *ids = anm_mil_builder_input(b, "input_ids", ANM_DTYPE_INT32, 2, shape);
    anm_mil_value *hidden = anm_graph_embed(&g, ids);
    anm_graph_end(&g, &hidden, 1);
}

static anm_mil_value *flat(anm_graph *g, const char *name, anm_mil_value *x) {
    static const int32_t axis[1] = {2};
    return anm_mil_emit(g->b, "squeeze", name, {"x", x}, {"axes", anm_graph_ints(g, 1, axis)});
}

static anm_mil_value *logits(anm_graph *g, anm_mil_value *x, int64_t split) {
    char name[64];
    int64_t first, shape[4] = {0, g->r->hidden, 1, 1};
    shape[0] = anm_recipe_split(g->r, split, &first);
    snprintf(name, sizeof name, "lm_head.%lld.weight", (long long)split + 1);
    anm_mil_value *weight = anm_graph_stored(g, name, 4, shape, g->stored->head[split]);
    snprintf(name, sizeof name, g->r->iso ? "part%lld" : "logits%lld", (long long)split + 1);
    x = anm_graph_cap(g, anm_graph_conv(g, "part", x, weight, NULL, shape[0]), g->r->logit_cap);
    return g->r->iso ? flat(g, name, x) : anm_graph_from_channels(g, name, x);
}

/* ANEMLL's graphs turn the outputs at the end, the last one first; the first if palettized. */
static void turn_all(anm_graph *g, anm_mil_value **splits) {
    static const int32_t perm[3] = {0, 2, 1};
    char name[64];
    int64_t last = g->r->splits - 1;
    bool upwards = anm_graph_iso_again(g, ANM_SLOT_HEAD);
    for (int64_t k = 0; k <= last; k++) {
        int64_t i = upwards ? k : last - k;
        snprintf(name, sizeof name, "logits%lld", (long long)i + 1);
        splits[i] = anm_graph_transpose(g, name, splits[i], 3, perm);
    }
}

/* [1, 1, 1] for each split, as one vector. */
static anm_mil_value *as_vector(anm_graph *g, const char *name, anm_mil_value *const *values) {
    static const int32_t axes[2] = {0, 1};
    size_t count = (size_t)g->r->splits;
    anm_mil_value *row = count > 1 ? anm_graph_concat(g, "winners", values, count, -1) : *values;
    return anm_mil_emit(g->b, "squeeze", name, {"x", row}, {"axes", anm_graph_ints(g, 2, axes)});
}

/* Of each split: which of its logits is the greatest, counted from the split's first, and it. */
static void winners(anm_graph *g, anm_mil_value *const *splits, anm_mil_value **outputs) {
    static const int32_t last[1] = {-1};
    anm_mil_value *places[ANM_MAX_SPLITS], *values[ANM_MAX_SPLITS];
    for (int64_t i = 0; i < g->r->splits; i++) {
        places[i] = anm_mil_emit(g->b, "reduce_argmax", "place", {"x", splits[i]},
                                 {"axis", anm_graph_int(g, -1)},
                                 {"keep_dims", anm_graph_bool(g, true)});
        values[i] = anm_mil_emit(g->b, "reduce_max", "value", {"x", splits[i]},
                                 {"axes", anm_graph_ints(g, 1, last)},
                                 {"keep_dims", anm_graph_bool(g, true)});
    }
    outputs[0] = as_vector(g, "argmax_idx", places);
    outputs[1] = as_vector(g, "argmax_val", values);
}

size_t anm_graph_predict(anm_graph *g, anm_mil_value *hidden, bool argmax,
                         anm_mil_value *outputs[ANM_MAX_SPLITS]) {
    anm_mil_value *splits[ANM_MAX_SPLITS];
    anm_mil_value *x = anm_graph_to_channels(g, "input", hidden);
    for (int64_t i = 0; i < g->r->splits; i++) splits[i] = logits(g, x, i);
    if (g->r->iso) turn_all(g, splits);
    if (argmax) winners(g, splits, outputs);
    else memcpy(outputs, splits, (size_t)g->r->splits * sizeof *outputs);
    return argmax ? 2 : (size_t)g->r->splits;
}

/* hidden_states [1, 1, H]; logits1 .. logitsN, which joined are the vocabulary, or winners. */
void anm_graph_head(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    anm_mil_value *outputs[ANM_MAX_SPLITS];
    const int64_t shape[3] = {1, 1, from->recipe->hidden};
    anm_graph_begin(&g, b, from, "main", 1);
    anm_mil_value *hidden = anm_mil_builder_input(b, "hidden_states", ANM_DTYPE_FP16, 3, shape);
    size_t count = anm_graph_predict(&g, hidden, from->recipe->argmax, outputs);
    anm_graph_end(&g, outputs, count);
}

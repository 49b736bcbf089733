/* SPDX-License-Identifier: MIT */
/* The functions before and after the decoder: token ids to hidden state, hidden state to logits. */
#include <stdio.h>

#include "src/convert/graph.h"
#include "src/package/package.h"

/* input_ids [1, 1] or [1, batch]; hidden_states [1, T, H]. */
void anm_graph_embeddings(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    int64_t batch = from->recipe->batch;
    const int64_t shape[2] = {1, batch == 1 ? 1 : ANM_DIM_UNKNOWN};
    anm_graph_begin(&g, b, from, "main", batch);
    anm_mil_value *ids = anm_mil_builder_input(b, "input_ids", ANM_DTYPE_INT32, 2, shape);
    anm_mil_value *hidden = anm_mil_emit(
        b, "gather", "hidden_states", {"x", anm_graph_weight(&g, ANM_SLOT_EMBEDDING, 2)},
        {"indices", ids}, {"axis", anm_graph_int(&g, 0)}, {"batch_dims", anm_graph_int(&g, 0)},
        {"validate_indices", anm_graph_bool(&g, false)});
    anm_graph_end(&g, &hidden, 1);
}

static anm_mil_value *logits(anm_graph *g, anm_mil_value *x, int64_t split) {
    char name[64];
    int64_t first, shape[4] = {0, g->r->hidden, 1, 1};
    shape[0] = anm_recipe_split(g->r, split, &first);
    snprintf(name, sizeof name, "lm_head.%lld.weight", (long long)split + 1);
    anm_mil_value *weight = anm_graph_stored(g, name, 4, shape, g->stored->head[split]);
    snprintf(name, sizeof name, "logits%lld", (long long)split + 1);
    x = anm_graph_conv(g, "part", x, weight, NULL, shape[0]);
    return anm_graph_from_channels(g, name, anm_graph_cap(g, x, g->r->logit_cap));
}

/* hidden_states [1, 1, H]; logits1 .. logitsN, which joined are the vocabulary. */
void anm_graph_head(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    const anm_recipe *r = from->recipe;
    const int64_t shape[3] = {1, 1, r->hidden};
    anm_graph_begin(&g, b, from, "main", 1);
    anm_mil_value *hidden = anm_mil_builder_input(b, "hidden_states", ANM_DTYPE_FP16, 3, shape);
    anm_mil_value *outputs[ANM_MAX_SPLITS];
    anm_mil_value *x = anm_graph_to_channels(&g, "input", hidden);
    for (int64_t i = 0; i < r->splits; i++) outputs[i] = logits(&g, x, i);
    anm_graph_end(&g, outputs, (size_t)r->splits);
}

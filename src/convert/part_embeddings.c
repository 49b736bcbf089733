/* SPDX-License-Identifier: MIT */
/* The embeddings: one table. */
#include "src/convert/part.h"

static anm_status note(const anm_recipe *recipe, const anm_planned *planned, anm_arena *arena,
                       anm_description *d, anm_error *err) {
    return ANM_OK; /* the context length, which every part carries, is all */
}

const anm_part anm_part_embeddings = {
    .component = "embeddings",
    .suffix = "embeddings",
    .slot = ANM_SLOT_EMBEDDING,
    .summary = "Embeddings: token ids to hidden states",
    .build = anm_graph_embeddings,
    .note = note,
};

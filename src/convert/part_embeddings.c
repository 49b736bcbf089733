/* SPDX-License-Identifier: MIT */
/* The embeddings: one table. */
#include "src/convert/part.h"
#include "src/convert/weights.h"

static anm_status store(anm_job *job, anm_blob_writer *blobs, anm_stored *stored, anm_error *err) {
    return anm_slot_store(job, blobs, ANM_SLOT_EMBEDDING, 0, &stored->model[ANM_SLOT_EMBEDDING],
                          err);
}

static anm_status note(const anm_recipe *recipe, anm_arena *arena, anm_description *d,
                       anm_error *err) {
    return ANM_OK; /* the context length, which every part carries, is all */
}

static int64_t elements(const anm_recipe *r) {
    return r->vocab * r->hidden;
}

const anm_part anm_part_embeddings = {
    .component = "embeddings",
    .suffix = "embeddings",
    .chunk = "",
    .slot = ANM_SLOT_EMBEDDING,
    .summary = "Embeddings: token ids to hidden states",
    .store = store,
    .build = anm_graph_embeddings,
    .note = note,
    .elements = elements,
};

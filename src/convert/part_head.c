/* SPDX-License-Identifier: MIT */
/* The LM head: rows of its matrix (or of the embedding), split over several outputs. */
#include "src/convert/part.h"
#include "src/convert/weights.h"

static anm_status store(anm_job *job, anm_blob_writer *blobs, anm_stored *stored, anm_error *err) {
    const anm_recipe *r = &job->recipe;
    const anm_weight *weight;
    const char *name = r->family->names[r->tied ? ANM_SLOT_EMBEDDING : ANM_SLOT_HEAD];
    ANM_TRY(anm_checkpoint_require(job->checkpoint, name, &weight, err));
    anm_not_finite bad = {0};
    for (int64_t i = 0; i < r->splits; i++) {
        int64_t first, rows = anm_recipe_split(r, i, &first);
        ANM_TRY(anm_rows_store(job, blobs, ANM_SLOT_HEAD, weight, first, rows, &stored->head[i],
                               &bad, err));
    }
    /* A tied embedding was judged when the embeddings were made. */
    return r->tied ? ANM_OK : anm_weight_report(job, weight, &bad, err);
}

static anm_status note(const anm_recipe *recipe, anm_arena *arena, anm_description *d,
                       anm_error *err) {
    return ANM_OK;
}

static int64_t elements(const anm_recipe *r) {
    return r->vocab * r->hidden;
}

const anm_part anm_part_head = {
    .component = "lm_head",
    .suffix = "lm_head",
    .chunk = "",
    .slot = ANM_SLOT_HEAD,
    .summary = "LM head: hidden state to logits",
    .store = store,
    .build = anm_graph_head,
    .note = note,
    .elements = elements,
};

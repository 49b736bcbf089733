/* SPDX-License-Identifier: MIT */
/* The weights of a package, piece by piece from the checkpoint into its blob file. */
#include "src/convert/part.h"
#include "src/convert/rope.h"
#include "src/convert/weights.h"

typedef struct store {
    anm_job *job;
    anm_blob_writer *blobs;
    anm_stored *stored;
    anm_not_finite head; /* of the LM head's splits together: they are one tensor */
} store;

static anm_status store_rope(store *s, anm_rope_function function, uint64_t *offset,
                             anm_error *err) {
    const anm_recipe *r = &s->job->recipe;
    return anm_rope_store(&r->config.rope, r->head_dim, r->state, function, s->blobs, offset, err);
}

static anm_status store_split(store *s, const anm_piece *piece, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *weight;
    const anm_recipe *r = &s->job->recipe;
    anm_piece_tensor(r, piece, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(s->job->checkpoint, name, &weight, err));
    ANM_TRY(anm_rows_store(s->job, s->blobs, ANM_SLOT_HEAD, weight, piece->first, piece->rows,
                           &s->stored->head[piece->split], &s->head, err));
    if (piece->split + 1 < r->splits) return ANM_OK;
    return anm_weight_report(s->job, weight, &s->head, err);
}

static anm_status store_piece(void *context, const anm_piece *piece, anm_error *err) {
    store *s = context;
    anm_slot slot = piece->slot;
    switch (piece->kind) {
    case ANM_PIECE_COS: return store_rope(s, ANM_ROPE_COS, &s->stored->cos, err);
    case ANM_PIECE_SIN: return store_rope(s, ANM_ROPE_SIN, &s->stored->sin, err);
    case ANM_PIECE_SPLIT: return store_split(s, piece, err);
    case ANM_PIECE_TENSOR: break;
    }
    anm_place *place = slot < ANM_SLOT_LAYER_FIRST ? &s->stored->model[slot]
                                                   : &s->stored->layers[piece->layer][slot];
    return anm_slot_store(s->job, s->blobs, slot, piece->layer, place, err);
}

anm_status anm_part_store(anm_job *job, const anm_contents *contents, anm_blob_writer *blobs,
                          anm_stored *stored, anm_error *err) {
    store s = {job, blobs, stored, {0}};
    return anm_contents_visit(&job->recipe, contents, store_piece, &s, err);
}

/* SPDX-License-Identifier: MIT */
/* The weights of a package, piece by piece from the checkpoint into its blob file. */
#include "src/base/alloc.h"
#include "src/convert/part.h"
#include "src/convert/rope.h"
#include "src/convert/weights.h"

typedef struct store {
    anm_job *job;
    anm_blob_writer *blobs;
    anm_stored *stored;
    anm_not_finite head; /* of the LM head's splits together: they are one tensor */
} store;

static anm_status store_rope(store *s, const anm_piece *piece, anm_error *err) {
    const anm_recipe *r = &s->job->recipe;
    const anm_hf_rope *rope = piece->local ? &r->config.local_rope : &r->config.rope;
    bool cosine = piece->kind == ANM_PIECE_COS;
    uint64_t *to = cosine ? s->stored->cos : s->stored->sin;
    return anm_rope_store(rope, r->head_dim, anm_recipe_rope_width(r), r->state,
                          cosine ? ANM_ROPE_COS : ANM_ROPE_SIN, s->blobs,
                          &to[piece->local ? ANM_SIDE_LOCAL : ANM_SIDE_GLOBAL], err);
}

/*
 * Row r of [B, W + B] sees the W columns that end with column W + r. The lowest number hides as
 * well as minus infinity, and leaves all stored values finite.
 */
static anm_status store_band(store *s, const anm_piece *piece, anm_error *err) {
    enum { SEEN = 0, HIDDEN = 0xfbff /* -65504 */ };
    int64_t columns = piece->columns, window = columns - piece->rows;
    uint16_t *row = anm_calloc((size_t)columns, sizeof *row);
    anm_status status = row ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK)
        status = anm_blob_writer_begin(s->blobs, ANM_DTYPE_FP16, piece->rows * columns,
                                       &s->stored->band, err);
    for (int64_t r = 0; r < piece->rows && status == ANM_OK; r++) {
        for (int64_t c = 0; c < columns; c++) row[c] = c > r && c <= window + r ? SEEN : HIDDEN;
        status = anm_blob_writer_write(s->blobs, row, (size_t)columns * sizeof *row, err);
    }
    anm_free(row);
    return status == ANM_OK ? anm_blob_writer_end(s->blobs, err) : status;
}

static anm_status store_split(store *s, const anm_piece *piece, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *weight;
    const anm_recipe *r = &s->job->recipe;
    anm_piece_tensor(r, piece, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(s->job->checkpoint, name, &weight, err));
    ANM_TRY(anm_rows_store(s->job, s->blobs, ANM_SLOT_HEAD, 0, weight, piece->first, piece->rows,
                           &s->stored->head[piece->split], &s->head, err));
    if (piece->split + 1 < r->splits) return ANM_OK;
    return anm_weight_report(s->job, weight, &s->head, err);
}

static anm_status store_piece(void *context, const anm_piece *piece, anm_error *err) {
    store *s = context;
    anm_slot slot = piece->slot;
    switch (piece->kind) {
    case ANM_PIECE_COS:
    case ANM_PIECE_SIN: return store_rope(s, piece, err);
    case ANM_PIECE_BAND: return store_band(s, piece, err);
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

/* SPDX-License-Identifier: MIT */
/* The layout of a weight.bin that does not exist yet. */
#include "src/convert/part.h"

typedef struct layout {
    const anm_recipe *recipe;
    anm_stored *stored;
    uint64_t offset; /* of what comes next */
} layout;

/* Where store_piece() of partstore.c writes it. */
static anm_status place_piece(void *context, const anm_piece *piece, anm_error *err) {
    layout *l = context;
    anm_place place;
    anm_stored *s = l->stored;
    anm_side side = piece->local ? ANM_SIDE_LOCAL : ANM_SIDE_GLOBAL;
    l->offset = anm_piece_place(l->recipe, piece, l->offset, &place);
    switch (piece->kind) {
    case ANM_PIECE_COS: s->cos[side] = place.data; break;
    case ANM_PIECE_SIN: s->sin[side] = place.data; break;
    case ANM_PIECE_BAND: s->band = place.data; break;
    case ANM_PIECE_SPLIT: s->head[piece->split] = place; break;
    case ANM_PIECE_TENSOR:
        if (piece->slot < ANM_SLOT_LAYER_FIRST) s->model[piece->slot] = place;
        else s->layers[piece->layer][piece->slot] = place;
        break;
    }
    return ANM_OK;
}

anm_status anm_part_layout(const anm_recipe *recipe, const anm_contents *contents,
                           anm_stored *stored, uint64_t *bytes, anm_error *err) {
    layout l = {recipe, stored, ANM_BLOB_HEADER};
    ANM_TRY(anm_contents_visit(recipe, contents, place_piece, &l, err));
    *bytes = l.offset;
    return ANM_OK;
}

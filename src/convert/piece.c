/* SPDX-License-Identifier: MIT */
/* The list of a package's pieces, and their sizes. */
#include "src/convert/piece.h"

#include "src/package/blobfile.h"

typedef struct walk {
    const anm_recipe *recipe;
    anm_piece_fn visit;
    void *context;
    anm_error *err;
} walk;

static anm_status tensor(const walk *w, anm_slot slot, int64_t layer) {
    int64_t shape[2] = {1, 1};
    if (!w->recipe->has[slot]) return ANM_OK;
    anm_recipe_shape(w->recipe, slot, shape);
    const anm_piece piece = {.kind = ANM_PIECE_TENSOR, .slot = slot, .layer = layer,
                             .rows = shape[0], .columns = shape[1]};
    return w->visit(w->context, &piece, w->err);
}

static anm_status splits(const walk *w) {
    anm_piece piece = {.kind = ANM_PIECE_SPLIT, .slot = ANM_SLOT_HEAD};
    piece.columns = w->recipe->hidden;
    for (; piece.split < w->recipe->splits; piece.split++) {
        piece.rows = anm_recipe_split(w->recipe, piece.split, &piece.first);
        ANM_TRY(w->visit(w->context, &piece, w->err));
    }
    return ANM_OK;
}

bool anm_contents_has(const anm_recipe *recipe, const anm_contents *contents, bool local) {
    for (int64_t layer = contents->first_layer; layer < contents->end_layer; layer++)
        if (recipe->local[layer] == local) return true;
    return false;
}

static anm_status rope(const walk *w, bool local) {
    anm_piece piece = {.kind = ANM_PIECE_COS, .slot = ANM_SLOT_COUNT, .local = local};
    piece.rows = w->recipe->state;
    piece.columns = anm_recipe_rope_width(w->recipe);
    ANM_TRY(w->visit(w->context, &piece, w->err));
    piece.kind = ANM_PIECE_SIN;
    return w->visit(w->context, &piece, w->err);
}

static anm_status band(const walk *w) {
    const anm_recipe *r = w->recipe;
    const anm_piece piece = {.kind = ANM_PIECE_BAND, .slot = ANM_SLOT_COUNT, .rows = r->batch,
                             .columns = r->window + r->batch};
    return w->visit(w->context, &piece, w->err);
}

static anm_status layers(const walk *w, const anm_contents *contents) {
    const anm_recipe *r = w->recipe;
    bool local = anm_contents_has(r, contents, true);
    if (contents->end_layer == r->layers) ANM_TRY(tensor(w, ANM_SLOT_FINAL_NORM, 0));
    for (int64_t layer = contents->first_layer; layer < contents->end_layer; layer++)
        for (int slot = ANM_SLOT_LAYER_FIRST; slot < ANM_SLOT_COUNT; slot++)
            ANM_TRY(tensor(w, (anm_slot)slot, layer));
    if (anm_contents_has(r, contents, false)) ANM_TRY(rope(w, false));
    if (local) ANM_TRY(rope(w, true));
    return local && anm_recipe_rotates(r) ? band(w) : ANM_OK;
}

anm_status anm_contents_visit(const anm_recipe *recipe, const anm_contents *contents,
                              anm_piece_fn visit, void *context, anm_error *err) {
    const walk w = {recipe, visit, context, err};
    if (contents->embeddings) ANM_TRY(tensor(&w, ANM_SLOT_EMBEDDING, 0));
    if (contents->first_layer < contents->end_layer)
        ANM_TRY(layers(&w, contents));
    return contents->head ? splits(&w) : ANM_OK;
}

const char *anm_piece_tensor(const anm_recipe *r, const anm_piece *piece, char *buffer,
                             size_t size) {
    if (piece->kind != ANM_PIECE_TENSOR && piece->kind != ANM_PIECE_SPLIT) return NULL;
    anm_slot slot = piece->slot == ANM_SLOT_HEAD && r->tied ? ANM_SLOT_EMBEDDING : piece->slot;
    return anm_family_tensor(r->family, slot, piece->layer, buffer, size);
}

uint64_t anm_piece_place(const anm_recipe *r, const anm_piece *piece, uint64_t offset,
                         anm_place *place) {
    uint64_t values = (uint64_t)(piece->rows * piece->columns);
    *place = (anm_place){.data = offset};
    if (piece->slot != ANM_SLOT_COUNT)
        place->form = anm_palette_form_of(r, piece->slot, piece->layer, piece->rows,
                                          piece->columns);
    const anm_palette_form *form = &place->form;
    if (!form->bits) return offset + anm_blob_space(values * 2);
    values = (uint64_t)(form->rows * form->columns);
    uint64_t tables = (uint64_t)anm_palette_form_groups(form) << form->bits;
    place->lut = offset + anm_blob_space((values * (uint64_t)form->bits + 7) / 8);
    offset = place->lut + anm_blob_space(tables * 2);
    if (!form->scaled) return offset;
    place->scale = offset;
    return offset + anm_blob_space((uint64_t)form->rows * 2);
}

uint64_t anm_piece_bytes(const anm_recipe *r, const anm_piece *piece) {
    anm_place place;
    return anm_piece_place(r, piece, 0, &place);
}

typedef struct tally {
    const anm_recipe *recipe;
    anm_contents_size size;
} tally;

static anm_status add(void *context, const anm_piece *piece, anm_error *err) {
    tally *t = context;
    t->size.bytes += anm_piece_bytes(t->recipe, piece);
    if (piece->slot != ANM_SLOT_COUNT)
        t->size.elements += (uint64_t)(piece->rows * piece->columns);
    return ANM_OK;
}

anm_contents_size anm_contents_measure(const anm_recipe *recipe, const anm_contents *contents) {
    tally t = {recipe, {0, ANM_BLOB_HEADER}};
    anm_status status = anm_contents_visit(recipe, contents, add, &t, NULL);
    return status == ANM_OK ? t.size : (anm_contents_size){0};
}

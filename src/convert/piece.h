/* SPDX-License-Identifier: MIT */
/*
 * What a package stores, piece by piece. One list serves the planner, which adds up sizes, the
 * maker, which writes the pieces in this order, and whoever wants to know what a part depends on.
 */
#ifndef ANM_CONVERT_PIECE_H
#define ANM_CONVERT_PIECE_H

#include "src/convert/palettize_form.h"

typedef enum anm_piece_kind {
    ANM_PIECE_TENSOR, /* a whole tensor of the checkpoint */
    ANM_PIECE_SPLIT,  /* the rows of the LM head that go to one output */
    ANM_PIECE_COS,    /* a RoPE table: it follows from config.json */
    ANM_PIECE_SIN,
    ANM_PIECE_BAND    /* the mask of graph_window.c: it follows from window and batch */
} anm_piece_kind;

/* A matrix or vector; palettized, it is two blobs. */
typedef struct anm_piece {
    anm_piece_kind kind;
    anm_slot slot;         /* TENSOR; HEAD for SPLIT */
    int64_t layer;         /* of a layer's slot */
    int64_t split;         /* of SPLIT */
    bool local;            /* COS, SIN: for local layers */
    int64_t first;         /* SPLIT: the first of its rows in the tensor */
    int64_t rows, columns; /* columns 1: a vector */
} anm_piece;

/* Which of the model's weights a package has. */
typedef struct anm_contents {
    bool embeddings, head;
    int64_t first_layer, end_layer; /* its layers; none where they are equal */
} anm_contents;

/* Whether local, or global, layers are among them. */
bool anm_contents_has(const anm_recipe *recipe, const anm_contents *contents, bool local);

typedef anm_status (*anm_piece_fn)(void *context, const anm_piece *piece, anm_error *err);

/* Every piece, in the order in which they are stored. */
ANM_MUST_CHECK anm_status anm_contents_visit(const anm_recipe *recipe,
                                             const anm_contents *contents, anm_piece_fn visit,
                                             void *context, anm_error *err);
/* The name of the checkpoint's tensor, in `buffer`; NULL for what does not come from there. */
const char *anm_piece_tensor(const anm_recipe *recipe, const anm_piece *piece, char *buffer,
                             size_t size);
/*
 * Where its blobs lie if the first one is at `offset` of weight.bin; gives where the next piece's
 * begin. This is the order in which they are written.
 */
uint64_t anm_piece_place(const anm_recipe *recipe, const anm_piece *piece, uint64_t offset,
                         anm_place *place);
/* What it takes up in weight.bin, with metadata and alignment. */
uint64_t anm_piece_bytes(const anm_recipe *recipe, const anm_piece *piece);

/* Of the tensors in `contents`: values, and bytes of weight.bin with everything. */
typedef struct anm_contents_size {
    uint64_t elements, bytes;
} anm_contents_size;
anm_contents_size anm_contents_measure(const anm_recipe *recipe, const anm_contents *contents);

#endif

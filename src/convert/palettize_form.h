/* SPDX-License-Identifier: MIT */
/* How a matrix is palettized: decided once, when it is stored, and read again by the graph. */
#ifndef ANM_CONVERT_PALETTIZE_FORM_H
#define ANM_CONVERT_PALETTIZE_FORM_H

#include "src/convert/recipe.h"

typedef struct anm_palette_form {
    int bits;    /* 0: not at all; the rest is 0 then */
    int axis;    /* 0: rows share a table, 1: columns do */
    bool scaled; /* tables hold what is multiplied by a scale for each row */
    int64_t group; /* how many rows or columns; divides the stored extent of the axis */
    /* As stored: rows of padding at the end make the last group as large as the others. */
    int64_t rows, columns;
} anm_palette_form;

/* Where a weight lies in a blob file. */
typedef struct anm_place {
    uint64_t data;  /* fp16 values, or the indices of palettized ones */
    uint64_t lut;   /* their tables; 0: not palettized (no blob is at 0) */
    uint64_t scale; /* of each row; 0: none */
    anm_palette_form form; /* of palettized ones */
} anm_place;

/* For a matrix of a layer's slot (0 for the model's) of this size. */
anm_palette_form anm_palette_form_of(const anm_recipe *recipe, anm_slot slot, int64_t layer,
                                     int64_t rows, int64_t columns);
int64_t anm_palette_form_groups(const anm_palette_form *form);

#endif

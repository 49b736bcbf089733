/* SPDX-License-Identifier: MIT */
/* The rows of a matrix as palettization wants them: finite fp16 values, maybe over their scale. */
#ifndef ANM_CONVERT_PALETTIZE_SOURCE_H
#define ANM_CONVERT_PALETTIZE_SOURCE_H

#include "src/convert/weights.h"

typedef struct anm_palette_source {
    const anm_weight *weight;
    int64_t first, rows, columns; /* rows [first, first + rows) of the tensor */
    anm_not_finite *bad;
    int64_t told;           /* rows whose values beyond fp16 have been counted */
    uint16_t *scales;       /* fp16, for each row; NULL: none */
    double *row_importance; /* scale^2: errors count as they are after scaling; NULL: none */
    float *wide;            /* a row in fp32 */
} anm_palette_source;

/*
 * What fp16 cannot hold is added to `bad`, once. With `scaled`, a pass over the rows finds each
 * one's scale, its greatest magnitude. Free it in any case.
 */
ANM_MUST_CHECK anm_status anm_palette_source_init(anm_palette_source *s, const anm_weight *weight,
                                                  int64_t first, int64_t rows, bool scaled,
                                                  anm_not_finite *bad, anm_error *err);
void anm_palette_source_free(anm_palette_source *s);
/*
 * Rows [row, row + count), divided by their scales. Magnitudes beyond fp16's range become its
 * greatest; NaN is ANM_ERROR_LIMIT.
 */
ANM_MUST_CHECK anm_status anm_palette_source_read(anm_palette_source *s, int64_t row, int64_t count,
                                                  uint16_t *out, anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Palettized weights into a package's blob file. */
#ifndef ANM_CONVERT_PALETTIZE_STORE_H
#define ANM_CONVERT_PALETTIZE_STORE_H

#include "src/convert/weights.h"

/*
 * Appends rows [first, first + rows) of a matrix in the place's form: a blob of indices, one of
 * tables, and one of scales if it has them. A few million weights are in memory at a time, for
 * groups of columns up to 32 million; all processors work, and what is written does not depend on
 * their number. Values beyond fp16 count as its greatest and are added to `bad`.
 */
ANM_MUST_CHECK anm_status anm_palette_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                                            const anm_weight *weight, int64_t first, int64_t rows,
                                            anm_place *place, anm_not_finite *bad,
                                            anm_error *err);

/* uint4 for 4 bits and so on. */
anm_dtype anm_palette_dtype(int bits);

#endif

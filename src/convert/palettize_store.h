/* SPDX-License-Identifier: MIT */
/* Palettized weights into a package's blob file. */
#ifndef ANM_CONVERT_PALETTIZE_STORE_H
#define ANM_CONVERT_PALETTIZE_STORE_H

#include "src/convert/weights.h"

/*
 * Appends rows [first, first + rows) of a matrix as a blob of indices and one of tables, in the
 * place's form. About a million weights are in memory at a time, or a group of them; all
 * processors work. Values that fp16 cannot hold are ANM_ERROR_LIMIT.
 */
ANM_MUST_CHECK anm_status anm_palette_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                                            const anm_weight *weight, int64_t first, int64_t rows,
                                            anm_place *place, anm_not_finite *bad,
                                            anm_error *err);

/* uint4 for 4 bits and so on. */
anm_dtype anm_palette_dtype(int bits);

#endif

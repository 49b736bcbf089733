/* SPDX-License-Identifier: MIT */
/* Dividing the decoder's layers over packages. */
#ifndef ANM_CONVERT_CHUNKS_H
#define ANM_CONVERT_CHUNKS_H

#include "src/convert/piece.h"

/*
 * Divides a row of `count` weights into `chunks` runs of at least one each and writes where they
 * end. The sum of the runs' squares is the least there is, so they are as even as they can be; of
 * equally even ones the longer runs come first. False if a run cannot but exceed `limit` (0: none).
 */
bool anm_chunks_divide(const uint64_t *weights, int64_t count, int64_t chunks, uint64_t limit,
                       int64_t *ends);

/*
 * The recipe's chunks: ends[] has room for ANM_MAX_CHUNKS. "auto" takes the fewest whose weight
 * files are within the limit; if even a layer alone exceeds it, as many as there can be.
 */
ANM_MUST_CHECK anm_status anm_chunks_plan(const anm_recipe *recipe, int64_t *ends, int64_t *count,
                                          anm_error *err);

#endif

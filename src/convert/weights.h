/* SPDX-License-Identifier: MIT */
/*
 * Weights on their way from the checkpoint into a package's blob file, converted to fp16 piece by
 * piece, so that a few megabytes are in memory whatever the tensor's size.
 */
#ifndef ANM_CONVERT_WEIGHTS_H
#define ANM_CONVERT_WEIGHTS_H

#include "src/convert/job.h"
#include "src/convert/palettize_form.h"
#include "src/package/blobfile.h"

/* Values of a tensor that are not finite in fp16. */
typedef struct anm_not_finite {
    uint64_t count;
    double largest; /* finite magnitude among them in the checkpoint; 0: none was finite there */
} anm_not_finite;

/*
 * Values [first, first + count) of a tensor as fp16. What fp16 cannot hold is added to `bad`.
 */
void anm_weight_read(const anm_weight *weight, size_t first, size_t count, uint16_t *out,
                     anm_not_finite *bad);
/*
 * Appends rows [first, first + rows) of a tensor (rank 1: its elements) as one fp16 blob and gives
 * its offset. What fp16 cannot hold is added to `bad`.
 */
ANM_MUST_CHECK anm_status anm_weight_store(anm_job *job, anm_blob_writer *blobs,
                                           const anm_weight *weight, int64_t first, int64_t rows,
                                           uint64_t *offset, anm_not_finite *bad, anm_error *err);
/* Puts a tensor with such values into the report. */
ANM_MUST_CHECK anm_status anm_weight_report(anm_job *job, const anm_weight *weight,
                                            const anm_not_finite *bad, anm_error *err);
/* The same, but palettized if the recipe says so for matrices of `slot`. */
ANM_MUST_CHECK anm_status anm_rows_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                                         int64_t layer, const anm_weight *weight, int64_t first,
                                         int64_t rows, anm_place *place, anm_not_finite *bad,
                                         anm_error *err);
/* The whole tensor of a slot, reported if need be. */
ANM_MUST_CHECK anm_status anm_slot_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                                         int64_t layer, anm_place *place, anm_error *err);
/* ANM_ERROR_LIMIT if a tensor so far has values that fp16 cannot hold, and that is not allowed. */
ANM_MUST_CHECK anm_status anm_weights_judge(const anm_job *job, anm_error *err);

#endif

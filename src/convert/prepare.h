/* SPDX-License-Identifier: MIT */
/*
 * Weights that are palettized with error feedback need what their layer's inputs are together, a
 * matrix too large to keep for all layers. So they are palettized while the calibration text goes
 * through the model, a layer at a time, into a file without a name, from which packages copy them.
 */
#ifndef ANM_CONVERT_PREPARE_H
#define ANM_CONVERT_PREPARE_H

#include "src/convert/job.h"
#include "src/convert/weights.h"

typedef struct anm_prepared {
    anm_slot slot;
    const anm_tensor *tensor;
    int64_t first; /* row */
    anm_place place; /* in the file */
    anm_not_finite bad;
} anm_prepared;

/*
 * Fills job->prepared if the options ask for it; job->out_dir is there. Hessians of one layer are
 * in memory at a time: inputs^2 * 4 bytes for each of its four kinds of input.
 */
ANM_MUST_CHECK anm_status anm_job_prepare(anm_job *job, anm_error *err);
void anm_prepared_free(struct anm_prepared_list *list); /* NULL is fine */

/* NULL if the weight was not prepared. */
const anm_prepared *anm_prepared_find(const anm_job *job, anm_slot slot, const anm_weight *weight,
                                      int64_t first);
/* Copies the blob at *offset of the file to `blobs`, and gives where it is there. */
ANM_MUST_CHECK anm_status anm_prepared_copy(const anm_job *job, anm_blob_writer *blobs,
                                            anm_dtype dtype, int64_t elements, uint64_t *offset,
                                            anm_error *err);

#endif

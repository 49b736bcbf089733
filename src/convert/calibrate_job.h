/* SPDX-License-Identifier: MIT */
/* What a conversion does with a calibration text before it writes anything. */
#ifndef ANM_CONVERT_CALIBRATE_JOB_H
#define ANM_CONVERT_CALIBRATE_JOB_H

#include "src/convert/job.h"

/*
 * Fills job->calibration if the options name a text; the recipe is made, and its scales may change.
 */
ANM_MUST_CHECK anm_status anm_job_calibrate(anm_job *job, anm_error *err);

/*
 * How much the weights of each column count: the mean square of what they are multiplied with.
 * NULL, for all alike: without a calibration, and for an embedding, whose rows are fetched whole.
 */
const double *anm_job_importance(const anm_job *job, anm_slot slot, const anm_weight *weight);

#endif

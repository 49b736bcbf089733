/* SPDX-License-Identifier: MIT */
/*
 * Values beyond fp16's range, as the calibration text shows them, and powers of two that bring them
 * back where the model computes the same with them: on the residual stream (residual.h), and
 * between up and down projections and between values and the output projection of a layer.
 */
#ifndef ANM_CONVERT_FP16RANGE_H
#define ANM_CONVERT_FP16RANGE_H

#include "src/convert/job.h"

/*
 * Chooses the recipe's scales if the options leave it to us, and puts into the report what was
 * scaled, and what is beyond fp16 nevertheless. Does nothing without a calibration.
 */
ANM_MUST_CHECK anm_status anm_job_fit_range(anm_job *job, anm_error *err);

/* What the layer's shifts multiply a slot's weights with: a power of two. */
double anm_range_factor(const anm_recipe *recipe, anm_slot slot, int64_t layer);

#endif

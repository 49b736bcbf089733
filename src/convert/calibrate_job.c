/* SPDX-License-Identifier: MIT */
#include "src/convert/calibrate_job.h"

#include "src/convert/fp16range.h"

anm_status anm_job_calibrate(anm_job *job, anm_error *err) {
    const anm_convert_options *o = &job->options;
    if (o->lut_feedback && !o->calibrate)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "lut_feedback",
                        "error feedback needs a text to calibrate on");
    if (!o->calibrate) return ANM_OK;
    ANM_TRY(anm_calibration_open(job->model_dir, o->calibrate, o->calibrate_tokens,
                                 &job->calibration, err));
    job->progress.component = "calibration";
    job->progress.file = o->calibrate;
    ANM_TRY(anm_job_advance(job, 0, err));
    ANM_TRY(anm_calibration_measure(job->calibration, err));
    return anm_job_fit_range(job, err);
}

const double *anm_job_importance(const anm_job *job, anm_slot slot, const anm_weight *weight) {
    const anm_tensor *t = weight->tensor;
    if (!job->calibration || slot == ANM_SLOT_EMBEDDING || t->rank != 2) return NULL;
    return anm_calibration_squares(job->calibration, t->name, t->shape[1]);
}

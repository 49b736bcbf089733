/* SPDX-License-Identifier: MIT */
/* One conversion under way: what its stages share. */
#ifndef ANM_CONVERT_JOB_H
#define ANM_CONVERT_JOB_H

#include "src/convert/calibrate.h"
#include "src/convert/partplan.h"
#include "src/convert/report.h"
#include "src/hf/checkpoint.h"

typedef struct anm_job {
    anm_arena *arena;
    const char *model_dir;
    const char *out_dir; /* where outputs are being made: a staging directory */
    anm_convert_options options;
    anm_recipe recipe;
    anm_plan plan;
    anm_checkpoint *checkpoint;
    anm_calibration *calibration; /* NULL: none */
    struct anm_prepared_list *prepared;  /* weights palettized with error feedback; NULL: none */
    const struct anm_hessian *hessian;   /* of the weight that is being palettized so, or NULL */
    anm_convert_report *report;
    anm_convert_progress progress;
    bool regrouped[ANM_SLOT_COUNT]; /* slots whose groups were warned of */
} anm_job;

/* Counts bytes of weights written and tells the caller; ANM_ERROR_CANCELLED if it says stop. */
ANM_MUST_CHECK anm_status anm_job_advance(anm_job *job, uint64_t bytes, anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* The small files beside the packages: meta.yaml, and what is copied from the checkpoint. */
#ifndef ANM_CONVERT_SIDECAR_H
#define ANM_CONVERT_SIDECAR_H

#include "src/convert/job.h"

#define ANM_META_FILE "meta.yaml"

/* Names that are copied if the checkpoint has them; ends with NULL. */
extern const char *const anm_sidecar_files[];

/* Copies them into job->out_dir. Warns if there is no tokenizer among them. */
ANM_MUST_CHECK anm_status anm_sidecar_copy(anm_job *job, anm_error *err);
ANM_MUST_CHECK anm_status anm_sidecar_meta(anm_job *job, anm_error *err);

#endif

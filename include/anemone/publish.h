/* SPDX-License-Identifier: MIT */
/*
 * Laying out a converted model for upload: compiled models, one zip each for the hub or as
 * directories for apps, with everything that runners need beside them and a model card.
 */
#ifndef ANEMONE_PUBLISH_H
#define ANEMONE_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum anm_publish_target {
    ANM_PUBLISH_HF = 0, /* X.mlmodelc.zip */
    ANM_PUBLISH_IOS = 1 /* X.mlmodelc, to be put into an app or downloaded file by file */
} anm_publish_target;

typedef struct anm_publish_options {
    size_t struct_size;
    anm_publish_target target;
    int overwrite;           /* replace the output directory */
    const char *source;      /* the checkpoint's directory, for its licence; NULL: only `dir` */
    const char *base_model;  /* "Qwen/Qwen3-0.6B", for the model card; NULL: not told */
    const char *verify_json; /* what `anemone verify --json` printed; NULL: none */
} anm_publish_options;
ANM_API void anm_publish_options_init(anm_publish_options *options);

/*
 * Lays out the converted model in `dir` as the new directory `out`. Packages are compiled, models
 * that are compiled already are taken as they are. The same input gives the same bytes: zips have
 * their entries sorted and no times. `out` appears when it is complete. `options` may be NULL.
 *
 * ANM_ERROR_NOT_FOUND without packages or meta.yaml; ANM_ERROR_MISMATCH if meta.yaml names a part
 * that is not there; ANM_ERROR_ARGUMENT if `out` exists (see overwrite) or is within `dir`; errors
 * of compiling as in anm_compile(); ANM_ERROR_IO.
 */
ANM_API ANM_MUST_CHECK anm_status anm_publish(const char *dir, const char *out,
                                              const anm_publish_options *options, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif

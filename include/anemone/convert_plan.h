/* SPDX-License-Identifier: MIT */
/*
 * What a conversion would make, without making it: packages with their layers, functions, shapes
 * and sizes. config.json is enough; no weight is read.
 *
 *     anm_convert_plan *plan;
 *     if (anm_convert_plan_make("Qwen3-0.6B", &options, &plan, &error)) ...
 *     for (size_t i = 0; i < anm_convert_plan_count(plan); i++) ...
 *     anm_convert_plan_free(plan);
 */
#ifndef ANEMONE_CONVERT_PLAN_H
#define ANEMONE_CONVERT_PLAN_H

#include "anemone/convert.h"
#include "anemone/program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_convert_plan anm_convert_plan;

/* Refuses what anm_convert() would refuse for config.json or the options. `options` may be NULL. */
ANM_API ANM_MUST_CHECK anm_status anm_convert_plan_make(const char *model_dir,
                                                        const anm_convert_options *options,
                                                        anm_convert_plan **out, anm_error *err);
ANM_API void anm_convert_plan_free(anm_convert_plan *plan); /* NULL is fine */

typedef struct anm_convert_planned {
    const char *file;      /* "qwen_FFN_PF_lut4_chunk_01of02.mlpackage" */
    const char *component; /* "embeddings", "decoder", "lm_head", "monolithic" */
    int64_t first_layer, end_layer; /* layers first .. end - 1; none where they are equal */
    int64_t chunk, chunks; /* of the decoder, from 1; 0 elsewhere */
    uint64_t parameters;   /* weights that it stores */
    uint64_t weight_bytes; /* of its weight file */
    uint64_t bytes;        /* of all of its files */
    size_t function_count; /* the default one first */
} anm_convert_planned;

/* Accessors give NULL past the end. Everything lives until the plan is freed. */
ANM_API size_t anm_convert_plan_count(const anm_convert_plan *plan);
ANM_API const anm_convert_planned *anm_convert_plan_part(const anm_convert_plan *plan,
                                                         size_t part);
ANM_API const char *anm_convert_plan_function(const anm_convert_plan *plan, size_t part,
                                              size_t function);

typedef enum anm_convert_role {
    ANM_CONVERT_INPUT = 0,
    ANM_CONVERT_OUTPUT = 1,
    ANM_CONVERT_STATE = 2
} anm_convert_role;
ANM_API const anm_feature *anm_convert_plan_feature(const anm_convert_plan *plan, size_t part,
                                                    size_t function, anm_convert_role role,
                                                    size_t index);

ANM_API size_t anm_convert_plan_warning_count(const anm_convert_plan *plan);
ANM_API const char *anm_convert_plan_warning(const anm_convert_plan *plan, size_t index);

/* Of the whole conversion. */
typedef struct anm_convert_totals {
    const char *name, *family; /* of the model; "Qwen 3" */
    int64_t layers, context_length, batch_size, state_length;
    uint64_t parameters;  /* of the checkpoint; a tied embedding counts once */
    uint64_t bytes;       /* of all packages */
    uint64_t state_bytes; /* of the KV cache when the model runs */
    /* Memory of the conversion that is not mapped file, roughly; without calibration. */
    uint64_t memory;
} anm_convert_totals;
ANM_API const anm_convert_totals *anm_convert_plan_totals(const anm_convert_plan *plan);

#ifdef __cplusplus
}
#endif

#endif

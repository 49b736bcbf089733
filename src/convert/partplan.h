/* SPDX-License-Identifier: MIT */
/*
 * The plan: which packages a conversion makes, decided from the recipe before anything is written.
 * Each entry says all that is needed to make its package on its own.
 */
#ifndef ANM_CONVERT_PARTPLAN_H
#define ANM_CONVERT_PARTPLAN_H

#include "src/convert/piece.h"

typedef struct anm_part anm_part; /* src/convert/part.h: how a kind of package is made */

typedef struct anm_planned {
    const anm_part *kind;
    const char *file;      /* "qwen_FFN_PF_lut4_chunk_01of02.mlpackage" */
    anm_contents contents; /* anm_contents_visit() lists them: the part's inputs */
    int64_t chunk, chunks; /* of the decoder: 1 .. chunks */
    anm_contents_size size;
    bool selected; /* to be made: all, unless the options say `only` */
} anm_planned;

typedef struct anm_plan {
    anm_planned *parts; /* in the order in which they are made */
    size_t count;
    int64_t chunks; /* of the decoder */
} anm_plan;

/* In the arena. */
ANM_MUST_CHECK anm_status anm_plan_make(anm_arena *arena, const anm_recipe *recipe, anm_plan *out,
                                        anm_error *err);
/* Selects what `only` names, all if NULL. ANM_ERROR_ARGUMENT if the plan has nothing of it. */
ANM_MUST_CHECK anm_status anm_plan_select(anm_plan *plan, const char *only, anm_error *err);
/* Whether it has the model's last layer, and so the final norm. */
static inline bool anm_contents_end(const anm_recipe *recipe, const anm_contents *contents) {
    return contents->end_layer == recipe->layers;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a conversion has to do: which parts are made, which are kept, and whether what stands in the
 * output directory may be replaced. Decided before any part is made.
 */
#ifndef ANM_CONVERT_TODO_H
#define ANM_CONVERT_TODO_H

#include "src/convert/output.h"

typedef struct anm_todo_part {
    const anm_planned *planned;
    anm_identity identity;
    const json_t *entry; /* of a part that is kept; until the record changes */
    anm_output_state state;
    bool make;
} anm_todo_part;

typedef struct anm_todo {
    anm_todo_part *parts; /* as in the plan */
    size_t count;
    const char **names; /* all that may have to be put in place: parts and small files */
    size_t name_count;
} anm_todo;

/*
 * Also stages the small files, and takes back those that are in place already. ANM_ERROR_ARGUMENT
 * for what exists and differs, unless it may be overwritten.
 */
ANM_MUST_CHECK anm_status anm_todo_make(anm_job *job, anm_output *output, anm_todo *out,
                                        anm_error *err);

#endif

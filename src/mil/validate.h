/* SPDX-License-Identifier: MIT */
/*
 * The validator: collects every error of a program instead of stopping at the first, and can print
 * the program with the errors beside the ops they belong to.
 */
#ifndef ANM_MIL_VALIDATE_H
#define ANM_MIL_VALIDATE_H

#include "src/mil/ir.h"

typedef struct anm_mil_problem {
    const anm_mil_function *function; /* NULL: the program as a whole */
    const anm_mil_op *op;             /* NULL: the function's signature or outputs */
    const char *message;
} anm_mil_problem;

typedef struct anm_mil_report {
    anm_mil_problem *problems;
    size_t count;
} anm_mil_report;

/*
 * ANM_OK, or ANM_ERROR_FORMAT with `err` holding the first problem ("function main, op conv_1
 * (conv): ...") and the number of the others. Unknown ops give ANM_ERROR_UNSUPPORTED if nothing
 * else is wrong. `report` (may be NULL) gets all of them, in memory of `arena`.
 */
ANM_MUST_CHECK anm_status anm_mil_validate(const anm_mil_program *program, anm_arena *arena,
                                           anm_mil_report *report, anm_error *err);

#endif

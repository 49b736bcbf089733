/* SPDX-License-Identifier: MIT */
/* anemone inspect --plan: what the fast engine makes of a program's functions. */
#ifndef ANM_CLI_INSPECTPLAN_H
#define ANM_CLI_INSPECTPLAN_H

#include <jansson.h>

#include "anemone/program.h"
#include "src/cli/shapearg.h"

/*
 * The plans for inputs of these shapes, the default ones for those not named; `cpu` is a level's
 * name, NULL the machine's best.
 */
anm_status inspect_print_plan(const anm_program *program, const char *cpu,
                              const shape_args *shapes, anm_error *err);
anm_status inspect_json_plan(const anm_program *program, const char *cpu,
                             const shape_args *shapes, json_t **out, anm_error *err);

#endif

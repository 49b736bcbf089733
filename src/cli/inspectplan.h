/* SPDX-License-Identifier: MIT */
/* anemone inspect --plan: what the fast engine makes of a program's functions. */
#ifndef ANM_CLI_INSPECTPLAN_H
#define ANM_CLI_INSPECTPLAN_H

#include <jansson.h>

#include "anemone/program.h"
#include "src/cli/shapearg.h"

/*
 * The plans for inputs of these shapes, the default ones for those not named, made with these
 * options but on one thread.
 */
anm_status inspect_print_plan(const anm_program *program, const anm_predict_options *options,
                              const shape_args *shapes, anm_error *err);
anm_status inspect_json_plan(const anm_program *program, const anm_predict_options *options,
                             const shape_args *shapes, json_t **out, anm_error *err);

#endif

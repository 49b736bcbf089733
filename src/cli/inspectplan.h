/* SPDX-License-Identifier: MIT */
/* anemone inspect --plan: what the fast engine makes of a program's functions. */
#ifndef ANM_CLI_INSPECTPLAN_H
#define ANM_CLI_INSPECTPLAN_H

#include <jansson.h>

#include "anemone/program.h"

/* The plans for inputs of the default shapes; `cpu` is a level's name, NULL the machine's best. */
anm_status inspect_print_plan(const anm_program *program, const char *cpu, anm_error *err);
anm_status inspect_json_plan(const anm_program *program, const char *cpu, json_t **out,
                             anm_error *err);

#endif

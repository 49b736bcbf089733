/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_PLAN_BUILD_H
#define ANM_CPU_PLAN_BUILD_H

#include "src/cpu/planner.h"

/* Fills the plan from plan->flow, which has been optimised; isa, rows, threads, arena are set. */
ANM_MUST_CHECK anm_status anm_plan_fill(anm_plan *plan, anm_dtype state_dtype, anm_error *err);

#endif

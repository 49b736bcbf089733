/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_COPY_H
#define ANM_CPU_STEP_COPY_H

#include "src/cpu/planner.h"

/* Copies, and converts fp16 to fp32, into a new block that is ordered as `like`. */
anm_lie anm_step_copy(anm_planner *p, anm_lie from, anm_view like);

#endif

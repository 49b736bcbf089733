/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_COPY_H
#define ANM_CPU_STEP_COPY_H

#include "src/cpu/planner.h"

/* Copies, and converts fp16 to fp32, into a new block that is ordered as `like`. */
anm_lie anm_step_copy(anm_planner *p, anm_lie from, anm_view like);

/* Where a value goes along an axis of a bigger one. */
typedef struct anm_part {
    anm_lie from;
    int axis;
    int64_t at;
} anm_part;
/* Copies all parts into `to`, which is fp32 or int32, in one step. */
void anm_step_copy_parts(anm_planner *p, const char *kind, const anm_part *parts, size_t count,
                         anm_lie to);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_AXES_H
#define ANM_CPU_STEP_AXES_H

#include "src/cpu/planner.h"

/* A tensor with some of its axes last: dense [outer, inner]. */
typedef struct anm_axes_last {
    anm_lie x;                    /* dense, dimensions in the order of perm */
    int64_t perm[ANM_MAX_RANK];   /* where each dimension was */
    int64_t outer, inner;
} anm_axes_last;

/* A copy is made where the axes are not last, or not dense. x.block is -1 after a failure. */
anm_axes_last anm_axes_move_last(anm_planner *p, anm_lie x, const bool *marked);
/* The argument's axes, marked; all if it is absent and `absent_is_all`. False: not constant. */
bool anm_axes_read(const anm_mil_op *op, const char *name, int rank, bool absent_is_all,
                   bool *marked);
/* The op's constant `axis`, counted from the front. False: not constant, or there is none such. */
bool anm_axis_read(const anm_mil_op *op, int rank, int64_t *axis);
/* The view of a result whose dimensions lie in the order of perm. */
anm_view anm_axes_view_back(const anm_axes_last *a, const anm_view *dense);

#endif

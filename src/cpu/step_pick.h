/* SPDX-License-Identifier: MIT */
/*
 * Ops whose every element is one of the input's, or a constant, where each axis of the output says
 * by itself how far in: padding, reversing, resizing to the nearest, blocks between channels and
 * space.
 */
#ifndef ANM_CPU_STEP_PICK_H
#define ANM_CPU_STEP_PICK_H

#include "src/cpu/planner.h"

#define ANM_PICK_NOTHING INT64_MIN

typedef struct anm_pick {
    anm_lie x;                    /* 4-byte elements, however they lie */
    anm_lie out;                  /* dense */
    int64_t *from[ANM_MAX_RANK];  /* by output axis: offsets to add, or ANM_PICK_NOTHING */
    uint32_t fill;                /* what NOTHING gives */
    int64_t run_from, run_to;     /* where the last axis' offsets go up by one */
} anm_pick;

/* Tables for the output's axes, and x as it lies; NULL after a failure, or where x lies nowhere. */
anm_pick *anm_pick_new(anm_planner *p, const anm_mil_op *op);
/* Plans the step once the tables are filled; false where they lead out of x. */
bool anm_pick_add(anm_planner *p, const anm_mil_op *op, anm_pick *pick);

#endif

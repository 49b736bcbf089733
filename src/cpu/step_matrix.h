/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_MATRIX_H
#define ANM_CPU_STEP_MATRIX_H

#include "src/cpu/kernels/matrix.h"
#include "src/cpu/planner.h"

/*
 * A constant argument as a matrix that kernels read in place: [rows, columns], further dimensions
 * being 1. What has no such form is decoded, and counted. False after a failure or when it is no
 * constant.
 */
bool anm_matrix_of(anm_planner *p, const anm_mil_op *op, const char *name, anm_matrix *out);

/* The op's bias as floats, NULL if it has none; false where there is no such form. */
bool anm_bias_of(anm_planner *p, const anm_mil_op *op, const float **out);

#endif

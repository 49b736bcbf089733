/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_WINDOW_H
#define ANM_CPU_STEP_WINDOW_H

#include "src/cpu/planner.h"

/* Windows over one or two spatial axes of [batch, channels, ..]; with one, the first is 1. */
typedef struct anm_windows {
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding */
} anm_windows;

/*
 * Reads strides, dilations (where the op has them), pad_type and pad for a kernel of this shape
 * (`dims` sizes). False where that is nothing for these kernels.
 */
bool anm_windows_read(const anm_mil_op *op, int dims, const int64_t *kernel, anm_windows *w);

#endif

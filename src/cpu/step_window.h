/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_STEP_WINDOW_H
#define ANM_CPU_STEP_WINDOW_H

#include "src/cpu/planner.h"

enum { ANM_WINDOW_AXES = 3 };

/* Windows over one to three spatial axes of [batch, channels, ..]; missing ones are 1, in front. */
typedef struct anm_windows {
    int64_t in[ANM_WINDOW_AXES], out[ANM_WINDOW_AXES], kernel[ANM_WINDOW_AXES];
    int64_t stride[ANM_WINDOW_AXES], dilation[ANM_WINDOW_AXES];
    int64_t before[ANM_WINDOW_AXES], after[ANM_WINDOW_AXES]; /* padding */
} anm_windows;

static inline int64_t anm_window_volume(const int64_t *sizes) {
    return sizes[0] * sizes[1] * sizes[2];
}

/*
 * Reads strides, dilations (where the op has them), pad_type and pad for a kernel of this shape
 * (`dims` sizes). False where that is nothing for these kernels. For a transposed convolution the
 * padding is what its full result is cut by.
 */
bool anm_windows_read(const anm_mil_op *op, int dims, const int64_t *kernel, anm_windows *w);

/* The argument "bias" as fp32; NULL if there is none. False where it is no constant. */
bool anm_constant_bias(anm_planner *p, const anm_mil_op *op, const float **out);

#endif

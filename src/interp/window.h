/* SPDX-License-Identifier: MIT */
/* Sliding windows over 1 to 3 spatial dimensions: what convolution and pooling share. */
#ifndef ANM_INTERP_WINDOW_H
#define ANM_INTERP_WINDOW_H

#include "src/interp/kernels.h"

enum { ANM_SPATIAL = 3 };

/* Unused leading dimensions have size 1, so that every op is a 3-D one. */
typedef struct anm_window {
    int dims; /* spatial dimensions in use */
    int64_t in[ANM_SPATIAL], out[ANM_SPATIAL], kernel[ANM_SPATIAL];
    int64_t stride[ANM_SPATIAL], dilation[ANM_SPATIAL];
    int64_t before[ANM_SPATIAL], after[ANM_SPATIAL]; /* padding */
} anm_window;

/* Sets dims and in[] from x of shape [n, c, spatial..]; a failure for other ranks. */
bool anm_window_input(anm_kcall *k, const anm_rvalue *x, anm_window *w);
/* Reads n integers into the used dimensions of to[]. */
bool anm_window_ints(anm_kcall *k, const char *name, const anm_window *w, int64_t *to);
/* Reads pad_type and pad into before[] and after[]; kernel, stride, dilation are set. */
bool anm_window_padding(anm_kcall *k, anm_window *w);
/* Sets out[]; a failure when a dimension would be empty. */
bool anm_window_output(anm_kcall *k, anm_window *w, bool ceil_mode);
/* [n, c, out..] with the rank of x. */
void anm_window_shape(const anm_window *w, int64_t n, int64_t c, int64_t *shape);

static inline int64_t anm_volume(const int64_t *dims) {
    return dims[0] * dims[1] * dims[2];
}

#endif

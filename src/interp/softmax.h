/* SPDX-License-Identifier: MIT */
#ifndef ANM_INTERP_SOFTMAX_H
#define ANM_INTERP_SOFTMAX_H

#include <stdint.h>

/* In place over n elements `stride` apart: exp(x - max) / sum, all in fp32 (anm_expf, anm_sum). A
 * row of -inf only gives NaN, as the formula does. */
void anm_softmax(float *x, int64_t n, int64_t stride);

#endif

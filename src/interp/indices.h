/* SPDX-License-Identifier: MIT */
/* Checked indices of gather and scatter ops. */
#ifndef ANM_INTERP_INDICES_H
#define ANM_INTERP_INDICES_H

#include "src/interp/kernels.h"

/*
 * Copies indices, negative ones wrapped once, all within 0 .. limit-1; NULL with a failure when
 * one is outside. For index vectors (`width` > 1) limit[] has one bound per element.
 */
const int64_t *anm_k_indices(anm_kcall *k, const anm_rvalue *v, const int64_t *limit,
                             int64_t width);

#endif

/* SPDX-License-Identifier: MIT */
/* Moving elements between a dense tensor and a strided view. */
#ifndef ANM_INTERP_STRIDED_H
#define ANM_INTERP_STRIDED_H

#include "src/interp/kernels.h"

/* `out`, dense of `shape`, from the view of `in`. */
void anm_copy_strided(int rank, const int64_t *shape, const int64_t *stride, int64_t start,
                      const anm_word *in, anm_word *out);
/* The view of `out` from `in`, dense of `shape`. */
void anm_store_strided(int rank, const int64_t *shape, const int64_t *stride, int64_t start,
                       const anm_word *in, anm_word *out);

#endif

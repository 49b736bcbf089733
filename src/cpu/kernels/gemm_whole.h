/* SPDX-License-Identifier: MIT */
/* Prepared inputs with one factor for a whole block of columns; sums start at zero. */
#ifndef ANM_CPU_GEMM_WHOLE_H
#define ANM_CPU_GEMM_WHOLE_H

#include <stdint.h>

#include "src/cpu/kernels/gemm_walk.h"

enum { SHARE = BLOCK, STARTS = 0 };

static inline void prepare_start(const float *packed, int64_t elements, float *start) {}

#endif

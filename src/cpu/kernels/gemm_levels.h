/* SPDX-License-Identifier: MIT */
/* The GEMM kernels of each level, best first, ended by one without a name. */
#ifndef ANM_CPU_GEMM_LEVELS_H
#define ANM_CPU_GEMM_LEVELS_H

#include "src/cpu/kernels/gemm.h"

extern const anm_gemm_kernel anm_gemm_kernels_c[];

#endif

/* SPDX-License-Identifier: MIT */
#ifndef ANM_CPU_ROWS_LEVELS_H
#define ANM_CPU_ROWS_LEVELS_H

#include "src/cpu/kernels/rows.h"

extern const anm_row_kernels anm_row_kernels_avx2, anm_row_kernels_avx512, anm_row_kernels_neon;

#endif

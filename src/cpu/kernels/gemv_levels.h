/* SPDX-License-Identifier: MIT */
/*
 * The GEMV kernels of each level, best first, ended by one without a name; lists of `lines` have
 * those of ANM_GEMV_LINES.
 */
#ifndef ANM_CPU_GEMV_LEVELS_H
#define ANM_CPU_GEMV_LEVELS_H

#include "src/cpu/kernels/gemv.h"

extern const anm_gemv_kernel anm_gemv_kernels_c[];
extern const anm_gemv_kernel anm_gemv_kernels_avx2[];
extern const anm_gemv_kernel anm_gemv_kernels_avxvnni[];
extern const anm_gemv_kernel anm_gemv_lines_avx2[];
extern const anm_gemv_kernel anm_gemv_lines_avxvnni[];
extern const anm_gemv_kernel anm_gemv_kernels_avx512[];
extern const anm_gemv_kernel anm_gemv_kernels_avx512vnni[];
extern const anm_gemv_kernel anm_gemv_kernels_neon[];
extern const anm_gemv_kernel anm_gemv_kernels_neondot[];

#endif

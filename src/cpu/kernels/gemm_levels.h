/* SPDX-License-Identifier: MIT */
/* The GEMM kernels of each level, best first, ended by one without a name. */
#ifndef ANM_CPU_GEMM_LEVELS_H
#define ANM_CPU_GEMM_LEVELS_H

#include "src/cpu/kernels/gemm.h"

extern const anm_gemm_kernel anm_gemm_kernels_c[];
extern const anm_gemm_kernel anm_gemm_kernels_avx2[];
extern const anm_gemm_kernel anm_gemm_kernels_avxvnni[];
extern const anm_gemm_kernel anm_gemm_kernels_avx512[];
extern const anm_gemm_kernel anm_gemm_kernels_avx512vnni[];
extern const anm_gemm_kernel anm_gemm_kernels_amx[];
extern const anm_gemm_kernel anm_gemm_kernels_neon[];
extern const anm_gemm_kernel anm_gemm_kernels_neondot[];
extern const anm_gemm_kernel anm_gemm_kernels_neoni8mm[];

/* Those that round both factors to 8 bits, of levels that have some. */
extern const anm_gemm_kernel anm_gemm_int8_kernels_avxvnni[];
extern const anm_gemm_kernel anm_gemm_int8_kernels_avx512vnni[];
extern const anm_gemm_kernel anm_gemm_int8_kernels_neondot[];
extern const anm_gemm_kernel anm_gemm_int8_kernels_neoni8mm[];

#endif

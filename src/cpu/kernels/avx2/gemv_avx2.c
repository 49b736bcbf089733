/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/vector_avx2.h"

#include "src/cpu/kernels/gemv_float.h"

const anm_gemv_kernel anm_gemv_kernels_avx2[] = {
    GEMV_FLOAT_KERNELS("avx2", ANM_ISA_AVX2),
    {0},
};

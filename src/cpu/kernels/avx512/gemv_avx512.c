/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512/vector_avx512.h"

#include "src/cpu/kernels/gemv_float.h"

const anm_gemv_kernel anm_gemv_kernels_avx512[] = {
    GEMV_FLOAT_KERNELS("avx512", ANM_ISA_AVX512),
    {0},
};

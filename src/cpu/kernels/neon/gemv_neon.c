/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/neon/vector_neon.h"

#include "src/cpu/kernels/gemv_float.h"

const anm_gemv_kernel anm_gemv_kernels_neon[] = {
    GEMV_FLOAT_KERNELS("neon", ANM_ISA_NEON),
    {0},
};

/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/products_avx2.h"

#include "src/cpu/kernels/avx2/gemm_int16_avx2.h"

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avx2[] = {
    {"gemm_int16_avx2", ANM_ISA_AVX2, accepts, PANEL, input_bytes, prepare, scratch_bytes, run},
    {0},
};

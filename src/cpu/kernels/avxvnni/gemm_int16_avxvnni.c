/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avxvnni/products_avxvnni.h"

#include "src/cpu/kernels/avx2/gemm_int16_avx2.h"

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avxvnni[] = {
    {"gemm_int16_avxvnni", ANM_ISA_AVXVNNI, accepts, PANEL, input_bytes, prepare, scratch_bytes,
     run},
    {0},
};

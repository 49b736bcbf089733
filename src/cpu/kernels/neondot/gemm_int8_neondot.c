/* SPDX-License-Identifier: MIT */
/* A byte on both sides. */
#include "src/cpu/kernels/neondot/gemm_bytes.h"

#include "src/cpu/kernels/neondot/four_neondot.h"

#include "src/cpu/kernels/neondot/gemm_fours_template.h"

const anm_gemm_kernel anm_gemm_int8_kernels_neondot[] = {
    {"gemm_int8_neondot", ANM_ISA_NEONDOT, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

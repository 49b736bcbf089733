/* SPDX-License-Identifier: MIT */
/* A byte on both sides. */
#include "src/cpu/kernels/neondot/gemm_bytes.h"

#include "src/cpu/kernels/neoni8mm/four_neoni8mm.h"

#include "src/cpu/kernels/neondot/gemm_fours_template.h"

const anm_gemm_kernel anm_gemm_int8_kernels_neoni8mm[] = {
    {"gemm_int8_neoni8mm", ANM_ISA_NEONI8MM, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

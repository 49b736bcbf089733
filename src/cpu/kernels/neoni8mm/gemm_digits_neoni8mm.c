/* SPDX-License-Identifier: MIT */
/* Two digits on both sides. */
#include "src/cpu/kernels/neondot/gemm_digits.h"

#include "src/cpu/kernels/neoni8mm/four_neoni8mm.h"

#include "src/cpu/kernels/neondot/gemm_fours_template.h"

const anm_gemm_kernel anm_gemm_kernels_neoni8mm[] = {
    {"gemm_digits_neoni8mm", ANM_ISA_NEONI8MM, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

/* SPDX-License-Identifier: MIT */
/* Two digits on both sides. */
#include "src/cpu/kernels/neondot/gemm_digits.h"

#include "src/cpu/kernels/neondot/four_neondot.h"

#include "src/cpu/kernels/neondot/gemm_fours_template.h"

const anm_gemm_kernel anm_gemm_kernels_neondot[] = {
    {"gemm_digits_neondot", ANM_ISA_NEONDOT, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/neon/vector_neon.h"

#include "src/cpu/kernels/attention_template.h"

const anm_attention_kernel anm_attention_kernels_neon[] = {
    {"attention_neon", ANM_ISA_NEON, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};

/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/vector_avx2.h"

#include "src/cpu/kernels/attention_template.h"

const anm_attention_kernel anm_attention_kernels_avx2[] = {
    {"attention_avx2", ANM_ISA_AVX2, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};

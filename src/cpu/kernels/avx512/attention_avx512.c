/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512/vector_avx512.h"

#include "src/cpu/kernels/attention_template.h"

const anm_attention_kernel anm_attention_kernels_avx512[] = {
    {"attention_avx512", ANM_ISA_AVX512, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};

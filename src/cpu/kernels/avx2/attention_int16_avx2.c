/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/products_avx2.h"

#include "src/cpu/kernels/avx2/pairs_avx2.h"

enum { MAX_QUERY_VECTORS = 2, MOST_TOGETHER = 16 };

#include "src/cpu/kernels/attention_int16_template.h"

const anm_attention_kernel anm_attention_int16_kernels_avx2[] = {
    {"attention_int16_avx2", ANM_ISA_AVX2, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};

/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avxvnni/products_avxvnni.h"

#include "src/cpu/kernels/avx2/pairs_avx2.h"

enum { MAX_QUERY_VECTORS = 2, MOST_TOGETHER = 16 };

#include "src/cpu/kernels/attention_int16_template.h"

const anm_attention_kernel anm_attention_kernels_avxvnni[] = {
    {"attention_int16_avxvnni", ANM_ISA_AVXVNNI, accepts, units, unit_queries, scratch_bytes,
     run},
    {0},
};

/* SPDX-License-Identifier: MIT */
#define ANM_ROWS(name) name##_avx512
#include "src/cpu/kernels/rows_template.h"

#include "src/cpu/kernels/avx512/vector_avx512.h"
#include "src/cpu/kernels/product_template.h"

#include "src/cpu/kernels/rows_levels.h"

const anm_row_kernels anm_row_kernels_avx512 = ANM_ROWS_TABLE(ANM_ISA_AVX512);

/* SPDX-License-Identifier: MIT */
#define ANM_ROWS(name) name##_avx2
#include "src/cpu/kernels/rows_template.h"

#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/product_template.h"

#include "src/cpu/kernels/rows_levels.h"

const anm_row_kernels anm_row_kernels_avx2 = ANM_ROWS_TABLE(ANM_ISA_AVX2);

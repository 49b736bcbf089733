/* SPDX-License-Identifier: MIT */
#define ANM_ROWS(name) name##_neon
#include "src/cpu/kernels/rows_template.h"

#include "src/cpu/kernels/neon/vector_neon.h"
#include "src/cpu/kernels/product_template.h"

#include "src/cpu/kernels/rows_levels.h"

const anm_row_kernels anm_row_kernels_neon = ANM_ROWS_TABLE(ANM_ISA_NEON);

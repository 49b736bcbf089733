/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

#define ANM_PEAK_NAME peak_avx2
#define ANM_PEAK_VECTOR __m256
#define ANM_PEAK_FMA _mm256_fmadd_ps
#include "src/cpu/kernels/peak_template.h"

const anm_peak anm_peak_avx2 = {ANM_ISA_AVX2, peak_avx2, ANM_PEAK_FLOPS, NULL, 0};

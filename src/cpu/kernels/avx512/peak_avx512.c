/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

#define ANM_PEAK_NAME peak_avx512
#define ANM_PEAK_VECTOR __m512
#define ANM_PEAK_FMA _mm512_fmadd_ps
#include "src/cpu/kernels/peak_template.h"

const anm_peak anm_peak_avx512 = {ANM_ISA_AVX512, peak_avx512, ANM_PEAK_FLOPS, NULL, 0};

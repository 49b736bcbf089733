/* SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#define ANM_PEAK_NAME peak_neon
#define ANM_PEAK_VECTOR float32x4_t
#define ANM_PEAK_FMA(a, b, c) vfmaq_f32((c), (a), (b))
#include "src/cpu/kernels/peak_template.h"

const anm_peak anm_peak_neon = {ANM_ISA_NEON, peak_neon, ANM_PEAK_FLOPS, NULL, 0};

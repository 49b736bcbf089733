/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "src/cpu/kernels/avx2/products_avx2.h"

#include "src/cpu/kernels/avx2/integers_avx2.h"
#include "src/cpu/kernels/avx2/words_avx2.h"

#include "src/cpu/kernels/gemv_affine.h"
#include "src/cpu/kernels/gemv_float.h"
#include "src/cpu/kernels/gemv_int4.h"
#include "src/cpu/kernels/gemv_words.h"

#include "src/cpu/kernels/avx2/any_avx2.h"
#include "src/cpu/kernels/avx2/gather_avx2.h"
#include "src/cpu/kernels/avx2/ramp_avx2.h"

GEMV_WORDS(1) GEMV_WORDS(2) GEMV_WORDS(3) GEMV_WORDS(4) GEMV_WORDS(6)

const anm_gemv_kernel anm_gemv_kernels_avx2[] = {
    GEMV_FLOAT_KERNELS("avx2", ANM_ISA_AVX2),
    GEMV_WORDS_KERNEL(4, prepare_nibbles, "avx2", ANM_ISA_AVX2),
    GEMV_WORDS_KERNEL(6, prepare_sixes, "avx2", ANM_ISA_AVX2),
    {"gemv_lut8_avx2", ANM_ISA_AVX2, ANM_GEMV_FP32, accepts_gather, 8, gather_input_bytes,
     gather_prepare, run_gather},
    GEMV_WORDS_KERNEL(3, prepare_words, "avx2", ANM_ISA_AVX2),
    GEMV_WORDS_KERNEL(2, prepare_words, "avx2", ANM_ISA_AVX2),
    GEMV_WORDS_KERNEL(1, prepare_words, "avx2", ANM_ISA_AVX2),
    GEMV_INT4_KERNEL("avx2", ANM_ISA_AVX2),
    GEMV_AFFINE_KERNELS("avx2", ANM_ISA_AVX2),
    {"gemv_lut_avx2", ANM_ISA_AVX2, ANM_GEMV_FP32, accepts_any, 8, float_input_bytes,
     float_prepare, run_any},
    {0},
};

const anm_gemv_kernel anm_gemv_lines_avx2[] = {
    {"gemv_lut6lines_avx2", ANM_ISA_AVX2, ANM_GEMV_LINES, accepts_ramp, 8, ramp_input_bytes,
     ramp_prepare, run_ramp},
    {0},
};

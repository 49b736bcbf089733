/* SPDX-License-Identifier: MIT */
/* Those of AVX2's kernels that multiply words of 16 bits. */
#include "src/cpu/kernels/avxvnni/products_avxvnni.h"

#include "src/cpu/kernels/avx2/integers_avx2.h"
#include "src/cpu/kernels/avx2/words_avx2.h"

#include "src/cpu/kernels/gemv_int4.h"
#include "src/cpu/kernels/gemv_words.h"

#include "src/cpu/kernels/avx2/ramp_avx2.h"

GEMV_WORDS(1) GEMV_WORDS(2) GEMV_WORDS(3) GEMV_WORDS(4) GEMV_WORDS(6)

const anm_gemv_kernel anm_gemv_kernels_avxvnni[] = {
    GEMV_WORDS_KERNEL(4, prepare_nibbles, "avxvnni", ANM_ISA_AVXVNNI),
    GEMV_WORDS_KERNEL(6, prepare_sixes, "avxvnni", ANM_ISA_AVXVNNI),
    GEMV_WORDS_KERNEL(3, prepare_words, "avxvnni", ANM_ISA_AVXVNNI),
    GEMV_WORDS_KERNEL(2, prepare_words, "avxvnni", ANM_ISA_AVXVNNI),
    GEMV_WORDS_KERNEL(1, prepare_words, "avxvnni", ANM_ISA_AVXVNNI),
    GEMV_INT4_KERNEL("avxvnni", ANM_ISA_AVXVNNI),
    {0},
};

const anm_gemv_kernel anm_gemv_lines_avxvnni[] = {
    {"gemv_lut6lines_avxvnni", ANM_ISA_AVXVNNI, ANM_GEMV_LINES, accepts_ramp, 8, ramp_input_bytes,
     ramp_prepare, run_ramp},
    {0},
};

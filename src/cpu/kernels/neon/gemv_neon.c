/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "src/cpu/kernels/neon/integers_neon.h"
#include "src/cpu/kernels/neon/words_neon.h"

#include "src/cpu/kernels/gemv_affine.h"
#include "src/cpu/kernels/gemv_float.h"
#include "src/cpu/kernels/gemv_words.h"

GEMV_WORDS(1) GEMV_WORDS(2) GEMV_WORDS(3) GEMV_WORDS(4) GEMV_WORDS(6) GEMV_WORDS(8)

const anm_gemv_kernel anm_gemv_kernels_neon[] = {
    GEMV_FLOAT_KERNELS("neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(4, prepare_nibbles, "neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(6, prepare_words, "neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(8, prepare_words, "neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(3, prepare_words, "neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(2, prepare_words, "neon", ANM_ISA_NEON),
    GEMV_WORDS_KERNEL(1, prepare_words, "neon", ANM_ISA_NEON),
    GEMV_AFFINE_KERNELS("neon", ANM_ISA_NEON),
    {0},
};

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "src/cpu/kernels/avx512/integers_avx512.h"
#include "src/cpu/kernels/avx512/words_avx512.h"

#include "src/cpu/kernels/gemv_affine.h"
#include "src/cpu/kernels/gemv_float.h"
#include "src/cpu/kernels/gemv_int4.h"
#include "src/cpu/kernels/gemv_words.h"

static void prepare_bytes(const float *x, int64_t columns, void *input) {
    words_prepare(x, columns, 8, input);
}

GEMV_WORDS(1) GEMV_WORDS(2) GEMV_WORDS(3) GEMV_WORDS(4) GEMV_WORDS(6) GEMV_WORDS(8)

const anm_gemv_kernel anm_gemv_kernels_avx512[] = {
    GEMV_FLOAT_KERNELS("avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(4, prepare_nibbles, "avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(6, prepare_words, "avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(8, prepare_bytes, "avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(3, prepare_words, "avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(2, prepare_words, "avx512", ANM_ISA_AVX512),
    GEMV_WORDS_KERNEL(1, prepare_words, "avx512", ANM_ISA_AVX512),
    GEMV_INT4_KERNEL("avx512", ANM_ISA_AVX512),
    GEMV_AFFINE_KERNELS("avx512", ANM_ISA_AVX512),
    {0},
};

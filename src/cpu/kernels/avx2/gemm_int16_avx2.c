/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/gemm_int16_avx2.h"

static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t pair;
    __builtin_memcpy(&pair, w, 4);
    sum = _mm256_add_epi32(
        sum, _mm256_madd_epi16(_mm256_loadu_si256(tokens), _mm256_set1_epi32(pair)));
    __asm__("" : "+x"(sum)); /* else compilers copy sums from register to register */
    return sum;
}

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avx2[] = {
    {"gemm_int16_avx2", ANM_ISA_AVX2, accepts, PANEL, input_bytes, prepare, scratch_bytes, run},
    {0},
};

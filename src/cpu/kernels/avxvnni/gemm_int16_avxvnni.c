/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx2/gemm_int16_avx2.h"

/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t pair;
    __builtin_memcpy(&pair, w, 4);
    __asm__("%{vex%} vpdpwssd %2, %1, %0"
            : "+x"(sum)
            : "x"(_mm256_loadu_si256(tokens)), "x"(_mm256_set1_epi32(pair)));
    return sum;
}

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avxvnni[] = {
    {"gemm_int16_avxvnni", ANM_ISA_AVXVNNI, accepts, PANEL, input_bytes, prepare, scratch_bytes,
     run},
    {0},
};

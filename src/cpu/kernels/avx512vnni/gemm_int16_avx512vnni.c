/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512/gemm_int16_avx512.h"

#include "src/cpu/kernels/avx512vnni/table_avx512vnni.h"

/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t pair;
    __builtin_memcpy(&pair, w, 4);
    __asm__("vpdpwssd %2, %1, %0"
            : "+v"(sum)
            : "v"(_mm512_loadu_si512(tokens)), "v"(_mm512_set1_epi32(pair)));
    return sum;
}

static float convert_table(const uint16_t *halves, int bits, weight *table) {
    float factor = convert_table_words(halves, bits, table);
    if (bits == 8) split_table(table);
    return factor;
}

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avx512vnni[] = {
    {"gemm_int16_avx512vnni", ANM_ISA_AVX512VNNI, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

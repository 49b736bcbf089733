/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512/gemm_int16_avx512.h"

#include "src/cpu/kernels/avx512/table_avx512.h"

static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t pair;
    __builtin_memcpy(&pair, w, 4);
    return _mm512_add_epi32(
        sum, _mm512_madd_epi16(_mm512_loadu_si512(tokens), _mm512_set1_epi32(pair)));
}

static float convert_table(const uint16_t *halves, int bits, weight *table) {
    return convert_table_words(halves, bits, table);
}

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_avx512[] = {
    {"gemm_int16_avx512", ANM_ISA_AVX512, accepts, PANEL, input_bytes, prepare, scratch_bytes,
     run},
    {0},
};

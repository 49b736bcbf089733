/* SPDX-License-Identifier: MIT */
/* Packed integers as fp32, for gemv_affine.h. */
#ifndef ANM_CPU_INTEGERS_AVX2_H
#define ANM_CPU_INTEGERS_AVX2_H

#include <string.h>

#include "src/cpu/kernels/gemv_spans.h"
#include "src/cpu/kernels/avx2/vector_avx2.h"

GEMV_INLINE vf integers(int bits, bool is_signed, const uint8_t *w) {
    if (bits == 8) {
        __m128i raw = _mm_loadl_epi64((const __m128i *)w);
        return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(raw)
                                            : _mm256_cvtepu8_epi32(raw));
    }
    int32_t raw;
    memcpy(&raw, w, 4);
    /* Each nibble to the top of a lane, then down with or without its sign. */
    const __m256i up = _mm256_setr_epi32(28, 24, 20, 16, 12, 8, 4, 0);
    __m256i top = _mm256_sllv_epi32(_mm256_set1_epi32(raw), up);
    return _mm256_cvtepi32_ps(is_signed ? _mm256_srai_epi32(top, 28)
                                        : _mm256_srli_epi32(top, 28));
}

#endif

/* SPDX-License-Identifier: MIT */
/* Packed integers as fp32, for gemv_affine.h. */
#ifndef ANM_CPU_INTEGERS_AVX512_H
#define ANM_CPU_INTEGERS_AVX512_H

#include <string.h>

#include "src/cpu/kernels/gemv_spans.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"

GEMV_INLINE vf integers(int bits, bool is_signed, const uint8_t *w) {
    if (bits == 8) {
        __m128i raw = _mm_loadu_si128((const __m128i *)w);
        return _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(raw)
                                            : _mm512_cvtepu8_epi32(raw));
    }
    const __m512i half = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    /* Each nibble to the top of a lane, then down with or without its sign. */
    const __m512i up =
        _mm512_setr_epi32(28, 24, 20, 16, 12, 8, 4, 0, 28, 24, 20, 16, 12, 8, 4, 0);
    __m512i raw = _mm512_castsi128_si512(_mm_loadl_epi64((const __m128i *)w));
    __m512i top = _mm512_sllv_epi32(_mm512_permutexvar_epi32(half, raw), up);
    return _mm512_cvtepi32_ps(is_signed ? _mm512_srai_epi32(top, 28)
                                        : _mm512_srli_epi32(top, 28));
}

#endif

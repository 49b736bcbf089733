/* SPDX-License-Identifier: MIT */
/* Packed integers as fp32, for gemv_affine.h, and sums of 4-bit ones for gemv_int4.h. */
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

/* 128 columns: each nibble of a word is one vector's. */
GEMV_INLINE vf int4_step(bool is_signed, const uint8_t *w, const int16_t *x) {
    const __m512i nibble = _mm512_set1_epi16(15);
    __m512i raw = _mm512_loadu_si512(w), sum = _mm512_setzero_si512();
    if (is_signed) raw = _mm512_xor_si512(raw, _mm512_set1_epi8((char)0x88));
    for (int i = 0; i < 4; i++) {
        __m512i u = _mm512_srli_epi16(raw, (unsigned)(4 * i));
        if (i < 3) u = _mm512_and_si512(u, nibble);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(u, _mm512_loadu_si512(x + 32 * i)));
    }
    return _mm512_cvtepi32_ps(sum);
}

GEMV_INLINE vf int4_spread(vf scale, int step) {
    const __m512i lane = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_ps(_mm512_add_epi32(lane, _mm512_set1_epi32(4 * step)), scale);
}

GEMV_INLINE vf int4_halves(uint64_t low, uint64_t high) {
    return _mm512_zextps256_ps512(
        _mm256_cvtph_ps(_mm_set_epi64x((long long)high, (long long)low)));
}

#endif

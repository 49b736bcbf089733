/* SPDX-License-Identifier: MIT */
/*
 * Packed integers as fp32, for gemv_affine.h, and sums of 4-bit ones for gemv_int4.h. add_pairs()
 * is the level's (products_avx2.h).
 */
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

/* 64 columns: each nibble of a word is one vector's. */
GEMV_INLINE vf int4_step(bool is_signed, const uint8_t *w, const int16_t *x) {
    const __m256i nibble = _mm256_set1_epi16(15), *at = (const __m256i *)(const void *)x;
    __m256i raw = _mm256_loadu_si256((const __m256i *)w), sum = _mm256_setzero_si256();
    if (is_signed) raw = _mm256_xor_si256(raw, _mm256_set1_epi8((char)0x88));
    for (int i = 0; i < 4; i++) {
        __m256i u = _mm256_srli_epi16(raw, 4 * i);
        if (i < 3) u = _mm256_and_si256(u, nibble);
        sum = add_pairs(sum, u, _mm256_loadu_si256(at + i));
    }
    return _mm256_cvtepi32_ps(sum);
}

GEMV_INLINE vf int4_spread(vf scale, int step) {
    const __m256i lane = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return _mm256_permutevar8x32_ps(scale, _mm256_add_epi32(lane, _mm256_set1_epi32(2 * step)));
}

GEMV_INLINE vf int4_halves(uint64_t low, uint64_t high) {
    return _mm256_cvtph_ps(_mm_set_epi64x((long long)high, (long long)low));
}

#endif

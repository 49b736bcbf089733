/* SPDX-License-Identifier: MIT */
/* Vectors of 16-bit integers, and of the 32-bit sums of their products. */
#ifndef ANM_CPU_PAIRS_AVX2_H
#define ANM_CPU_PAIRS_AVX2_H

#include "src/cpu/kernels/avx2/vector_avx2.h"

typedef __m256i pairs;

static inline pairs pairs_zero(void) { return _mm256_setzero_si256(); }
static inline pairs pairs_load(const void *from) { return _mm256_loadu_si256(from); }
static inline void pairs_store(void *to, pairs x) { _mm256_storeu_si256(to, x); }
static inline pairs pairs_set(int32_t pair) { return _mm256_set1_epi32(pair); }
static inline vf pairs_float(pairs sum) { return _mm256_cvtepi32_ps(sum); }
static inline vf pairs_as_vector(pairs x) { return _mm256_castsi256_ps(x); }

/* 16 floats in their order. */
static inline pairs round_pair(vf low, vf high) {
    pairs packed = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    return _mm256_permute4x64_epi64(packed, 0xd8);
}

/* Lanes of a and b in turn. */
static inline pairs round_alternating(vf a, vf b) {
    pairs low = _mm256_and_si256(_mm256_cvtps_epi32(a), _mm256_set1_epi32(0xffff));
    return _mm256_or_si256(low, _mm256_slli_epi32(_mm256_cvtps_epi32(b), 16));
}

#endif

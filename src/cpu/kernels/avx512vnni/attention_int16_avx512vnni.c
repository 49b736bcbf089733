/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512/vector_avx512.h"

typedef __m512i pairs;

static inline pairs pairs_zero(void) { return _mm512_setzero_si512(); }
static inline pairs pairs_load(const void *from) { return _mm512_loadu_si512(from); }
static inline void pairs_store(void *to, pairs x) { _mm512_storeu_si512(to, x); }
static inline pairs pairs_set(int32_t pair) { return _mm512_set1_epi32(pair); }
static inline vf pairs_float(pairs sum) { return _mm512_cvtepi32_ps(sum); }
static inline vf pairs_as_vector(pairs x) { return _mm512_castsi512_ps(x); }
static inline pairs round_pair(vf low, vf high) {
    __m256i a = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(low));
    __m256i b = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(high));
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}
/* Lanes of a and b in turn. */
static inline pairs round_alternating(vf a, vf b) {
    pairs low = _mm512_and_si512(_mm512_cvtps_epi32(a), _mm512_set1_epi32(0xffff));
    return _mm512_or_si512(low, _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16));
}
/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline pairs add_pairs(pairs sum, pairs a, pairs b) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

enum { MAX_QUERY_VECTORS = 4, MOST_TOGETHER = 4 };

#include "src/cpu/kernels/attention_int16_template.h"

const anm_attention_kernel anm_attention_kernels_avx512vnni[] = {
    {"attention_int16_avx512vnni", ANM_ISA_AVX512VNNI, accepts, units, unit_queries, scratch_bytes,
     run},
    {0},
};

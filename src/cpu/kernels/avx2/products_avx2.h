/* SPDX-License-Identifier: MIT */
/* The product that headers of avx2/ leave to the level whose file includes them. */
#ifndef ANM_CPU_PRODUCTS_AVX2_H
#define ANM_CPU_PRODUCTS_AVX2_H

#include <immintrin.h>

/*
 * Adds products of 16-bit words to sums of 32 bits, two to each. Without the assembly compilers
 * copy sums from register to register.
 */
static inline __m256i add_pairs(__m256i sum, __m256i a, __m256i b) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    __asm__("" : "+x"(sum));
    return sum;
}

#endif

/* SPDX-License-Identifier: MIT */
/* The product of products_avx2.h in one instruction, for the headers of avx2/. */
#ifndef ANM_CPU_PRODUCTS_AVXVNNI_H
#define ANM_CPU_PRODUCTS_AVXVNNI_H

#include <immintrin.h>

/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline __m256i add_pairs(__m256i sum, __m256i a, __m256i b) {
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
    return sum;
}

#endif

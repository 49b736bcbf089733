/* SPDX-License-Identifier: MIT */
/* Ahead of a kernel's file: Bochs (August 2026) has VCVTNE2PS2BF16 convert one source twice. */
#include <immintrin.h>

static inline __m512bh convert_both(__m512 high, __m512 low) {
    __m512i both = _mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(low));
    return (__m512bh)_mm512_inserti64x4(both, (__m256i)_mm512_cvtneps_pbh(high), 1);
}
#define _mm512_cvtne2ps_pbh convert_both

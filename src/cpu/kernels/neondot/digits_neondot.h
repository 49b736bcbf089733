/* SPDX-License-Identifier: MIT */
/*
 * 16-bit integers as two signed digits for dot products of bytes: q = 256 * high + low, low in
 * -128 .. 127. Of a product the three parts with a high digit are computed; the low digits'
 * product, at most 128 * 128 of units whose largest product is DIGIT_UNITS squared and without a
 * sign of its own, is left out.
 */
#ifndef ANM_CPU_DIGITS_NEONDOT_H
#define ANM_CPU_DIGITS_NEONDOT_H

#include "src/cpu/kernels/neon/bytes_neon.h"

enum { DIGIT_UNITS = ANM_GEMV_Q }; /* 127 * 256: the high digit of what rounds up fits, too */

/* Of magnitudes; NaN if one is, as results must be then. */
GEMV_INLINE float largest_of(const float *x, int64_t n) {
    vf max = v_zero();
    int64_t i = 0;
    for (; i + VN <= n; i += VN) max = v_max(max, v_abs(v_load(x + i)));
    if (i < n) max = v_max(max, v_abs(v_load_part(x + i, n - i)));
    return v_largest(max);
}

typedef struct digit_units {
    float unit, per_one; /* NaN, and 0, where there is an infinity or NaN */
} digit_units;

GEMV_INLINE digit_units digit_units_for(float largest) {
    if (!(largest < __builtin_inff())) return (digit_units){__builtin_nanf(""), 0};
    if (largest < 1e-30f) return (digit_units){0, 0}; /* the quotient could be infinite */
    return (digit_units){largest / DIGIT_UNITS, DIGIT_UNITS / largest};
}

/* The digits of n values up to a multiple of 8, of zeros from there to `end`, another one. */
GEMV_INLINE void digits_of(const float *x, int64_t n, int64_t end, float per_one, uint8_t *high,
                           uint8_t *low) {
    vf units = v_set(per_one);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        store_digits(round_to_words(v_load(x + i), v_load(x + i + VN), units), true, high + i,
                     low + i);
    for (; i < end; i += 8) {
        float rest[8] = {0};
        if (i < n) memcpy(rest, x + i, (size_t)(n - i) * 4);
        store_digits(round_to_words(v_load(rest), v_load(rest + VN), units), true, high + i,
                     low + i);
    }
}

#endif

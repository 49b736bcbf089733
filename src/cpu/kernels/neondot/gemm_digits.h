/* SPDX-License-Identifier: MIT */
/* GEMM in 16-bit integers of two digits (digits_neondot.h): a token's block has one unit. */
#ifndef ANM_CPU_GEMM_DIGITS_H
#define ANM_CPU_GEMM_DIGITS_H

#include "src/cpu/kernels/neondot/digits_neondot.h"

typedef int16_t weight; /* room for two digits */

enum { DIGITS = 2, SHARE = ANM_GEMV_BLOCK, DIGIT = 256 };

static float table_bytes(const uint16_t *halves, int bits, uint8_t *digits) {
    return table_digits(bits, halves, DIGIT_UNITS, true, digits, digits + DIGIT);
}

static float row_bytes(const float *x, int64_t n, int64_t end, uint8_t *digits) {
    digit_units units = digit_units_for(largest_of(x, n));
    digits_of(x, n, end, units.per_one, digits, digits + DIGIT);
    return units.unit;
}

#endif

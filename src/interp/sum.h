/* SPDX-License-Identifier: MIT */
/*
 * Sums of floats in fp32. Specification, NumPy's: up to 128 elements, 8 partial sums (element i
 * goes to sum i mod 8 as long as 8 are left), added ((0+1)+(2+3))+((4+5)+(6+7)), the rest after
 * them in order; fewer than 8 elements in order; more than 128 as two halves, the first a multiple
 * of 8 long. The error grows with the logarithm of the length.
 */
#ifndef ANM_INTERP_SUM_H
#define ANM_INTERP_SUM_H

#include <stdint.h>

float anm_sum(const float *x, int64_t n, int64_t stride);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * GEMM in 16-bit integers: how many units weights and inputs may have, so that the 32-bit sum over
 * a block of columns cannot overflow whatever the data. A weight's magnitude is at most
 * WEIGHT_UNITS; an input's at most 32767, and their sum over a block at most INPUT_SUM less half a
 * unit each for rounding. So the input keeps 12 to 16 bits, as its block allows.
 */
#ifndef ANM_CPU_GEMM_INT16_H
#define ANM_CPU_GEMM_INT16_H

#include <math.h>

#include "src/cpu/kernels/gemm_whole.h"

enum { WEIGHT_UNITS = 4095, INPUT_SUM = 2147483647 / WEIGHT_UNITS - 256 };

typedef int16_t weight;
enum { PER = 2 };

/* Units per 1 of an input whose magnitudes over the block have this maximum and sum. */
static inline float input_factor(float largest, float sum) {
    if (!(sum < INFINITY)) return NAN; /* so that the result is one, too */
    if (largest == 0) return 0;
    float factor = 32766 / largest, by_sum = (INPUT_SUM - 1) / sum;
    if (by_sum < factor) factor = by_sum;
    return factor < 1e30f ? factor : 1e30f;
}

/* Units per 1 of weights with this maximum. */
static inline float weight_units(float largest) {
    if (!(largest < INFINITY)) return NAN;
    float units = WEIGHT_UNITS / largest;
    return largest == 0 ? 0 : units < 1e30f ? units : 1e30f;
}

static inline float inverse(float units) { return units == 0 ? 0 : 1 / units; }

#endif

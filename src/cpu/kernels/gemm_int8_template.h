/* SPDX-License-Identifier: MIT */
/*
 * How many units weights and inputs are rounded in by a GEMM in 8-bit integers; sums over a share
 * are exact. vector_LEVEL.h comes first.
 */
#ifndef ANM_CPU_GEMM_INT8_TEMPLATE_H
#define ANM_CPU_GEMM_INT8_TEMPLATE_H

#include <math.h>
#include <stdint.h>

#include "src/cpu/kernels/gemm_int8.h"

enum { PER = 4, SHARE = INT8_SHARE };

/* Units per 1 of values whose magnitudes have this maximum and sum. */
static inline float int8_units(float largest, float sum) {
    if (!(sum < INFINITY)) return NAN; /* so that the result is one, too */
    if (largest == 0) return 0;
    float units = UNITS / largest;
    return units < 1e30f ? units : 1e30f;
}

static inline float input_factor(float largest, float sum) { return int8_units(largest, sum); }

/* Of n weights, a multiple of VN. */
static inline float row_units(const float *row, int64_t n) {
    vf largest = v_zero(), sum = v_zero();
    for (int64_t i = 0; i < n; i += VN) {
        vf a = v_abs(v_load(row + i));
        largest = v_max(largest, a);
        sum = v_add(sum, a);
    }
    return int8_units(v_largest(largest), v_sum(sum));
}

static inline float inverse(float units) { return units == 0 ? 0 : 1 / units; }

/* The squared errors of n values rounded in each lane's units, relative to the lane's unit. */
static inline vf rounding_errors(const float *values, int n, vf units) {
    vf sum = v_zero();
    for (int i = 0; i < n; i++) {
        vf x = v_mul(v_set(values[i]), units), error = v_sub(x, v_round(x));
        sum = v_fma(error, error, sum);
    }
    return sum;
}

/* Of `count` numbers of units, a multiple of VN, the one that rounds the values best. */
static inline float best_units(const float *values, int n, float most, int count) {
    float best = INFINITY, found = most;
    float range = (float)(UNITS - UNITS_LEAST) / (float)(UNITS * count);
    for (int i = 0; i < count; i += VN) {
        float units[VN], errors[VN];
        for (int j = 0; j < VN; j++)
            units[j] = most - most * range * (float)(i + j);
        v_store(errors, rounding_errors(values, n, v_load(units)));
        for (int j = 0; j < VN; j++) {
            float error = errors[j] / (units[j] * units[j]);
            if (error >= best) continue;
            best = error;
            found = units[j];
        }
    }
    return found;
}

/*
 * Units per 1 of a table. The search pays for few entries: its gain falls and its time rises with
 * their number.
 */
static inline float table_units(const float *values, int n) {
    float largest = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        float magnitude = fabsf(values[i]);
        largest = magnitude > largest ? magnitude : largest;
        sum += magnitude;
    }
    float most = int8_units(largest, sum);
    if (!(most > 0 && most < 1e18f) || n > 64) return most;
    return best_units(values, n, most, n > 16 ? 16 : 64);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * ANM_PEAK_VECTOR names a vector type of floats, ANM_PEAK_FMA(a, b, c) its multiply-add. Ten
 * independent sums hide the latency.
 */
#include <string.h>

#include "src/cpu/kernels/peak.h"

enum { SUMS = 10 };

static float ANM_PEAK_NAME(int64_t steps) {
    ANM_PEAK_VECTOR sum[SUMS], a, b;
    float total = 0, lane[sizeof(ANM_PEAK_VECTOR) / sizeof(float)];
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < sizeof lane / sizeof *lane; i++) lane[i] = 1e-3f;
    memcpy(&a, lane, sizeof a);
    memcpy(&b, lane, sizeof b);
    __asm__ volatile("" : "+m"(a), "+m"(b));
    for (int64_t i = 0; i < steps; i++)
        for (int k = 0; k < SUMS; k++) sum[k] = ANM_PEAK_FMA(a, b, sum[k]);
    for (int k = 0; k < SUMS; k++) {
        memcpy(lane, &sum[k], sizeof lane);
        total += lane[0];
    }
    return total;
}

#define ANM_PEAK_FLOPS ((double)(2 * SUMS * sizeof(ANM_PEAK_VECTOR) / sizeof(float)))

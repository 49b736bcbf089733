/* SPDX-License-Identifier: MIT */
#include "src/interp/sum.h"

static float sum_block(const float *x, int64_t n, int64_t stride) {
    float part[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; n >= 8 && i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += x[(i + k) * stride];
    sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (; i < n; i++) sum += x[i * stride];
    return sum;
}

float anm_sum(const float *x, int64_t n, int64_t stride) {
    if (n <= 128) return sum_block(x, n, stride);
    int64_t half = n / 2 - n / 2 % 8;
    return anm_sum(x, half, stride) + anm_sum(x + half * stride, n - half, stride);
}

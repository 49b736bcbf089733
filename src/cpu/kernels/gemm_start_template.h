/* SPDX-License-Identifier: MIT */
/*
 * Where sums start if weights are multiplied without a sign, WEIGHT_ZERO standing for 0: less what
 * the share's inputs give with such weights. The file of a level defines dot() of
 * gemm_tile_template.h before.
 */
#ifndef ANM_CPU_GEMM_START_TEMPLATE_H
#define ANM_CPU_GEMM_START_TEMPLATE_H

#include <string.h>

enum { STARTS = 1, WEIGHT_ZERO = 128 };

static inline void prepare_start(const float *packed, int64_t elements, float *start) {
    weight zero[PER];
    va sum = {0};
    int32_t less[VN];
    memset(zero, WEIGHT_ZERO, sizeof zero);
    for (int64_t k = 0; k < elements; k++) sum = dot(sum, packed + k * VN, zero);
    memcpy(less, &sum, sizeof less);
    for (int i = 0; i < VN; i++) less[i] = -less[i];
    memcpy(start, less, sizeof less);
}

#endif

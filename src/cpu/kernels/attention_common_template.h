/* SPDX-License-Identifier: MIT */
/* What all forms of attention need, in the vector of the level's file (vector_LEVEL.h). */
#ifndef ANM_CPU_ATTENTION_COMMON_TEMPLATE_H
#define ANM_CPU_ATTENTION_COMMON_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "src/cpu/kernels/attention_levels.h"
#include "src/cpu/kernels/vector_exp.h"

enum { FEW = 8 }; /* queries on a key head up to which vectors lie along the dimension */

#define ALWAYS static inline __attribute__((always_inline))

static int64_t queries(const anm_attention *a) { return a->heads / a->kv_heads * a->rows; }
static bool is_few(const anm_attention *a) { return queries(a) <= FEW; }
static int64_t up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

/* Of the query, where they are wanted. */
static inline void give_statistics(const anm_attention *a, int64_t head, int64_t row, float largest,
                                   float sum) {
    float *to = a->statistics ? a->statistics + 2 * (head * a->rows + row) : NULL;
    if (!to) return;
    to[0] = largest;
    to[1] = sum;
}

/* Softcap of scores that are scaled already. */
static void cap_scores(float *s, int64_t n, float cap) {
    for (int64_t i = 0; i < n; i += VN)
        v_store(s + i, v_mul(v_set(cap), v_tanh(v_div(v_load(s + i), v_set(cap)))));
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Attention in blocks of columns with a running maximum and sum per query. A level's file defines
 * its vector first (vector_LEVEL.h).
 *
 * Two forms. With few queries on a key head (one token: a query per head of the group) vectors lie
 * along the head's dimension and each row of the cache is read once for up to four queries: the
 * speed is that of memory. With many (a prompt) vectors lie along the queries, rows and heads of
 * the group alike: scores and sums then need no reduction across lanes, and keys and values are
 * used as they lie, an element at a time against a vector of queries.
 */
#ifndef ANM_CPU_ATTENTION_TEMPLATE_H
#define ANM_CPU_ATTENTION_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "src/cpu/kernels/attention_levels.h"
#include "src/cpu/kernels/vector_exp.h"

enum {
    MAX_QUERY_VECTORS = VECTOR_REGISTERS == 32 ? 4 : 2,
    MAX_LANES = MAX_QUERY_VECTORS * VN,
    BLOCK = 64,   /* columns */
    FEW = 8,      /* queries on a key head up to which vectors lie along the dimension */
    TOGETHER = 4, /* of these, that share one reading of the cache */
    STRIP = VECTOR_REGISTERS == 32 ? 4 : 2 /* vectors of the output held in registers */
};

#define ALWAYS static inline __attribute__((always_inline))

static int64_t queries(const anm_attention *a) { return a->heads / a->kv_heads * a->rows; }
static bool is_few(const anm_attention *a) { return queries(a) <= FEW; }
static int64_t up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

static inline int64_t span_begin(const anm_attention *a, int64_t row) {
    return a->span ? a->span[2 * row] : 0;
}
static inline int64_t span_end(const anm_attention *a, int64_t row) {
    return a->span ? a->span[2 * row + 1] : a->columns;
}

/* Row i of the keys or values of a head, at `index`, widened: n floats, then zeros to `padded`. */
static void widen(const void *from, anm_dtype dtype, int64_t index, int64_t n, int64_t padded,
                  float *to) {
    const uint16_t *half = (const uint16_t *)from + (dtype == ANM_DTYPE_FP16 ? index : 0);
    const float *single = (const float *)from + (dtype == ANM_DTYPE_FP16 ? 0 : index);
    int64_t i = 0;
    if (dtype == ANM_DTYPE_FP16) {
        for (; i + VN <= n; i += VN) v_store(to + i, v_load_half(half + i));
        if (i < n) v_store_part(to + i, v_load_half_part(half + i, n - i), padded - i);
    } else {
        for (; i + VN <= n; i += VN) v_store(to + i, v_load(single + i));
        if (i < n) v_store_part(to + i, v_load_part(single + i, n - i), padded - i);
    }
}

/* Softcap of scores that are scaled already. */
static void cap_scores(float *s, int64_t n, float cap) {
    for (int64_t i = 0; i < n; i += VN)
        v_store(s + i, v_mul(v_set(cap), v_tanh(v_div(v_load(s + i), v_set(cap)))));
}

#include "src/cpu/kernels/attention_few_template.h"
#include "src/cpu/kernels/attention_many_template.h"

static bool accepts(const anm_attention *a) { return true; }

static int64_t units(const anm_attention *a) {
    return is_few(a) ? a->kv_heads : a->kv_heads * many_blocks(a);
}

static size_t scratch_bytes(const anm_attention *a) {
    return is_few(a) ? few_scratch(a) : many_scratch(a);
}

static void run(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch) {
    for (int64_t u = unit0; u < unit1; u++) {
        if (is_few(a)) few_unit(a, u, scratch);
        else many_unit(a, u, scratch);
    }
}

#endif

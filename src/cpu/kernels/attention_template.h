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

#include "src/cpu/kernels/attention_common_template.h"

enum {
    MAX_QUERY_VECTORS = VECTOR_REGISTERS == 32 ? 4 : 2,
    MAX_LANES = MAX_QUERY_VECTORS * VN,
    TILE = 6,     /* columns, or value dimensions, against all lanes at a time */
    STREAMS = 4,  /* ranges of the columns of one token that are read side by side */
    PIECE = 24,   /* columns of each at a time */
    BLOCK = STREAMS * PIECE,
    TOGETHER = 4, /* of these, that share one reading of the cache */
    STRIP = VECTOR_REGISTERS == 32 ? 4 : 2 /* vectors of four queries' outputs in registers */
};

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

#include "src/cpu/kernels/attention_few_template.h"
#include "src/cpu/kernels/attention_many_template.h"

static bool accepts(const anm_attention *a) { return true; }

static int64_t units(const anm_attention *a) {
    return is_few(a) ? a->kv_heads : a->kv_heads * many_blocks(a);
}

static void unit_queries(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count) {
    int64_t each = is_few(a) ? queries(a) : MAX_LANES, units = (queries(a) + each - 1) / each;
    *first = unit / units * queries(a) + many_queries_from(a, unit, each, count);
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

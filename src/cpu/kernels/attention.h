/* SPDX-License-Identifier: MIT */
/*
 * Scaled dot-product attention over a cache: softmax(q k^T * scale + mask) v, grouped heads sharing
 * keys and values where they lie. Columns outside a row's span cost nothing. A row that sees no
 * column, or only scores below -1e30, gives zeros.
 */
#ifndef ANM_CPU_ATTENTION_H
#define ANM_CPU_ATTENTION_H

#include "anemone/tensor.h"
#include "src/cpu/isa.h"

/* Strides are in elements; the last dimension is contiguous everywhere. */
typedef struct anm_attention {
    int64_t heads, kv_heads; /* query head h reads key head h / (heads / kv_heads) */
    int64_t rows, columns;   /* queries; positions of the cache */
    int64_t dim, value_dim;
    float scale;
    float softcap; /* 0: none; else scores become softcap * tanh(score / softcap) before the mask */
    const float *q;
    int64_t q_head, q_row;
    anm_dtype kv_dtype; /* FP16 or FP32, of keys and values */
    const void *k, *v;
    int64_t k_head, k_column, v_head, v_column;
    /* Added to the scores; NULL: none. Rows of a mask are shared by the heads. */
    const float *mask;
    int64_t mask_row;
    /*
     * Row r sees columns span[2 r] <= c < span[2 r + 1] and no other; NULL: all. The mask still
     * counts within, unless `mask_trivial`: it is 0 there for every row.
     */
    const int32_t *span;
    bool mask_trivial;
    /* Of all these only column_begin <= c < column_end; column_end 0: all. */
    int64_t column_begin, column_end;
    float *out;
    int64_t out_head, out_row;
    /*
     * Where wanted, the largest score of each query, head by head, and the sum of the weights
     * relative to it: by these, results of several ranges of columns become one
     * (attention_divide.h). NULL: not wanted.
     */
    float *statistics;
} anm_attention;

/* The columns that a row sees; the end may lie before the beginning. */
static inline int64_t anm_attention_begin(const anm_attention *a, int64_t row) {
    int64_t begin = a->span ? a->span[2 * row] : 0;
    return begin > a->column_begin ? begin : a->column_begin;
}
static inline int64_t anm_attention_end(const anm_attention *a, int64_t row) {
    int64_t end = a->span ? a->span[2 * row + 1] : a->columns;
    return a->column_end > 0 && a->column_end < end ? a->column_end : end;
}

typedef struct anm_attention_kernel {
    const char *name; /* "attention_fp16_avx512" */
    anm_isa isa;
    bool (*accepts)(const anm_attention *a);
    /* Independent pieces of work, the same number for each key head: one, for a single token. */
    int64_t (*units)(const anm_attention *a);
    /* A unit's queries: `count` from `first` on, numbered head by head. */
    void (*queries)(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count);
    size_t (*scratch_bytes)(const anm_attention *a); /* each thread its own, aligned to 64 */
    void (*run)(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch);
} anm_attention_kernel;

const anm_attention_kernel *anm_attention_find(const anm_attention *a, anm_isa isa);
const anm_attention_kernel *anm_attention_at(size_t index); /* NULL past the end */

/*
 * Span of each row of a mask: columns before the first and after the last value above `floor` are
 * outside. Returns whether the mask is 0 within all spans. floor: -1e4 and lower hide a column
 * fully, as exp() of such a score below any other is 0 in fp32.
 */
bool anm_attention_spans(const float *mask, int64_t rows, int64_t columns, int64_t stride,
                         float floor, int32_t *span);

#endif

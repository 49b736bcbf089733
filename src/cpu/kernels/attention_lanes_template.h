/* SPDX-License-Identifier: MIT */
/*
 * Many queries on a key head, in lanes: their spans and masks, the running maximum and sum, and
 * the way out. How scores and sums are multiplied is the including file's, as is MAX_LANES.
 */
#ifndef ANM_CPU_ATTENTION_LANES_TEMPLATE_H
#define ANM_CPU_ATTENTION_LANES_TEMPLATE_H

#include "src/cpu/kernels/attention_common_template.h"

/* A block of a key head's queries, in lanes; lanes past the last query see no column. */
typedef struct many_state {
    const anm_attention *a;
    int64_t kv_head, first, count;
    int64_t lanes;      /* a multiple of VN */
    int64_t begin, end; /* columns that some lane sees */
    int64_t inner_begin, inner_end; /* columns that all lanes see */
    int64_t value_dim;  /* rounded up as the level wants it */
    void *q, *k, *v;    /* in the form that the level multiplies */
    float *s;           /* [columns of a block][lanes]: scores, then weights */
    float *value;       /* [value_dim][lanes] */
    float *largest, *sum, *span_begin, *span_end; /* [lanes] */
} many_state;

static int64_t many_blocks(const anm_attention *a) {
    return (queries(a) + MAX_LANES - 1) / MAX_LANES;
}

/* Queries of unit `unit`, `each` at most, numbered from the key head's first. */
static int64_t many_queries_from(const anm_attention *a, int64_t unit, int64_t each,
                                 int64_t *count) {
    int64_t units = (queries(a) + each - 1) / each, first = unit % units * each;
    *count = queries(a) - first < each ? queries(a) - first : each;
    return first;
}

static many_state many_start(const anm_attention *a, int64_t unit) {
    many_state m = {.a = a, .kv_head = unit / many_blocks(a)};
    m.first = many_queries_from(a, unit, MAX_LANES, &m.count);
    return m;
}

/* Four arrays of lanes. */
static void many_statistics(many_state *m, float *scratch) {
    m->largest = scratch;
    m->sum = m->largest + m->lanes;
    m->span_begin = m->sum + m->lanes;
    m->span_end = m->span_begin + m->lanes;
}

static int64_t many_row(const many_state *m, int64_t lane) {
    return (m->first + lane) % m->a->rows;
}
static int64_t many_head(const many_state *m, int64_t lane) {
    return m->kv_head * (m->a->heads / m->a->kv_heads) + (m->first + lane) / m->a->rows;
}

static void many_spans(many_state *m) {
    m->begin = m->inner_end = m->a->columns;
    m->end = m->inner_begin = 0;
    for (int64_t lane = 0; lane < m->lanes; lane++) {
        bool used = lane < m->count;
        int64_t begin = used ? anm_attention_begin(m->a, many_row(m, lane)) : 0;
        int64_t end = used ? anm_attention_end(m->a, many_row(m, lane)) : 0;
        m->span_begin[lane] = (float)begin;
        m->span_end[lane] = (float)end;
        if (used && begin < m->begin) m->begin = begin;
        if (used && end > m->end) m->end = end;
        if (begin > m->inner_begin) m->inner_begin = begin;
        if (end < m->inner_end) m->inner_end = end;
        m->largest[lane] = ANM_ATTENTION_LEAST;
        m->sum[lane] = 0;
    }
}

/* Hides the columns of the block, which begins at c0, that a lane does not see. */
static void many_hide(many_state *m, int64_t c0, int64_t n) {
    for (int64_t c = 0; c < n; c++) {
        vf column = v_set((float)(c0 + c)), hidden = v_set(-INFINITY);
        for (int64_t j = 0; j < m->lanes; j += VN) {
            vf s = v_load(m->s + c * m->lanes + j);
            s = v_where_less(column, v_load(m->span_begin + j), hidden, s);
            s = v_where_less(column, v_load(m->span_end + j), s, hidden);
            v_store(m->s + c * m->lanes + j, s);
        }
    }
}

static void many_mask(many_state *m, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    if (a->softcap != 0) cap_scores(m->s, n * m->lanes, a->softcap);
    if (a->mask && !a->mask_trivial)
        for (int64_t lane = 0; lane < m->count; lane++) {
            const float *mask = a->mask + many_row(m, lane) * a->mask_row + c0;
            for (int64_t c = 0; c < n; c++) m->s[c * m->lanes + lane] += mask[c];
        }
    if (c0 < m->inner_begin || c0 + n > m->inner_end) many_hide(m, c0, n);
}

/* Lanes back into rows. */
static void many_finish(many_state *m) {
    const anm_attention *a = m->a;
    for (int64_t lane = 0; lane < m->count; lane++)
        give_statistics(a, many_head(m, lane), many_row(m, lane), m->largest[lane], m->sum[lane]);
    for (int64_t lane = 0; lane < m->count; lane += VN) {
        vf sum = v_load(m->sum + lane), one = v_set(1);
        vf factor = v_where_less(v_zero(), sum, v_div(one, v_max(sum, v_set(0x1p-100f))), v_zero());
        float *out[VN]; /* once a lane: finding it takes divisions */
        for (int64_t i = 0; i < VN; i++)
            out[i] = a->out + many_head(m, lane + i) * a->out_head +
                     many_row(m, lane + i) * a->out_row;
        for (int64_t d = 0; d < a->value_dim; d += VN) {
            vf x[VN];
            for (int i = 0; i < VN; i++)
                x[i] = d + i < a->value_dim
                           ? v_mul(v_load(m->value + (d + i) * m->lanes + lane), factor)
                           : v_zero();
            v_transpose(x);
            for (int64_t i = 0; i < VN && lane + i < m->count; i++)
                v_store_part(out[i] + d, x[i], a->value_dim - d);
        }
    }
}

#endif

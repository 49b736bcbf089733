/* SPDX-License-Identifier: MIT */
/* Part of attention_template.h: many queries on a key head, vectors along the queries. */
#ifndef ANM_CPU_ATTENTION_MANY_TEMPLATE_H
#define ANM_CPU_ATTENTION_MANY_TEMPLATE_H

#include "src/cpu/kernels/attention_weigh_template.h"

static size_t many_scratch(const anm_attention *a) {
    int64_t v = up(a->value_dim, TILE);
    return (size_t)(MAX_LANES * (up(a->dim, VN) + BLOCK + v + 4) +
                    BLOCK * (up(a->dim, VN) + up(v, VN))) * 4;
}

/* q: [dim][lanes]; k, v: [BLOCK][dim], [BLOCK][value_dim]; all floats. */
static void many_layout(many_state *m, float *scratch) {
    const anm_attention *a = m->a;
    float *k = scratch + up(a->dim, VN) * m->lanes;
    m->q = scratch;
    m->k = k;
    m->v = k + BLOCK * up(a->dim, VN);
    m->s = (float *)m->v + BLOCK * up(m->value_dim, VN);
    m->value = m->s + BLOCK * m->lanes;
    many_statistics(m, m->value + m->value_dim * m->lanes);
}

/* Queries into lanes, VN of them and VN of the dimension at a time. */
static void many_queries(many_state *m) {
    const anm_attention *a = m->a;
    float *to = m->q;
    for (int64_t lane = 0; lane < m->lanes; lane += VN) {
        for (int64_t d = 0; d < a->dim; d += VN) {
            vf x[VN];
            for (int i = 0; i < VN; i++) {
                const float *q = a->q + many_head(m, lane + i) * a->q_head +
                                 many_row(m, lane + i) * a->q_row;
                x[i] = lane + i < m->count ? v_load_part(q + d, a->dim - d) : v_zero();
                x[i] = v_mul(x[i], v_set(a->scale));
            }
            v_transpose(x);
            for (int i = 0; i < VN; i++) v_store(to + (d + i) * m->lanes + lane, x[i]);
        }
    }
}

/* c[i][lanes] += sum over k < depth of a[i * ai + k * ak] b[k][lanes], i < TILE. */
ALWAYS void many_tile(const float *a, int64_t ai, int64_t ak, const float *b, int64_t depth,
                      float *c, int vectors) {
    int64_t lanes = vectors * VN;
    vf sum[TILE][MAX_QUERY_VECTORS];
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = v_load(c + i * lanes + j * VN);
    for (int64_t k = 0; k < depth; k++) {
        vf x[MAX_QUERY_VECTORS];
        for (int j = 0; j < vectors; j++) x[j] = v_load(b + k * lanes + j * VN);
        for (int i = 0; i < TILE; i++) {
            vf y = v_set(a[i * ai + k * ak]);
            for (int j = 0; j < vectors; j++) sum[i][j] = v_fma(x[j], y, sum[i][j]);
        }
    }
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < vectors; j++) v_store(c + i * lanes + j * VN, sum[i][j]);
}

/* Widened keys and values of the block; columns up to a multiple of TILE are zeros. */
static void many_load(many_state *m, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    float *k = m->k, *v = m->v;
    for (int64_t c = 0; c < n; c++) {
        widen(a->k, a->kv_dtype, m->kv_head * a->k_head + (c0 + c) * a->k_column, a->dim, a->dim,
              k + c * a->dim);
        widen(a->v, a->kv_dtype, m->kv_head * a->v_head + (c0 + c) * a->v_column, a->value_dim,
              m->value_dim, v + c * m->value_dim);
    }
    memset(k + n * a->dim, 0, (size_t)((up(n, TILE) - n) * a->dim) * 4);
}

ALWAYS void many_block(many_state *m, int64_t c0, int64_t n, int vectors) {
    int64_t dim = m->a->dim;
    const float *k = m->k, *v = m->v;
    many_load(m, c0, n);
    memset(m->s, 0, (size_t)(up(n, TILE) * m->lanes) * 4);
    for (int64_t c = 0; c < n; c += TILE)
        many_tile(k + c * dim, dim, 1, m->q, dim, m->s + c * m->lanes, vectors);
    many_mask(m, c0, n);
    many_weigh(m, n);
    for (int64_t d = 0; d < m->value_dim; d += TILE)
        many_tile(v + d, 1, m->value_dim, m->s, n, m->value + d * m->lanes, vectors);
}

static void many_unit(const anm_attention *a, int64_t unit, void *scratch) {
    many_state m = many_start(a, unit);
    int64_t vectors = (m.count + VN - 1) / VN;
    if (vectors == 3) vectors = 4;
    m.lanes = vectors * VN;
    m.value_dim = up(a->value_dim, TILE);
    many_layout(&m, scratch);
    many_spans(&m);
    many_queries(&m);
    memset(m.value, 0, (size_t)(m.value_dim * m.lanes) * 4);
    for (int64_t c = m.begin; c < m.end; c += BLOCK) {
        int64_t n = m.end - c < BLOCK ? m.end - c : BLOCK;
        if (vectors == 1) many_block(&m, c, n, 1);
        else if (vectors == 2) many_block(&m, c, n, 2);
        else many_block(&m, c, n, MAX_QUERY_VECTORS);
    }
    many_finish(&m);
}

#endif

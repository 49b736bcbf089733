/* SPDX-License-Identifier: MIT */
/* Part of attention_template.h: many queries on a key head, vectors along the queries. */
#ifndef ANM_CPU_ATTENTION_MANY_TEMPLATE_H
#define ANM_CPU_ATTENTION_MANY_TEMPLATE_H

/* A block of a key head's queries, in lanes; lanes past the last query see no column. */
typedef struct many_state {
    const anm_attention *a;
    int64_t kv_head, first, count;
    int vectors;        /* of lanes */
    int64_t lanes;      /* vectors * VN */
    int64_t begin, end; /* columns that some lane sees */
    int64_t inner_begin, inner_end; /* columns that all lanes see */
    int64_t value_dim;  /* rounded up to 4 */
    float *q;           /* [dim][lanes], scaled */
    float *k, *v;       /* [BLOCK][dim], [BLOCK][value_dim] */
    float *s;           /* [BLOCK][lanes]: scores, then weights */
    float *value;       /* [value_dim][lanes] */
    float *largest, *sum, *span_begin, *span_end; /* [lanes] */
} many_state;

static int64_t many_blocks(const anm_attention *a) {
    return (queries(a) + MAX_LANES - 1) / MAX_LANES;
}

static size_t many_scratch(const anm_attention *a) {
    int64_t v = up(a->value_dim, 4);
    return (size_t)(MAX_LANES * (up(a->dim, VN) + BLOCK + v + 4) +
                    BLOCK * (up(a->dim, VN) + up(v, VN))) * 4;
}

static int64_t many_row(const many_state *m, int64_t lane) {
    return (m->first + lane) % m->a->rows;
}
static int64_t many_head(const many_state *m, int64_t lane) {
    return m->kv_head * (m->a->heads / m->a->kv_heads) + (m->first + lane) / m->a->rows;
}

static void many_layout(many_state *m, float *scratch) {
    const anm_attention *a = m->a;
    m->q = scratch;
    m->s = m->q + up(a->dim, VN) * m->lanes;
    m->value = m->s + BLOCK * m->lanes;
    m->largest = m->value + m->value_dim * m->lanes;
    m->sum = m->largest + m->lanes;
    m->span_begin = m->sum + m->lanes;
    m->span_end = m->span_begin + m->lanes;
    m->k = m->span_end + m->lanes;
    m->v = m->k + BLOCK * up(a->dim, VN);
}

static void many_spans(many_state *m) {
    m->begin = m->inner_end = m->a->columns;
    m->end = m->inner_begin = 0;
    for (int64_t lane = 0; lane < m->lanes; lane++) {
        bool used = lane < m->count;
        int64_t begin = used ? span_begin(m->a, many_row(m, lane)) : 0;
        int64_t end = used ? span_end(m->a, many_row(m, lane)) : 0;
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

/* Queries into lanes, VN of them and VN of the dimension at a time. */
static void many_queries(many_state *m) {
    const anm_attention *a = m->a;
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
            for (int i = 0; i < VN; i++) v_store(m->q + (d + i) * m->lanes + lane, x[i]);
        }
    }
}

/* c[i][lanes] += sum over k < depth of a[i * ai + k * ak] b[k][lanes], i < 4. */
ALWAYS void many_tile(const float *a, int64_t ai, int64_t ak, const float *b, int64_t depth,
                      float *c, int vectors) {
    int64_t lanes = vectors * VN;
    vf sum[4][MAX_QUERY_VECTORS];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = v_load(c + i * lanes + j * VN);
    for (int64_t k = 0; k < depth; k++) {
        vf x[MAX_QUERY_VECTORS];
        for (int j = 0; j < vectors; j++) x[j] = v_load(b + k * lanes + j * VN);
        for (int i = 0; i < 4; i++) {
            vf y = v_set(a[i * ai + k * ak]);
            for (int j = 0; j < vectors; j++) sum[i][j] = v_fma(x[j], y, sum[i][j]);
        }
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < vectors; j++) v_store(c + i * lanes + j * VN, sum[i][j]);
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

/* Scores of n columns become weights; what was summed before shrinks to the new maxima. */
static void many_weigh(many_state *m, int64_t n) {
    for (int64_t j = 0; j < m->lanes; j += VN) {
        vf before = v_load(m->largest + j), now = before, sum = v_zero();
        for (int64_t c = 0; c < n; c++) now = v_max(now, v_load(m->s + c * m->lanes + j));
        for (int64_t c = 0; c < n; c++) {
            vf p = v_exp(v_sub(v_load(m->s + c * m->lanes + j), now));
            v_store(m->s + c * m->lanes + j, p);
            sum = v_add(sum, p);
        }
        vf shrink = v_exp(v_sub(before, now));
        v_store(m->largest + j, now);
        v_store(m->sum + j, v_fma(v_load(m->sum + j), shrink, sum));
        if (v_least(shrink) == 1) continue;
        for (int64_t d = 0; d < m->value_dim; d++)
            v_store(m->value + d * m->lanes + j,
                    v_mul(v_load(m->value + d * m->lanes + j), shrink));
    }
}

/* Widened keys and values of the block; columns up to a multiple of 4 are zeros. */
static void many_load(many_state *m, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    for (int64_t c = 0; c < n; c++) {
        widen(a->k, a->kv_dtype, m->kv_head * a->k_head + (c0 + c) * a->k_column, a->dim, a->dim,
              m->k + c * a->dim);
        widen(a->v, a->kv_dtype, m->kv_head * a->v_head + (c0 + c) * a->v_column, a->value_dim,
              m->value_dim, m->v + c * m->value_dim);
    }
    memset(m->k + n * a->dim, 0, (size_t)((up(n, 4) - n) * a->dim) * 4);
}

ALWAYS void many_block(many_state *m, int64_t c0, int64_t n, int vectors) {
    int64_t dim = m->a->dim;
    many_load(m, c0, n);
    memset(m->s, 0, (size_t)(up(n, 4) * m->lanes) * 4);
    for (int64_t c = 0; c < n; c += 4)
        many_tile(m->k + c * dim, dim, 1, m->q, dim, m->s + c * m->lanes, vectors);
    many_mask(m, c0, n);
    many_weigh(m, n);
    for (int64_t d = 0; d < m->value_dim; d += 4)
        many_tile(m->v + d, 1, m->value_dim, m->s, n, m->value + d * m->lanes, vectors);
}

/* Lanes back into rows. */
static void many_finish(many_state *m) {
    const anm_attention *a = m->a;
    for (int64_t lane = 0; lane < m->count; lane += VN) {
        vf sum = v_load(m->sum + lane), one = v_set(1);
        vf factor = v_where_less(v_zero(), sum, v_div(one, v_max(sum, v_set(0x1p-100f))), v_zero());
        for (int64_t d = 0; d < a->value_dim; d += VN) {
            vf x[VN];
            for (int i = 0; i < VN; i++)
                x[i] = d + i < a->value_dim
                           ? v_mul(v_load(m->value + (d + i) * m->lanes + lane), factor)
                           : v_zero();
            v_transpose(x);
            for (int64_t i = 0; i < VN && lane + i < m->count; i++)
                v_store_part(a->out + many_head(m, lane + i) * a->out_head +
                                 many_row(m, lane + i) * a->out_row + d,
                             x[i], a->value_dim - d);
        }
    }
}

static void many_unit(const anm_attention *a, int64_t unit, void *scratch) {
    many_state m = {.a = a, .kv_head = unit / many_blocks(a), .value_dim = up(a->value_dim, 4)};
    m.first = unit % many_blocks(a) * MAX_LANES;
    m.count = queries(a) - m.first < MAX_LANES ? queries(a) - m.first : MAX_LANES;
    m.vectors = (int)((m.count + VN - 1) / VN);
    if (m.vectors == 3) m.vectors = 4;
    m.lanes = m.vectors * VN;
    many_layout(&m, scratch);
    many_spans(&m);
    many_queries(&m);
    memset(m.value, 0, (size_t)(m.value_dim * m.lanes) * 4);
    for (int64_t c = m.begin; c < m.end; c += BLOCK) {
        int64_t n = m.end - c < BLOCK ? m.end - c : BLOCK;
        if (m.vectors == 1) many_block(&m, c, n, 1);
        else if (m.vectors == 2) many_block(&m, c, n, 2);
        else many_block(&m, c, n, MAX_QUERY_VECTORS);
    }
    many_finish(&m);
}

#endif

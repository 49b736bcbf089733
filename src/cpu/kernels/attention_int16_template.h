/* SPDX-License-Identifier: MIT */
/*
 * Attention of many queries in 16-bit integers, which VNNI multiplies at twice the rate of floats.
 * Queries are lanes. Keys have so many units that both they and the queries can be exact to about
 * the same, the sum over the dimension staying within 32 bits whatever the data. Weights of a block
 * of columns are relative to the block's largest, not to the largest so far: so columns that weigh
 * little beside another block's still count; values are in units of each dimension's largest of
 * the block, as many as the number of columns allows.
 *
 * Several blocks of queries share the conversion of keys and values; each ends at its own last
 * column, so that what none of its rows sees is not computed.
 *
 * The file of a level defines before, beside vector_LEVEL.h: MAX_QUERY_VECTORS, which with TILE
 * leaves no sum out of registers; MOST_TOGETHER, a power of two of blocks that share conversions;
 * and `pairs`, a vector of 16-bit integers, with
 *   pairs round_pair(vf low, vf high)        2 VN floats in their order
 *   pairs round_alternating(vf a, vf b)      lanes of a and b in turn
 *   pairs add_pairs(pairs sum, pairs a, pairs b)  products, two to a sum of 32 bits
 *   pairs_zero(), pairs_load(), pairs_store(), pairs_set() of 32 bits for all lanes,
 *   pairs_float() of sums, pairs_as_vector() of the bits
 */
#ifndef ANM_CPU_ATTENTION_INT16_TEMPLATE_H
#define ANM_CPU_ATTENTION_INT16_TEMPLATE_H

enum {
    MAX_LANES = MAX_QUERY_VECTORS * VN,
    BLOCK = 96,    /* columns */
    TILE = 6,      /* columns, or value dimensions, against all lanes at a time */
    STEP = 2 * VN, /* what dimensions of keys are rounded up to */
    LARGEST = 32766
};

#include "src/cpu/kernels/attention_lanes_template.h"

/* A block of columns, as all lanes use it. */
typedef struct columns {
    int16_t *k;                /* [BLOCK][dim] */
    int32_t *v;                /* pairs of columns: [BLOCK / 2][value_dim] */
    int32_t *p;                /* weights, likewise: [BLOCK / 2][lanes] */
    float *k_factor, *v_factor, *p_factor; /* [BLOCK], [value_dim], [lanes] */
    float k_units, v_units;    /* of the largest */
    int64_t dim, value_dim;    /* as they are padded */
} columns;

/*
 * Units of the largest of a factor where n products are summed: of random numbers, it is then as
 * exact as the other factor, whose magnitudes may sum up to most_sum().
 */
static float units_of(int64_t n) {
    float units = 80000 / sqrtf((float)n);
    return units < LARGEST ? units : LARGEST;
}
/* What the other factor's n magnitudes may sum up to, half a unit each left for rounding. */
static float most_sum(float units, int64_t n) {
    return 2147483000.0f / (units + 1) - (float)n;
}

static bool accepts(const anm_attention *a) { return !is_few(a) && a->dim <= 1024; }

/* Blocks of queries that share a unit: no more than leave work for several threads. */
static int64_t together(const anm_attention *a) {
    int64_t blocks = many_blocks(a), most = MOST_TOGETHER;
    while (most > 2 && blocks < 2 * most) most /= 2;
    return blocks >= 2 ? most : 1;
}
static int64_t units_of_head(const anm_attention *a) {
    return (many_blocks(a) + together(a) - 1) / together(a);
}
static int64_t units(const anm_attention *a) { return a->kv_heads * units_of_head(a); }

static void unit_queries(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count) {
    int64_t each = together(a) * MAX_LANES;
    *first = unit / units_of_head(a) * queries(a) + many_queries_from(a, unit, each, count);
}

/* Value dimensions are read in tiles, and vectors, past their end. */
static int64_t value_pad(const anm_attention *a) { return up(a->value_dim, VN) + VN; }

static int64_t shared_floats(const anm_attention *a) {
    int64_t k = BLOCK * up(a->dim, STEP) / 2, v = BLOCK / 2 * value_pad(a) + VN;
    return k + v + BLOCK / 2 * MAX_LANES + BLOCK * MAX_LANES + BLOCK + value_pad(a) + MAX_LANES;
}
static int64_t query_floats(const anm_attention *a) {
    return MAX_LANES * (up(a->dim, STEP) / 2 + value_pad(a) + 1 + 4);
}
static size_t scratch_bytes(const anm_attention *a) {
    return (size_t)(shared_floats(a) + together(a) * query_floats(a)) * 4;
}

static float *layout_columns(const anm_attention *a, columns *c, float **s, float *scratch) {
    c->dim = up(a->dim, STEP);
    c->value_dim = value_pad(a);
    c->k_units = units_of(a->dim);
    c->k_factor = scratch;
    c->v_factor = c->k_factor + BLOCK;
    c->p_factor = c->v_factor + c->value_dim;
    *s = c->p_factor + MAX_LANES;
    c->k = (int16_t *)(*s + BLOCK * MAX_LANES);
    c->p = (int32_t *)(c->k + BLOCK * c->dim);
    c->v = c->p + BLOCK / 2 * MAX_LANES;
    return scratch + shared_floats(a);
}

/* q: [dim / 2][lanes] pairs, then a factor for each lane. */
static void layout_queries(many_state *m, const columns *c, float *s, float *scratch) {
    m->s = s;
    m->q = scratch;
    m->value = scratch + (c->dim / 2 + 1) * m->lanes;
    many_statistics(m, m->value + c->value_dim * m->lanes);
}
static float *query_factors(const many_state *m, const columns *c) {
    return (float *)m->q + c->dim / 2 * m->lanes;
}

static vf load_cache(const void *from, anm_dtype dtype, int64_t index, int64_t n) {
    if (n <= 0) return v_zero();
    if (n >= VN)
        return dtype == ANM_DTYPE_FP32 ? v_load((const float *)from + index)
                                       : v_load_half((const uint16_t *)from + index);
    if (dtype == ANM_DTYPE_FP32) return v_load_part((const float *)from + index, n);
    return v_load_half_part((const uint16_t *)from + index, n);
}

/* Units per 1; infinite and NaN magnitudes give NaN, so that results are NaN, too. */
static float units_for(float largest, float most) {
    float units = most / largest;
    if (!(largest < INFINITY)) return NAN;
    return largest == 0 ? 0 : units < 1e30f ? units : 1e30f;
}
static float inverse(float units) { return units == 0 ? 0 : 1 / units; }

static float query_units(const float *q, int64_t n, float scale, float most) {
    vf largest = v_zero(), sum = v_zero();
    for (int64_t d = 0; d < n; d += VN) {
        vf x = v_abs(v_mul(v_load_part(q + d, n - d), v_set(scale)));
        largest = v_max(largest, x);
        sum = v_add(sum, x);
    }
    float by_sum = units_for(v_sum(sum), most), by_largest = units_for(v_largest(largest), LARGEST);
    return by_sum < by_largest ? by_sum : by_largest;
}

static void load_queries(many_state *m, const columns *c) {
    const anm_attention *a = m->a;
    int32_t *to = m->q;
    float most = most_sum(c->k_units, a->dim);
    for (int64_t lane = 0; lane < m->lanes; lane += VN) {
        const float *q[VN];
        float factor[VN];
        for (int64_t i = 0; i < VN; i++) {
            bool there = lane + i < m->count;
            q[i] = there ? a->q + many_head(m, lane + i) * a->q_head +
                               many_row(m, lane + i) * a->q_row
                         : NULL;
            factor[i] = there ? query_units(q[i], a->dim, a->scale, most) : 0;
            query_factors(m, c)[lane + i] = inverse(factor[i]);
        }
        for (int64_t d = 0; d < c->dim; d += STEP) {
            vf x[VN];
            for (int i = 0; i < VN; i++) {
                int64_t n = q[i] ? a->dim - d : 0;
                vf units = v_set(factor[i]), scale = v_set(a->scale);
                vf low = v_mul(v_load_part(q[i] + d, n), scale);
                vf high = v_mul(v_load_part(q[i] + d + VN, n - VN), scale);
                x[i] = pairs_as_vector(round_pair(v_mul(low, units), v_mul(high, units)));
            }
            v_transpose(x);
            for (int i = 0; i < VN; i++)
                v_store((float *)to + (d / 2 + i) * m->lanes + lane, x[i]);
        }
    }
}

/* Rows past n, up to a whole tile, are zeros. */
static void load_keys(const many_state *m, columns *to, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    for (int64_t c = 0; c < n; c++) {
        int64_t row = m->kv_head * a->k_head + (c0 + c) * a->k_column;
        vf largest = v_zero();
        for (int64_t d = 0; d < a->dim; d += VN)
            largest = v_max(largest, v_abs(load_cache(a->k, a->kv_dtype, row + d, a->dim - d)));
        float units = units_for(v_largest(largest), to->k_units);
        to->k_factor[c] = inverse(units);
        for (int64_t d = 0; d < to->dim; d += STEP) {
            vf low = load_cache(a->k, a->kv_dtype, row + d, a->dim - d);
            vf high = load_cache(a->k, a->kv_dtype, row + d + VN, a->dim - d - VN);
            pairs_store(to->k + c * to->dim + d,
                        round_pair(v_mul(low, v_set(units)), v_mul(high, v_set(units))));
        }
    }
    memset(to->k + n * to->dim, 0, (size_t)((up(n, TILE) - n) * to->dim) * 2);
    for (int64_t c = n; c < up(n, TILE); c++) to->k_factor[c] = 0;
}

static vf largest_values(const anm_attention *a, int64_t at, int64_t n, int64_t there) {
    vf largest = v_zero();
    for (int64_t c = 0; c < n; c++, at += a->v_column)
        largest = v_max(largest, v_abs(load_cache(a->v, a->kv_dtype, at, there)));
    return largest;
}

/* A column past an odd n is zeros. */
static void load_values(const many_state *m, columns *to, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    to->v_units = units_of(n);
    for (int64_t d = 0; d < up(a->value_dim, VN); d += VN) {
        int64_t at = m->kv_head * a->v_head + c0 * a->v_column + d, there = a->value_dim - d;
        vf largest = largest_values(a, at, n, there), none = v_set(0x1p-120f);
        vf units = v_where_less(largest, none, v_zero(), v_div(v_set(to->v_units), largest));
        v_store(to->v_factor + d,
                v_where_less(largest, none, v_zero(), v_div(v_set(1), v_max(units, none))));
        for (int64_t c = 0; c < n; c += 2, at += 2 * a->v_column) {
            vf even = load_cache(a->v, a->kv_dtype, at, there);
            vf odd = load_cache(a->v, a->kv_dtype, c + 1 < n ? at + a->v_column : at,
                                c + 1 < n ? there : 0);
            pairs_store(to->v + c / 2 * to->value_dim + d,
                        round_alternating(v_mul(even, units), v_mul(odd, units)));
        }
    }
}

/* sum[i][lanes] of a[i * ai + k * ak] b[k][lanes] over k < depth. */
ALWAYS void tile(const int32_t *a, int64_t ai, int64_t ak, const int32_t *b, int64_t depth,
                 pairs sum[TILE][MAX_QUERY_VECTORS], int vectors) {
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = pairs_zero();
    for (int64_t k = 0; k < depth; k++) {
        pairs x[MAX_QUERY_VECTORS];
        for (int j = 0; j < vectors; j++) x[j] = pairs_load(b + (k * vectors + j) * VN);
        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < vectors; j++)
                sum[i][j] = add_pairs(sum[i][j], x[j], pairs_set(a[i * ai + k * ak]));
    }
}

ALWAYS void score(many_state *m, const columns *c, int64_t n, int vectors) {
    const float *factors = query_factors(m, c);
    for (int64_t k = 0; k < n; k += TILE) {
        pairs sum[TILE][MAX_QUERY_VECTORS];
        const int32_t *keys = (const int32_t *)c->k + k * c->dim / 2;
        tile(keys, c->dim / 2, 1, m->q, (m->a->dim + 1) / 2, sum, vectors);
        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < vectors; j++) {
                vf factor = v_mul(v_set(c->k_factor[k + i]), v_load(factors + j * VN));
                v_store(m->s + ((k + i) * vectors + j) * VN,
                        v_mul(pairs_float(sum[i][j]), factor));
            }
    }
}

/* Scores of a vector of lanes become weights relative to their own largest; gives their sum. */
static vf block_weights(float *s, int64_t n, int64_t lanes, vf *largest) {
    vf sum = v_zero(), most = v_set(ANM_ATTENTION_LEAST);
    for (int64_t c = 0; c < n; c++) most = v_max(most, v_load(s + c * lanes));
    for (int64_t c = 0; c < n; c++) {
        vf p = v_exp(v_sub(v_load(s + c * lanes), most));
        v_store(s + c * lanes, p);
        sum = v_add(sum, p);
    }
    *largest = most;
    return sum;
}

/*
 * Weights as pairs of integers, and what makes them floats relative to the largest score so far;
 * m->span_begin .. are left alone, `shrink` gets what earlier sums are multiplied by.
 */
static void weigh(many_state *m, const columns *to, int64_t n, vf *shrink) {
    int64_t lanes = m->lanes;
    vf most_units = v_set(most_sum(to->v_units, BLOCK));
    for (int64_t j = 0; j < lanes; j += VN) {
        vf most, before = v_load(m->largest + j), one = v_set(1);
        vf sum = block_weights(m->s + j, n, lanes, &most), now = v_max(before, most);
        vf factor = v_min(v_set(LARGEST), v_div(most_units, v_max(sum, one)));
        for (int64_t c = 0; c < n; c += 2) {
            vf even = v_mul(v_load(m->s + c * lanes + j), factor), odd = v_zero();
            if (c + 1 < n) odd = v_mul(v_load(m->s + (c + 1) * lanes + j), factor);
            pairs_store(to->p + c / 2 * lanes + j, round_alternating(even, odd));
        }
        vf grow = v_exp(v_sub(most, now));
        shrink[j / VN] = v_exp(v_sub(before, now));
        v_store(to->p_factor + j, v_div(grow, factor));
        v_store(m->largest + j, now);
        v_store(m->sum + j, v_fma(v_load(m->sum + j), shrink[j / VN], v_mul(sum, grow)));
    }
}

ALWAYS void mix(many_state *m, const columns *c, int64_t n, const vf *shrink, int vectors) {
    for (int64_t d = 0; d < m->a->value_dim; d += TILE) {
        pairs sum[TILE][MAX_QUERY_VECTORS];
        tile(c->v + d, 1, c->value_dim, c->p, (n + 1) / 2, sum, vectors);
        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < vectors; j++) {
                float *to = m->value + ((d + i) * vectors + j) * VN;
                vf factor = v_mul(v_set(c->v_factor[d + i]), v_load(c->p_factor + j * VN));
                vf old = v_mul(v_load(to), shrink[j]);
                v_store(to, v_fma(pairs_float(sum[i][j]), factor, old));
            }
    }
}

ALWAYS void block_of(many_state *m, const columns *c, int64_t c0, int64_t n, int vectors) {
    vf shrink[MAX_QUERY_VECTORS];
    score(m, c, n, vectors);
    many_mask(m, c0, n);
    weigh(m, c, n, shrink);
    mix(m, c, n, shrink, vectors);
}

static void start(many_state *m, const anm_attention *a, int64_t kv_head, int64_t block,
                  const columns *c, float *s, float *scratch) {
    *m = many_start(a, kv_head * many_blocks(a) + block);
    int64_t vectors = (m->count + VN - 1) / VN;
    m->lanes = (vectors == 3 ? 4 : vectors) * VN;
    layout_queries(m, c, s, scratch);
    many_spans(m);
    load_queries(m, c);
    memset(m->value, 0, (size_t)(c->value_dim * m->lanes) * 4);
}

/* A block of columns for those queries that see some of it. */
static void visit(many_state *m, const columns *c, int64_t c0, int64_t end) {
    int64_t last = m->end < end ? m->end : end;
    if (m->begin >= end || last <= c0) return;
    if (m->lanes == VN) block_of(m, c, c0, last - c0, 1);
    else if (m->lanes == 2 * VN) block_of(m, c, c0, last - c0, 2);
    else block_of(m, c, c0, last - c0, MAX_QUERY_VECTORS);
}

static void run_unit(const anm_attention *a, int64_t unit, float *scratch) {
    many_state m[MOST_TOGETHER];
    columns c = {0};
    float *s, *own = layout_columns(a, &c, &s, scratch);
    int64_t kv_head = unit / units_of_head(a), first = unit % units_of_head(a) * together(a);
    int64_t count = many_blocks(a) - first, begin = a->columns, end = 0;
    if (count > together(a)) count = together(a);
    memset(c.v, 0, (size_t)(BLOCK / 2 * c.value_dim + VN) * 4);
    memset(c.v_factor, 0, (size_t)c.value_dim * 4);
    for (int64_t i = 0; i < count; i++) {
        start(&m[i], a, kv_head, first + i, &c, s, own + i * query_floats(a));
        if (m[i].begin < begin) begin = m[i].begin;
        if (m[i].end > end) end = m[i].end;
    }
    for (int64_t c0 = begin; c0 < end; c0 += BLOCK) {
        int64_t next = end - c0 < BLOCK ? end : c0 + BLOCK;
        load_keys(&m[0], &c, c0, next - c0);
        load_values(&m[0], &c, c0, next - c0);
        for (int64_t i = 0; i < count; i++) visit(&m[i], &c, c0, next);
    }
    for (int64_t i = 0; i < count; i++) many_finish(&m[i]);
}

static void run(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch) {
    for (int64_t u = unit0; u < unit1; u++) run_unit(a, u, scratch);
}

#endif

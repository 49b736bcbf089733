/* SPDX-License-Identifier: MIT */
/*
 * Attention of many queries on AMX tiles: queries, keys, values and weights rounded to bf16, scores
 * and sums in fp32. Scores are computed as keys by queries and values as value dimensions by
 * queries, so that queries are lanes throughout: the softmax needs no reduction across lanes, and
 * only the values of a block must be transposed.
 */
#include "src/cpu/kernels/amx/tiles_amx.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"

enum {
    MAX_LANES = 128,
    BLOCK = 128, /* columns */
    STEP = 32    /* what a tile sums over; and what sides are rounded up to, two tiles at a time */
};

#include "src/cpu/kernels/attention_weigh_template.h"

static __m512i round_pair(vf low, vf high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

/* Lanes of a and b in turn. */
static __m512i round_alternating(vf a, vf b) {
    static const uint16_t turns[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(turns), round_pair(a, b));
}

static bool accepts(const anm_attention *a) { return !is_few(a); }

static int64_t units(const anm_attention *a) { return a->kv_heads * many_blocks(a); }

static void unit_queries(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count) {
    *first = unit / many_blocks(a) * queries(a) + many_queries_from(a, unit, MAX_LANES, count);
}

static int64_t most_lanes(const anm_attention *a) {
    return queries(a) < MAX_LANES ? up(queries(a), STEP) : MAX_LANES;
}

/* Bytes of q, k, v and weights in tiles; of scores, values and statistics. */
static size_t scratch_bytes(const anm_attention *a) {
    int64_t lanes = most_lanes(a), dim = up(a->dim, STEP), value_dim = up(a->value_dim, STEP);
    int64_t halves = lanes * dim + BLOCK * (dim + value_dim + lanes);
    return (size_t)(2 * halves + 4 * lanes * (BLOCK + value_dim + 4));
}

/* q: tiles [lanes / 16][dim / 32]; k: [columns / 16][dim / 32]; v: [value_dim / 16][BLOCK / 32];
 * after v the weights: [lanes / 16][BLOCK / 32]. */
static void layout(many_state *m, uint16_t *scratch) {
    int64_t dim = up(m->a->dim, STEP);
    uint16_t *k = scratch + m->lanes * dim, *v = k + BLOCK * dim;
    m->q = scratch;
    m->k = k;
    m->v = v;
    m->s = (float *)(v + BLOCK * (m->value_dim + m->lanes));
    m->value = m->s + BLOCK * m->lanes;
    many_statistics(m, m->value + m->value_dim * m->lanes);
}

static uint16_t *weights(const many_state *m) { return (uint16_t *)m->v + BLOCK * m->value_dim; }

/* Pairs of the dimension by lanes: 16 lanes' 32 dimensions, transposed by pairs. */
static void load_queries(many_state *m) {
    const anm_attention *a = m->a;
    uint16_t *to = m->q;
    for (int64_t lane = 0; lane < m->lanes; lane += SIDE) {
        const float *q[SIDE]; /* once a lane: finding it takes divisions */
        for (int64_t i = 0; i < SIDE; i++)
            q[i] = a->q + many_head(m, lane + i) * a->q_head + many_row(m, lane + i) * a->q_row;
        for (int64_t d = 0; d < up(a->dim, STEP); d += STEP, to += TILE_HALVES) {
            vf x[SIDE];
            for (int i = 0; i < SIDE; i++) {
                int64_t n = lane + i < m->count ? a->dim - d : 0;
                vf low = v_mul(v_load_part(q[i] + d, n), v_set(a->scale));
                vf high = v_mul(v_load_part(q[i] + d + VN, n - VN), v_set(a->scale));
                x[i] = _mm512_castsi512_ps(round_pair(low, high));
            }
            v_transpose(x);
            for (int i = 0; i < SIDE; i++) _mm512_storeu_ps(to + i * STEP, x[i]);
        }
    }
}

static vf load_cache(const void *from, anm_dtype dtype, int64_t index, int64_t n) {
    if (dtype == ANM_DTYPE_FP32) return v_load_part((const float *)from + index, n);
    return v_load_half_part((const uint16_t *)from + index, n);
}

/* Keys as they lie, 16 columns by 32 dimensions a tile. Columns past n are zeros. */
static void load_keys(many_state *m, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    int64_t steps = up(a->dim, STEP) / STEP;
    for (int64_t c = 0; c < up(n, STEP); c++) {
        int64_t row = m->kv_head * a->k_head + (c0 + c) * a->k_column;
        uint16_t *to = (uint16_t *)m->k + c / SIDE * steps * TILE_HALVES + c % SIDE * STEP;
        for (int64_t d = 0; d < a->dim; d += STEP, to += TILE_HALVES) {
            int64_t there = c < n ? a->dim - d : 0;
            vf low = load_cache(a->k, a->kv_dtype, row + d, there);
            vf high = load_cache(a->k, a->kv_dtype, row + d + VN, there - VN);
            _mm512_storeu_si512(to, round_pair(low, high));
        }
    }
}

/* Values transposed: 16 dimensions by 32 columns a tile, columns past n zeros. */
static void load_values(many_state *m, int64_t c0, int64_t n) {
    const anm_attention *a = m->a;
    for (int64_t d = 0; d < m->value_dim; d += SIDE)
        for (int64_t c = 0; c < up(n, STEP); c += STEP) {
            uint16_t *to = (uint16_t *)m->v + (d / SIDE * (BLOCK / STEP) + c / STEP) * TILE_HALVES;
            vf x[SIDE];
            for (int64_t i = 0; i < SIDE; i++) {
                int64_t column = c + 2 * i;
                int64_t at = m->kv_head * a->v_head + (c0 + column) * a->v_column + d;
                vf even = load_cache(a->v, a->kv_dtype, at, column < n ? a->value_dim - d : 0);
                vf odd = load_cache(a->v, a->kv_dtype, at + a->v_column,
                                    column + 1 < n ? a->value_dim - d : 0);
                x[i] = _mm512_castsi512_ps(round_alternating(even, odd));
            }
            v_transpose(x);
            for (int i = 0; i < SIDE; i++) _mm512_storeu_ps(to + i * STEP, x[i]);
        }
}

/* Weights in fp32, [n][lanes], to pairs of columns by lanes; columns past n weigh nothing. */
static void load_weights(many_state *m, int64_t n) {
    uint16_t *to = weights(m);
    for (int64_t lane = 0; lane < m->lanes; lane += SIDE)
        for (int64_t c = 0; c < BLOCK; c += 2, to += STEP) {
            if (c >= up(n, STEP)) continue;
            const float *s = m->s + c * m->lanes + lane;
            vf even = c < n ? v_load(s) : v_zero();
            vf odd = c + 1 < n ? v_load(s + m->lanes) : v_zero();
            _mm512_storeu_si512(to, round_alternating(even, odd));
        }
}

/*
 * Two by two tiles of sums at c, `ld` floats from row to row, over `steps` steps; a and b are the
 * first tiles of their sides, the second of which lie a_next and b_next tiles further.
 */
static void multiply(const uint16_t *a, int64_t a_next, const uint16_t *b, int64_t b_next,
                     int64_t steps, float *c, int64_t ld, bool add) {
    const uint16_t *a1 = a + a_next * TILE_HALVES, *b1 = b + b_next * TILE_HALVES;
    float *lower = c + SIDE * ld;
    if (add) {
        _tile_loadd(0, c, ld * 4);
        _tile_loadd(1, c + SIDE, ld * 4);
        _tile_loadd(2, lower, ld * 4);
        _tile_loadd(3, lower + SIDE, ld * 4);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t s = 0; s < steps; s++) {
        _tile_loadd(4, a + s * TILE_HALVES, 64);
        _tile_loadd(6, b + s * TILE_HALVES, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b1 + s * TILE_HALVES, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a1 + s * TILE_HALVES, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, ld * 4);
    _tile_stored(1, c + SIDE, ld * 4);
    _tile_stored(2, lower, ld * 4);
    _tile_stored(3, lower + SIDE, ld * 4);
}

static void multiply_scores(many_state *m, int64_t n) {
    int64_t steps = up(m->a->dim, STEP) / STEP;
    const uint16_t *q = m->q, *k = m->k;
    for (int64_t c = 0; c < n; c += STEP)
        for (int64_t lane = 0; lane < m->lanes; lane += STEP)
            multiply(k + c / SIDE * steps * TILE_HALVES, steps,
                     q + lane / SIDE * steps * TILE_HALVES, steps, steps,
                     m->s + c * m->lanes + lane, m->lanes, false);
}

static void multiply_values(many_state *m, int64_t n) {
    const uint16_t *v = m->v, *p = weights(m);
    for (int64_t d = 0; d < m->value_dim; d += STEP)
        for (int64_t lane = 0; lane < m->lanes; lane += STEP)
            multiply(v + d / SIDE * (BLOCK / STEP) * TILE_HALVES, BLOCK / STEP,
                     p + lane / SIDE * (BLOCK / STEP) * TILE_HALVES, BLOCK / STEP,
                     up(n, STEP) / STEP, m->value + d * m->lanes + lane, m->lanes, true);
}

static void run_unit(const anm_attention *a, int64_t unit, void *scratch) {
    many_state m = many_start(a, unit);
    m.lanes = up(m.count, STEP);
    m.value_dim = up(a->value_dim, STEP);
    layout(&m, scratch);
    many_spans(&m);
    load_queries(&m);
    memset(m.value, 0, (size_t)(m.value_dim * m.lanes) * 4);
    for (int64_t c = m.begin; c < m.end; c += BLOCK) {
        int64_t n = m.end - c < BLOCK ? m.end - c : BLOCK;
        load_keys(&m, c, n);
        multiply_scores(&m, n);
        many_mask(&m, c, n);
        many_weigh(&m, n);
        load_weights(&m, n);
        load_values(&m, c, n);
        multiply_values(&m, n);
    }
    many_finish(&m);
}

static void run(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch) {
    configure_tiles();
    for (int64_t u = unit0; u < unit1; u++) run_unit(a, u, scratch);
    _tile_release();
}

const anm_attention_kernel anm_attention_kernels_amx[] = {
    {"attention_bf16_amx", ANM_ISA_AMX, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};

/* SPDX-License-Identifier: MIT */
/* Part of attention_template.h: few queries on a key head, vectors along the dimension. */
#ifndef ANM_CPU_ATTENTION_FEW_TEMPLATE_H
#define ANM_CPU_ATTENTION_FEW_TEMPLATE_H

/* Up to TOGETHER queries of one key head on their way through the columns. */
typedef struct few_state {
    const anm_attention *a;
    int64_t kv_head, first; /* of the head's queries */
    int count;
    int64_t value_dim; /* rounded up to whole strips */
    float largest[TOGETHER], sum[TOGETHER];
    float *q;      /* [TOGETHER][dim, rounded up to vectors], scaled, padded with zeros */
    float *scores; /* [TOGETHER][BLOCK] */
    float *value;  /* [TOGETHER][value_dim] */
} few_state;

static int64_t few_value_dim(const anm_attention *a) { return up(a->value_dim, STRIP * VN); }

static size_t few_scratch(const anm_attention *a) {
    return (size_t)(TOGETHER * (up(a->dim, VN) + BLOCK + few_value_dim(a))) * 4;
}

static int64_t few_row(const few_state *f, int i) { return (f->first + i) % f->a->rows; }
static int64_t few_head(const few_state *f, int i) {
    return f->kv_head * (f->a->heads / f->a->kv_heads) + (f->first + i) / f->a->rows;
}

static void few_start(few_state *f) {
    const anm_attention *a = f->a;
    int64_t dim = up(a->dim, VN);
    memset(f->value, 0, (size_t)(TOGETHER * f->value_dim) * 4);
    for (int i = 0; i < TOGETHER; i++) {
        /* Places without a query repeat the last one. */
        int query = i < f->count ? i : f->count - 1;
        const float *q = a->q + few_head(f, query) * a->q_head + few_row(f, query) * a->q_row;
        for (int64_t d = 0; d < dim; d += VN)
            v_store(f->q + i * dim + d, v_mul(v_load_part(q + d, a->dim - d), v_set(a->scale)));
        f->largest[i] = ANM_ATTENTION_LEAST;
        f->sum[i] = 0;
    }
}

ALWAYS vf few_load(const void *row, bool half, int64_t i, int64_t n) {
    if (half) {
        const uint16_t *p = (const uint16_t *)row + i;
        return n - i >= VN ? v_load_half(p) : v_load_half_part(p, n - i);
    }
    const float *p = (const float *)row + i;
    return n - i >= VN ? v_load(p) : v_load_part(p, n - i);
}

/* Scores of four columns, `step` bytes apart, against `count` queries. */
ALWAYS void few_four_scores(const few_state *f, const char *k, int64_t step, bool half, int count,
                            float *scores) {
    int64_t dim = up(f->a->dim, VN);
    vf sum[TOGETHER][4];
    for (int i = 0; i < count; i++)
        for (int c = 0; c < 4; c++) sum[i][c] = v_zero();
    for (int64_t d = 0; d < dim; d += VN) {
        vf x[4];
        for (int c = 0; c < 4; c++) x[c] = few_load(k + c * step, half, d, f->a->dim);
        for (int i = 0; i < count; i++) {
            vf q = v_load(f->q + i * dim + d);
            for (int c = 0; c < 4; c++) sum[i][c] = v_fma(x[c], q, sum[i][c]);
        }
    }
    for (int i = 0; i < count; i++) v_sum4(sum[i], scores + i * BLOCK);
}

ALWAYS void few_one_score(const few_state *f, const char *k, bool half, int count, float *scores) {
    int64_t dim = up(f->a->dim, VN);
    for (int i = 0; i < count; i++) {
        vf sum = v_zero();
        for (int64_t d = 0; d < dim; d += VN)
            sum = v_fma(few_load(k, half, d, f->a->dim), v_load(f->q + i * dim + d), sum);
        scores[i * BLOCK] = v_sum(sum);
    }
}

/* The memory is asked for a row of the block that comes next: values after keys, keys after. */
ALWAYS void few_prefetch(const char *row, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(row + i, 0, 2);
}

/* Scores of columns [c0, c0 + n) against `count` queries. */
ALWAYS void few_scores(few_state *f, int64_t c0, int64_t n, bool half, int count) {
    const anm_attention *a = f->a;
    int64_t c = 0, size = half ? 2 : 4, step = a->k_column * size;
    const char *k = (const char *)a->k + (f->kv_head * a->k_head + c0 * a->k_column) * size;
    const char *v = (const char *)a->v + (f->kv_head * a->v_head + c0 * a->v_column) * size;
    for (; c + 4 <= n; c += 4, k += 4 * step) {
        for (int64_t i = 0; i < 4; i++, v += a->v_column * size)
            few_prefetch(v, a->value_dim * size);
        few_four_scores(f, k, step, half, count, f->scores + c);
    }
    for (; c < n; c++, k += step) few_one_score(f, k, half, count, f->scores + c);
}

/* Hides what query i does not see, adds its mask. */
static void few_mask(few_state *f, int i, int64_t c0, int64_t n) {
    const anm_attention *a = f->a;
    float *s = f->scores + i * BLOCK;
    int64_t row = few_row(f, i), begin = span_begin(a, row) - c0, end = span_end(a, row) - c0;
    for (int64_t c = n; c < up(n, VN); c++) s[c] = -INFINITY;
    if (a->softcap != 0) cap_scores(s, up(n, VN), a->softcap);
    if (a->mask && !a->mask_trivial)
        for (int64_t c = 0; c < n; c++) s[c] += a->mask[row * a->mask_row + c0 + c];
    for (int64_t c = 0; c < n && c < begin; c++) s[c] = -INFINITY;
    for (int64_t c = end > 0 ? end : 0; c < up(n, VN); c++) s[c] = -INFINITY;
}

/* Scores become weights; what was summed before shrinks to the new maximum. */
static void few_weigh(few_state *f, int i, int64_t n) {
    float *s = f->scores + i * BLOCK;
    vf largest = v_set(f->largest[i]), sum = v_zero();
    for (int64_t c = 0; c < n; c += VN) largest = v_max(largest, v_load(s + c));
    float before = f->largest[i], now = f->largest[i] = v_largest(largest);
    for (int64_t c = 0; c < n; c += VN) {
        vf p = v_exp(v_sub(v_load(s + c), v_set(now)));
        v_store(s + c, p);
        sum = v_add(sum, p);
    }
    float shrink[VN];
    v_store(shrink, v_exp(v_set(before - now)));
    f->sum[i] = f->sum[i] * shrink[0] + v_sum(sum);
    if (shrink[0] == 1) return;
    for (int64_t d = 0; d < f->value_dim; d += VN)
        v_store(f->value + i * f->value_dim + d,
                v_mul(v_load(f->value + i * f->value_dim + d), v_set(shrink[0])));
}

/* Adds the weighted values of columns [c0, c0 + n), a strip of the dimension at a time. */
ALWAYS void few_values(few_state *f, int64_t c0, int64_t n, bool half, int count) {
    const anm_attention *a = f->a;
    int64_t size = half ? 2 : 4;
    for (int64_t d = 0; d < a->value_dim; d += STRIP * VN) {
        const char *v = (const char *)a->v + (f->kv_head * a->v_head + c0 * a->v_column) * size;
        const char *next = (const char *)a->k +
                           (f->kv_head * a->k_head + (c0 + n) * a->k_column) * size;
        vf sum[TOGETHER][STRIP];
        for (int i = 0; i < count; i++)
            for (int j = 0; j < STRIP; j++)
                sum[i][j] = v_load(f->value + i * f->value_dim + d + j * VN);
        for (int64_t c = 0; c < n; c++, v += a->v_column * size, next += a->k_column * size) {
            vf x[STRIP];
            if (d == 0) few_prefetch(next, a->dim * size);
            for (int j = 0; j < STRIP; j++)
                x[j] = d + j * VN < a->value_dim ? few_load(v, half, d + j * VN, a->value_dim)
                                                 : v_zero();
            for (int i = 0; i < count; i++) {
                vf p = v_set(f->scores[i * BLOCK + c]);
                for (int j = 0; j < STRIP; j++) sum[i][j] = v_fma(x[j], p, sum[i][j]);
            }
        }
        for (int i = 0; i < count; i++)
            for (int j = 0; j < STRIP; j++)
                v_store(f->value + i * f->value_dim + d + j * VN, sum[i][j]);
    }
}

ALWAYS void few_columns(few_state *f, bool half, int count) {
    int64_t begin = f->a->columns, end = 0;
    for (int i = 0; i < f->count; i++) {
        int64_t row = few_row(f, i);
        begin = span_begin(f->a, row) < begin ? span_begin(f->a, row) : begin;
        end = span_end(f->a, row) > end ? span_end(f->a, row) : end;
    }
    for (int64_t c = begin; c < end; c += BLOCK) {
        int64_t n = end - c < BLOCK ? end - c : BLOCK;
        few_scores(f, c, n, half, count);
        for (int i = 0; i < f->count; i++) few_mask(f, i, c, n);
        for (int i = 0; i < f->count; i++) few_weigh(f, i, n);
        few_values(f, c, n, half, count);
    }
}

static void few_finish(few_state *f) {
    const anm_attention *a = f->a;
    for (int i = 0; i < f->count; i++) {
        float *out = a->out + few_head(f, i) * a->out_head + few_row(f, i) * a->out_row;
        float factor = f->sum[i] > 0 ? 1 / f->sum[i] : 0;
        for (int64_t d = 0; d < a->value_dim; d += VN)
            v_store_part(out + d, v_mul(v_load(f->value + i * f->value_dim + d), v_set(factor)),
                         a->value_dim - d);
    }
}

/* All queries of one key head. */
static void few_unit(const anm_attention *a, int64_t kv_head, void *scratch) {
    few_state f = {.a = a, .kv_head = kv_head, .value_dim = few_value_dim(a), .q = scratch};
    f.scores = f.q + TOGETHER * up(a->dim, VN);
    f.value = f.scores + TOGETHER * BLOCK;
    bool half = a->kv_dtype == ANM_DTYPE_FP16;
    for (f.first = 0; f.first < queries(a); f.first += TOGETHER) {
        int64_t left = queries(a) - f.first;
        f.count = left < TOGETHER ? (int)left : TOGETHER;
        few_start(&f);
        if (half && f.count == 1) few_columns(&f, true, 1);
        else if (half && f.count == 2) few_columns(&f, true, 2);
        else if (half) few_columns(&f, true, TOGETHER);
        else if (f.count == 1) few_columns(&f, false, 1);
        else few_columns(&f, false, TOGETHER);
        few_finish(&f);
    }
}

#endif

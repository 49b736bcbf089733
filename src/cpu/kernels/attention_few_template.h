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

/* Dimensions [d, d + VN) of which those below `end` are there. */
ALWAYS void few_add_four(const few_state *f, const char *k, int64_t step, bool half, int count,
                         int64_t d, int64_t end, vf sum[TOGETHER][4]) {
    int64_t dim = up(f->a->dim, VN);
    vf x[4];
    for (int c = 0; c < 4; c++) x[c] = few_load(k + c * step, half, d, end);
    for (int i = 0; i < count; i++) {
        vf q = v_load(f->q + i * dim + d);
        for (int c = 0; c < 4; c++) sum[i][c] = v_fma(x[c], q, sum[i][c]);
    }
}

/*
 * Scores of four columns, `step` bytes apart, against `count` queries. Whole vectors have a loop of
 * their own: where a part is loaded by way of memory, sums would be kept there, too.
 */
ALWAYS void few_four_scores(const few_state *f, const char *k, int64_t step, bool half, int count,
                            float *scores) {
    int64_t d = 0;
    vf sum[TOGETHER][4];
    for (int i = 0; i < count; i++)
        for (int c = 0; c < 4; c++) sum[i][c] = v_zero();
    for (; d + VN <= f->a->dim; d += VN) few_add_four(f, k, step, half, count, d, d + VN, sum);
    if (d < f->a->dim) few_add_four(f, k, step, half, count, d, f->a->dim, sum);
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

/*
 * The next columns of a head: up to PIECE in each of STREAMS equal ranges, which are read side by
 * side because one stream of reads does not keep the memory busy.
 */
typedef struct few_block {
    int64_t column[STREAMS];
    int count[STREAMS]; /* 0 towards the end, where ranges differ by less than STREAMS */
} few_block;

/* What is asked of the memory while a block is worked on: row i of each stream. */
typedef struct few_ahead {
    const char *row[STREAMS];
    int64_t step, bytes;
} few_ahead;

static few_block few_block_at(int64_t begin, int64_t end, int64_t done) {
    few_block b;
    int64_t range = (end - begin + STREAMS - 1) / STREAMS;
    for (int s = 0; s < STREAMS; s++) {
        int64_t first = begin + s * range + done, last = begin + (s + 1) * range;
        int64_t left = (last < end ? last : end) - first;
        b.column[s] = first;
        b.count[s] = left < 0 ? 0 : left < PIECE ? (int)left : PIECE;
    }
    return b;
}

static int few_columns_of(const few_block *b) {
    int n = 0;
    for (int s = 0; s < STREAMS; s++) n += b->count[s];
    return n;
}

static few_ahead few_keys_ahead(const anm_attention *a, int64_t kv_head, const few_block *b,
                                int64_t size) {
    few_ahead ahead = {.step = a->k_column * size, .bytes = a->dim * size};
    for (int s = 0; s < STREAMS; s++)
        ahead.row[s] =
            (const char *)a->k + (kv_head * a->k_head + b->column[s] * a->k_column) * size;
    return ahead;
}

static few_ahead few_values_ahead(const anm_attention *a, int64_t kv_head, const few_block *b,
                                  int64_t size) {
    few_ahead ahead = {.step = a->v_column * size, .bytes = a->value_dim * size};
    for (int s = 0; s < STREAMS; s++)
        ahead.row[s] =
            (const char *)a->v + (kv_head * a->v_head + b->column[s] * a->v_column) * size;
    return ahead;
}

/* The index-th row, streams taking turns. */
ALWAYS void few_prefetch(const few_ahead *ahead, int64_t index) {
    const char *row = ahead->row[index % STREAMS] + index / STREAMS * ahead->step;
    for (int64_t i = 0; i < ahead->bytes; i += 64) __builtin_prefetch(row + i, 0, 2);
}

/* Scores of a block against `count` queries. */
ALWAYS void few_scores(few_state *f, const few_block *b, bool half, int count) {
    const anm_attention *a = f->a;
    int64_t size = half ? 2 : 4, at = 0;
    few_ahead keys = few_keys_ahead(a, f->kv_head, b, size);
    few_ahead values = few_values_ahead(a, f->kv_head, b, size);
    for (int s = 0; s < STREAMS; s++) {
        const char *k = keys.row[s];
        int64_t c = 0, n = b->count[s];
        for (; c + 4 <= n; c += 4, k += 4 * keys.step) {
            for (int64_t i = 0; i < 4; i++) few_prefetch(&values, at + c + i);
            few_four_scores(f, k, keys.step, half, count, f->scores + at + c);
        }
        for (; c < n; c++, k += keys.step) {
            few_prefetch(&values, at + c);
            few_one_score(f, k, half, count, f->scores + at + c);
        }
        at += n;
    }
}

/* Hides what query i does not see of columns [c0, c0 + n), adds its mask. */
static void few_mask_piece(const few_state *f, int64_t row, int64_t c0, int64_t n, float *s) {
    const anm_attention *a = f->a;
    int64_t begin = anm_attention_begin(a, row) - c0, end = anm_attention_end(a, row) - c0;
    if (a->mask && !a->mask_trivial)
        for (int64_t c = 0; c < n; c++) s[c] += a->mask[row * a->mask_row + c0 + c];
    for (int64_t c = 0; c < n && c < begin; c++) s[c] = -INFINITY;
    for (int64_t c = end > 0 ? end : 0; c < n; c++) s[c] = -INFINITY;
}

static void few_mask(few_state *f, int i, const few_block *b) {
    float *s = f->scores + i * BLOCK;
    int64_t row = few_row(f, i), n = few_columns_of(b), at = 0;
    for (int64_t c = n; c < up(n, VN); c++) s[c] = -INFINITY;
    if (f->a->softcap != 0) cap_scores(s, up(n, VN), f->a->softcap);
    for (int64_t c = n; c < up(n, VN); c++) s[c] = -INFINITY;
    for (int p = 0; p < STREAMS; at += b->count[p++])
        few_mask_piece(f, row, b->column[p], b->count[p], s + at);
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

/*
 * Adds the weighted values of a block in `strip` vectors of the dimension, of which those below
 * `end` are there.
 */
ALWAYS void few_add_strip(few_state *f, const few_block *b, int64_t d, int64_t end,
                          const few_ahead *next, bool half, int count, int strip) {
    const anm_attention *a = f->a;
    int64_t size = half ? 2 : 4, at = 0;
    few_ahead values = few_values_ahead(a, f->kv_head, b, size);
    vf sum[TOGETHER][2 * STRIP];
    for (int i = 0; i < count; i++)
        for (int j = 0; j < strip; j++)
            sum[i][j] = v_load(f->value + i * f->value_dim + d + j * VN);
    for (int s = 0; s < STREAMS; s++) {
        const char *v = values.row[s];
        for (int64_t c = 0; c < b->count[s]; c++, at++, v += values.step) {
            vf x[2 * STRIP];
            if (d == 0) few_prefetch(next, at);
            for (int j = 0; j < strip; j++)
                x[j] = d + j * VN < end ? few_load(v, half, d + j * VN, end) : v_zero();
            for (int i = 0; i < count; i++) {
                vf p = v_set(f->scores[i * BLOCK + at]);
                for (int j = 0; j < strip; j++) sum[i][j] = v_fma(x[j], p, sum[i][j]);
            }
        }
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < strip; j++)
            v_store(f->value + i * f->value_dim + d + j * VN, sum[i][j]);
}

ALWAYS void few_strip(few_state *f, const few_block *b, int64_t d, const few_ahead *next,
                      bool half, int count, int strip) {
    int64_t end = f->a->value_dim;
    if (d + strip * VN <= end) few_add_strip(f, b, d, d + strip * VN, next, half, count, strip);
    else few_add_strip(f, b, d, end, next, half, count, strip);
}

/* One or two queries leave registers for strips twice as wide. */
ALWAYS void few_values(few_state *f, const few_block *b, const few_ahead *next, bool half,
                       int count) {
    int64_t d = 0;
    for (; count <= 2 && d + 2 * STRIP * VN <= f->value_dim; d += 2 * STRIP * VN)
        few_strip(f, b, d, next, half, count, 2 * STRIP);
    for (; d < f->value_dim; d += STRIP * VN) few_strip(f, b, d, next, half, count, STRIP);
}

/* The keys after this block's: the next block's, or the next head's first. */
static few_ahead few_next(const few_state *f, int64_t begin, int64_t end, int64_t done,
                          int64_t size) {
    bool more = begin + done < begin + (end - begin + STREAMS - 1) / STREAMS;
    few_block b = few_block_at(begin, end, more ? done : 0);
    int64_t kv_head = more || f->kv_head + 1 == f->a->kv_heads ? f->kv_head : f->kv_head + 1;
    return few_keys_ahead(f->a, kv_head, &b, size);
}

ALWAYS void few_columns(few_state *f, bool half, int count) {
    int64_t begin = f->a->columns, end = 0;
    for (int i = 0; i < f->count; i++) {
        int64_t row = few_row(f, i);
        begin = anm_attention_begin(f->a, row) < begin ? anm_attention_begin(f->a, row) : begin;
        end = anm_attention_end(f->a, row) > end ? anm_attention_end(f->a, row) : end;
    }
    for (int64_t done = 0; begin + done * STREAMS < end; done += PIECE) {
        few_block b = few_block_at(begin, end, done);
        few_ahead next = few_next(f, begin, end, done + PIECE, half ? 2 : 4);
        few_scores(f, &b, half, count);
        for (int i = 0; i < f->count; i++) few_mask(f, i, &b);
        for (int i = 0; i < f->count; i++) few_weigh(f, i, few_columns_of(&b));
        few_values(f, &b, &next, half, count);
    }
}

static void few_finish(few_state *f) {
    const anm_attention *a = f->a;
    for (int i = 0; i < f->count; i++) {
        float *out = a->out + few_head(f, i) * a->out_head + few_row(f, i) * a->out_row;
        float factor = f->sum[i] > 0 ? 1 / f->sum[i] : 0;
        give_statistics(a, few_head(f, i), few_row(f, i), f->largest[i], f->sum[i]);
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

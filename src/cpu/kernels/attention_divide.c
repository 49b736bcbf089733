/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/attention_divide.h"

#include <math.h>
#include <string.h>

#include "src/cpu/kernels/attention_levels.h"

enum {
    FIXED = 32, /* what a unit costs besides its columns, in columns */
    LEAST = 128, /* columns of a range, half of it at the least: more than merging takes */
    ROUND = 16  /* ranges begin at multiples of this, seen from the unit's first column */
};

/* A unit on the way through all of them: its queries, and the columns that some of these see. */
typedef struct walk {
    const anm_attention_kernel *kernel;
    const anm_attention *a;
    int64_t units, unit, before; /* before: the cost of the units before this one */
    int64_t first, count, begin, columns;
} walk;

/* Where a part begins: at a unit, or at a column of it, counted from the unit's first. */
typedef struct border {
    int64_t unit, column;
} border;

static void measure_unit(walk *w) {
    const anm_attention *a = w->a;
    int64_t begin = a->columns, end = 0;
    if (w->unit == w->units) return;
    w->kernel->queries(a, w->unit, &w->first, &w->count);
    for (int64_t i = 0; i < w->count && i < a->rows; i++) {
        int64_t row = (w->first + i) % a->rows;
        int64_t from = anm_attention_begin(a, row), to = anm_attention_end(a, row);
        if (from < to && from < begin) begin = from;
        if (from < to && to > end) end = to;
    }
    w->begin = begin;
    w->columns = end > begin ? end - begin : 0;
}

static walk walk_begin(const anm_attention_kernel *k, const anm_attention *a) {
    walk w = {.kernel = k, .a = a, .units = k->units(a)};
    measure_unit(&w);
    return w;
}

static void walk_next(walk *w) {
    w->before += w->columns + FIXED;
    w->unit++;
    measure_unit(w);
}

/* The cost of all units, and for how many parts at most there is work. */
static int64_t whole_cost(const anm_attention_kernel *k, const anm_attention *a, int *parts) {
    walk w = walk_begin(k, a);
    while (w.unit < w.units) walk_next(&w);
    int64_t most = (w.before - w.units * FIXED) / LEAST;
    if (most < w.units) most = w.units;
    if (*parts > most) *parts = (int)most;
    return w.before;
}

/* A unit is cut at a round column, not near its ends; else before or after it. */
static border border_within(const walk *w, int64_t cost) {
    int64_t column = (cost * 2 + ROUND) / (2 * ROUND) * ROUND, last = w->columns - LEAST;
    if (last >= LEAST && column < LEAST) column = cost < LEAST / 2 ? 0 : LEAST;
    else if (last >= LEAST && column > last)
        column = w->columns - cost < LEAST / 2 ? w->columns : last;
    else if (last < LEAST) column = cost < w->columns / 2 ? 0 : w->columns;
    return column < w->columns ? (border){w->unit, column} : (border){w->unit + 1, 0};
}

/* Where part `part` begins; the walk has not passed it yet. */
static border border_of(walk *w, int64_t whole, int part, int parts) {
    int64_t cost = whole * part / parts;
    if (part == 0) return (border){0, 0};
    if (part == parts) return (border){w->units, 0};
    while (w->unit < w->units && w->before + w->columns + FIXED <= cost) walk_next(w);
    return border_within(w, cost - w->before);
}

bool anm_attention_is_even(const anm_attention *a, int parts) {
    return a->kv_heads % parts == 0;
}

/* Of a slot: results of the unit's queries, then their statistics. */
static int64_t most_queries(const anm_attention_kernel *k, const anm_attention *a) {
    int64_t first, count;
    k->queries(a, 0, &first, &count); /* no unit of a key head has more than its first */
    return count;
}

static int64_t floats_of_slot(const anm_attention_kernel *k, const anm_attention *a) {
    return (most_queries(k, a) * (a->value_dim + 2) + 15) / 16 * 16;
}

int64_t anm_attention_slot_floats(const anm_attention_kernel *k, const anm_attention *a,
                                  int parts) {
    return 2 * parts * floats_of_slot(k, a);
}

static void run_range(const walk *w, int64_t from, int64_t to, float *slot, void *scratch) {
    anm_attention a = *w->a;
    float *statistics = slot + w->count * a.value_dim;
    a.column_begin = w->begin + from;
    a.column_end = w->begin + to;
    /* The unit's first query is at the slot's beginning. */
    a.out_row = a.value_dim;
    a.out_head = a.rows * a.value_dim;
    a.out = slot - w->first * a.value_dim;
    a.statistics = statistics - 2 * w->first;
    w->kernel->run(&a, w->unit, w->unit + 1, scratch);
}

/*
 * The first slot is that of a range whose unit began in an earlier part (it may be empty: then it
 * has no weight), the second that of one which begins its unit and does not end it.
 */
void anm_attention_run_part(const anm_attention_kernel *k, const anm_attention *a, float *slots,
                            int part, int parts, void *scratch) {
    int64_t whole = whole_cost(k, a, &parts), each = floats_of_slot(k, a);
    if (part >= parts) return;
    walk w = walk_begin(k, a);
    border from = border_of(&w, whole, part, parts);
    walk first = w;
    border to = border_of(&w, whole, part + 1, parts);
    float *slot = slots + 2 * part * each;
    int64_t unit = from.unit;
    if (from.column > 0) {
        int64_t end = to.unit == unit ? to.column : first.columns;
        run_range(&first, from.column, end, slot, scratch);
        unit++;
    }
    if (unit < to.unit) k->run(a, unit, to.unit, scratch);
    if (to.column > 0 && unit <= to.unit) run_range(&w, 0, to.column, slot + each, scratch);
}

/* Ranges of one unit are those of parts [begin, end). */
typedef struct cut_unit {
    const anm_attention *a;
    const float *slots;
    int64_t each, first, count;
    int begin, end;
} cut_unit;

static const float *slot_at(const cut_unit *c, int part) {
    return c->slots + (2 * part + (part == c->begin ? 1 : 0)) * c->each;
}

static const float *statistics_at(const cut_unit *c, int part, int64_t query) {
    return slot_at(c, part) + c->count * c->a->value_dim + 2 * query;
}

static void add_weighted(float *restrict out, const float *restrict x, float weight, int64_t n) {
    for (int64_t d = 0; d < n; d++) out[d] += weight * x[d];
}

static void merge_query(const cut_unit *c, int64_t query) {
    const anm_attention *a = c->a;
    int64_t head = (c->first + query) / a->rows, row = (c->first + query) % a->rows;
    float *out = a->out + head * a->out_head + row * a->out_row;
    float largest = ANM_ATTENTION_LEAST, sum = 0;
    for (int i = c->begin; i < c->end; i++)
        largest = fmaxf(largest, statistics_at(c, i, query)[0]);
    for (int i = c->begin; i < c->end; i++) {
        const float *s = statistics_at(c, i, query);
        sum += s[1] * expf(s[0] - largest);
    }
    memset(out, 0, (size_t)a->value_dim * sizeof *out);
    for (int i = c->begin; i < c->end && sum > 0; i++) {
        const float *s = statistics_at(c, i, query);
        add_weighted(out, slot_at(c, i) + query * a->value_dim,
                     s[1] * expf(s[0] - largest) / sum, a->value_dim);
    }
}

void anm_attention_merge(const anm_attention_kernel *k, const anm_attention *a, const float *slots,
                         int parts, int thread, int threads) {
    int64_t whole = whole_cost(k, a, &parts), turn = 0;
    walk w = walk_begin(k, a);
    cut_unit c = {.a = a, .slots = slots, .each = floats_of_slot(k, a)};
    for (int i = 1; i < parts; i = c.end) {
        border at = border_of(&w, whole, i, parts);
        c.end = i + 1;
        if (at.column == 0) continue;
        c.begin = i - 1;
        c.first = w.first;
        c.count = w.count;
        border next = border_of(&w, whole, c.end, parts);
        while (next.unit == at.unit && c.end < parts)
            next = border_of(&w, whole, ++c.end, parts);
        for (int64_t q = 0; q < c.count; q++)
            if (turn++ % threads == thread) merge_query(&c, q);
    }
}

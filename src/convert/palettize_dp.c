/* SPDX-License-Identifier: MIT */
/*
 * How the optimum for a given number of clusters is found.
 *
 * The cost of a run satisfies the quadrangle inequality (centres from any fixed set do), so the
 * least error f(k) is convex in k, and the optimum for k clusters is also an optimum of a problem
 * without a count, where each cluster costs a price. One pass over the points solves that one; the
 * price that gives k clusters is met within a few passes, since a whole range of prices does. If f
 * is straight around k (ties), no price gives just k: then the optima for fewer and for more
 * clusters at one price are crossed over into one for k, again by the quadrangle inequality.
 *
 * The price depends on the points alone, so the answer does too.
 */
#include "src/convert/palettize_dp.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "src/base/alloc.h"

enum {
    ROUGH_PER_CLUSTER = 8,
    ROUGH_LEAST = 256,
    DENSITY_BINS = 64,
    MODEL_STEPS = 12,
    CHORD_GAP = 4
};

/* An optimum of the priced problem. */
typedef struct vertex {
    size_t clusters;
    double error, price;
} vertex;

typedef struct pass {
    anm_dp *dp;
    const anm_sums *s;
    double price;
} pass;

static void *reserve(size_t count, size_t size) {
    return anm_calloc(count + ANM_DP_PADDING, size);
}

int anm_dp_init(anm_dp *dp, size_t capacity) {
    size_t n = capacity + 1;
    *dp = (anm_dp){.capacity = capacity};
    dp->best = reserve(n, sizeof *dp->best);
    dp->back = reserve(n, sizeof *dp->back);
    dp->few = reserve(n, sizeof *dp->few);
    dp->many = reserve(n, sizeof *dp->many);
    dp->path = reserve(n, sizeof *dp->path);
    dp->rough.w = reserve(n, sizeof *dp->rough.w);
    dp->rough.wx = reserve(n, sizeof *dp->rough.wx);
    dp->rough.wxx = reserve(n, sizeof *dp->rough.wxx);
    return dp->best && dp->back && dp->few && dp->many && dp->path && dp->rough.w &&
           dp->rough.wx && dp->rough.wxx;
}

void anm_dp_free(anm_dp *dp) {
    anm_free(dp->best);
    anm_free(dp->back);
    anm_free(dp->few);
    anm_free(dp->many);
    anm_free(dp->path);
    anm_free(dp->rough.w);
    anm_free(dp->rough.wx);
    anm_free(dp->rough.wxx);
    *dp = (anm_dp){0};
}

static void fill(pass *p, size_t low, size_t high, size_t first, size_t last) {
    anm_dp_fill(p->s, p->dp->best, p->dp->back, p->price, low, high, first, last);
}

/*
 * Rows low..high, whose clusters begin at first..last; beginnings rise with the row, hence the
 * halving. Gives up at the first row above `limit` and returns the last one that is done.
 */
static size_t set_rows(pass *p, size_t low, size_t high, size_t first, size_t last, double limit) {
    const size_t least = low;
    while (low <= high) {
        size_t middle = low + (high - low) / 2;
        fill(p, middle, middle, first, last);
        size_t begin = p->dp->back[middle];
        if (p->dp->best[middle] > limit && middle > least) {
            high = middle - 1;
            last = begin;
            continue;
        }
        if (low < middle) fill(p, low, middle - 1, first, begin);
        low = middle + 1;
        first = begin;
    }
    return high;
}

/*
 * Fills best[] and back[]. A block of rows is solved at a time from beginnings up to its first
 * row's predecessor: as best[] never falls, a later beginning costs best[done] + price or more, so
 * the block ends where that is reached. There are about 1.5 blocks to a cluster.
 */
static void run_pass(pass *p) {
    size_t done = 0, first = 0, length = 16;
    p->dp->best[0] = 0;
    while (done < p->s->count) {
        size_t high = done + length + length / 4 + 4;
        if (high > p->s->count) high = p->s->count;
        size_t next = set_rows(p, done + 1, high, first, done, p->dp->best[done] + p->price);
        length = next - done;
        done = next;
        first = p->dp->back[done];
    }
}

/* Writes the ends of the clusters of the last pass to dp->path. */
static vertex trace(const pass *p) {
    vertex v = {.price = p->price};
    for (size_t i = p->s->count; i > 0; i = p->dp->back[i]) v.clusters++;
    size_t c = v.clusters;
    p->dp->path[c] = (uint32_t)p->s->count;
    for (size_t i = p->s->count; i > 0; i = p->dp->back[i]) {
        p->dp->path[--c] = p->dp->back[i];
        v.error += anm_dp_cost(p->s, p->dp->back[i], i, NULL);
    }
    return v;
}

static vertex optimum(anm_dp *dp, const anm_sums *s, double price) {
    pass p = {dp, s, price};
    run_pass(&p);
    return trace(&p);
}

/*
 * A price for about k clusters if the error falls as k^-slope: minus the derivative at k, from the
 * error of another number of clusters.
 */
static double model_price(vertex v, double slope, size_t k) {
    return slope * v.error * pow((double)v.clusters / (double)k, slope) / (double)k;
}

static double slope_between(vertex a, vertex b) {
    if (a.clusters == b.clusters || !(a.error > 0) || !(b.error > 0)) return 2;
    double slope = log(a.error / b.error) / log((double)b.clusters / (double)a.clusters);
    return slope > 0.5 && slope < 8 ? slope : 2;
}

/* Panter and Dite's formula for many clusters: error = (sum of (w * width^2)^(1/3))^3 / 12 k^2. */
static double density_price(const anm_sums *s, size_t k) {
    double sum = 0, n = (double)k;
    size_t bins = s->count < DENSITY_BINS ? s->count : DENSITY_BINS;
    for (size_t b = 0, from = 0; b < bins; b++) {
        size_t to = (b + 1) * s->count / bins;
        double low = (s->wx[from + 1] - s->wx[from]) / (s->w[from + 1] - s->w[from]);
        double high = (s->wx[to] - s->wx[to - 1]) / (s->w[to] - s->w[to - 1]);
        sum += cbrt((s->w[to] - s->w[from]) * (high - low) * (high - low));
        from = to;
    }
    return sum * sum * sum / (6 * n * n * n);
}

static bool usable(double price) {
    return price > 0 && price < INFINITY;
}

/* The price of a problem with fewer places to cut, which differs little and takes little time. */
static double rough_price(anm_dp *dp, const anm_sums *s, size_t k, double price) {
    size_t wanted = k * ROUGH_PER_CLUSTER, n = 0;
    if (wanted < ROUGH_LEAST) wanted = ROUGH_LEAST;
    size_t step = s->count / wanted;
    if (step < 2) return price;
    for (size_t i = 0; i < s->count + step; i += step, n++) {
        size_t at = i < s->count ? i : s->count;
        dp->rough.w[n] = s->w[at];
        dp->rough.wx[n] = s->wx[at];
        dp->rough.wxx[n] = s->wxx[at];
    }
    dp->rough.count = n - 1;
    vertex a = optimum(dp, &dp->rough, price);
    double next = model_price(a, 2, k);
    if (!usable(next)) return price;
    if (a.clusters == k) next *= 1.25;
    vertex b = optimum(dp, &dp->rough, next);
    double last = model_price(b, slope_between(a, b), k);
    return usable(last) ? last : next;
}

/* A search for the price: optima with fewer and with more clusters than wanted. */
typedef struct search {
    vertex few, many;
    size_t wanted;
} search;

/* True if `v` is between the two, and replaces one. */
static bool narrow(search *q, anm_dp *dp, vertex v) {
    if (v.clusters <= q->few.clusters || v.clusters >= q->many.clusters) return false;
    bool less = v.clusters < q->wanted;
    uint32_t *spare = less ? dp->few : dp->many;
    *(less ? &q->few : &q->many) = v;
    *(less ? &dp->few : &dp->many) = dp->path;
    dp->path = spare;
    return true;
}

/* The price at which both ends of the search cost the same: their segment of f's lower hull. */
static double chord_price(const search *q) {
    return (q->few.error - q->many.error) / (double)(q->many.clusters - q->few.clusters);
}

/* After `v`, whose number of clusters is not the one that is wanted. */
static double next_price(const search *q, vertex v) {
    size_t wanted = q->wanted;
    double power = 3;
    if (q->few.price < INFINITY && q->many.price > 0)
        power = log(q->few.price / q->many.price) /
                log((double)q->many.clusters / (double)q->few.clusters);
    double price = v.price * pow((double)v.clusters / (double)wanted, power);
    if (price > q->many.price && price < q->few.price) return price;
    if (q->few.price == INFINITY) return v.price * 4;
    return q->many.price > 0 ? sqrt(q->many.price * q->few.price) : v.price / 4;
}

/*
 * The beginning of `many` and the end of `few`, with `wanted` clusters in all. Where a cluster of
 * `few` holds the one of `many` that is `wanted - few` further on, the exchange of ends costs
 * nothing if both are optimal for one price.
 */
static void cross_over(const anm_dp *dp, const search *q, uint32_t *ends) {
    size_t shift = q->wanted - q->few.clusters, i = 0;
    while (dp->many[i + shift + 1] > dp->few[i + 1]) i++;
    memcpy(ends, dp->many, (i + shift + 1) * sizeof *ends);
    memcpy(ends + i + shift + 1, dp->few + i + 1, (q->few.clusters - i) * sizeof *ends);
}

static void start_search(search *q, anm_dp *dp, const anm_sums *s, size_t k) {
    *q = (search){.wanted = k};
    q->few = (vertex){1, anm_dp_cost(s, 0, s->count, NULL), INFINITY};
    q->many = (vertex){s->count, 0, 0};
    dp->few[0] = 0;
    dp->few[1] = (uint32_t)s->count;
    for (size_t i = 0; i <= s->count; i++) dp->many[i] = (uint32_t)i;
}

void anm_dp_solve(anm_dp *dp, const anm_sums *s, size_t k, uint32_t *ends) {
    search q;
    start_search(&q, dp, s, k);
    double price = density_price(s, k);
    price = usable(price) ? rough_price(dp, s, k, price) : chord_price(&q);
    bool chord = false;
    for (int step = 0; k > 1 && k < s->count; step++) {
        vertex v = optimum(dp, s, price);
        if (v.clusters == k) {
            memcpy(ends, dp->path, (k + 1) * sizeof *ends);
            return;
        }
        if (v.clusters < k) q.few.price = fmin(q.few.price, price);
        else q.many.price = fmax(q.many.price, price);
        bool closer = narrow(&q, dp, v);
        if (!closer && chord) break;
        chord = step >= MODEL_STEPS || q.many.clusters - q.few.clusters <= CHORD_GAP;
        price = chord ? chord_price(&q) : next_price(&q, v);
        if (!usable(price)) break;
    }
    const uint32_t *known = k == 1 ? dp->few : dp->many;
    if (k == 1 || k == s->count) memcpy(ends, known, (k + 1) * sizeof *ends);
    else cross_over(dp, &q, ends);
}

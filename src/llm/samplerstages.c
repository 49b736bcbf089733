/* SPDX-License-Identifier: MIT */
/*
 * The stages that keep some of the candidates. A vocabulary is never sorted whole: the likeliest
 * come off a heap, one by one, until a stage has enough. Every comparison falls back to the id, so
 * that the result does not depend on the order of work.
 */
#include <math.h>

#include "src/llm/sampler_impl.h"

/*
 * Taylor's series of what multiples of ln 2 leave of x, at most 0.35: the first term left out is
 * below 1e-18.
 */
double anm_sampler_exp(double x) {
    static const double series[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800,
                                    1.0 / 3628800,    1.0 / 362880,    1.0 / 40320,
                                    1.0 / 5040,       1.0 / 720,       1.0 / 120,
                                    1.0 / 24,         1.0 / 6,         1.0 / 2,
                                    1.0,              1.0};
    if (x < -745) return 0;
    int k = (int)(x * 1.4426950408889634 - 0.5);
    double r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10;
    double sum = 0;
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) sum = sum * r + series[i];
    return ldexp(sum, k);
}

typedef bool (*before_fn)(const anm_candidate *a, const anm_candidate *b);

static bool likelier(const anm_candidate *a, const anm_candidate *b) {
    return a->logit != b->logit ? a->logit > b->logit : a->id < b->id;
}

/* Here `weight` is the distance from the entropy. */
static bool more_typical(const anm_candidate *a, const anm_candidate *b) {
    return a->weight != b->weight ? a->weight < b->weight : likelier(a, b);
}

static void swap(anm_candidate *a, anm_candidate *b) {
    anm_candidate t = *a;
    *a = *b;
    *b = t;
}

static void sink(anm_candidate *heap, size_t count, size_t at, before_fn before) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &heap[at])) return;
        swap(&heap[child], &heap[at]);
    }
}

static void make_heap(anm_candidate *heap, size_t count, before_fn before) {
    for (size_t i = count / 2; i-- > 0;) sink(heap, count, i, before);
}

/* Moves the first behind the heap, whose new size is given. */
static size_t pop(anm_candidate *heap, size_t count, before_fn before) {
    swap(&heap[0], &heap[--count]);
    sink(heap, count, 0, before);
    return count;
}

/* What was popped, from heap[left] on and last one first, becomes all that there is. */
static void take_popped(anm_candidates *c, size_t left) {
    for (size_t i = left, j = c->count; i + 1 < j; i++) swap(&c->at[i], &c->at[--j]);
    c->count -= left;
    for (size_t i = 0; left && i < c->count; i++) c->at[i] = c->at[left + i];
}

static void keep_likeliest(anm_candidates *c, size_t k) {
    if (k >= c->count) return;
    size_t left = c->count;
    make_heap(c->at, left, likelier);
    while (c->count - left < k) left = pop(c->at, left, likelier);
    take_popped(c, left);
    c->ordered = true;
}

static float greatest_logit(const anm_candidates *c) {
    float top = c->at[0].logit;
    for (size_t i = 1; i < c->count; i++)
        if (c->at[i].logit > top) top = c->at[i].logit;
    return top;
}

/* Distance below the likeliest; infinity minus infinity: equally certain. */
static double below(const anm_candidate *x, float top) {
    return x->logit == top ? 0 : (double)x->logit - top;
}

static void weigh(anm_candidates *c, float top, double temperature) {
    c->total = 0;
    for (size_t i = 0; i < c->count; i++) {
        c->at[i].weight = anm_sampler_exp(below(&c->at[i], top) / temperature);
        c->total += c->at[i].weight;
    }
}

/*
 * Meister et al. 2022: those whose information is nearest to the expected one. The normalisation
 * cancels out of the difference. Beyond +INFINITY there is nothing typical but the likeliest.
 */
static void keep_typical(anm_candidates *c, double p, float top) {
    double expected = 0, sum = 0;
    weigh(c, top, 1);
    for (size_t i = 0; i < c->count; i++)
        if (c->at[i].weight > 0)
            expected -= c->at[i].weight / c->total * below(&c->at[i], top);
    for (size_t i = 0; i < c->count; i++)
        c->at[i].weight = fabs(-below(&c->at[i], top) - expected);
    size_t left = c->count;
    make_heap(c->at, left, more_typical);
    while (left && sum <= p * c->total) {
        left = pop(c->at, left, more_typical);
        sum += anm_sampler_exp(below(&c->at[left], top));
    }
    take_popped(c, left);
    c->ordered = false;
}

/* The fewest whose share reaches p. Needs weights. */
static void keep_nucleus(anm_candidates *c, double p) {
    double wanted = p * c->total, sum = 0;
    if (c->ordered) {
        size_t n = 0;
        while (n < c->count && sum < wanted) sum += c->at[n++].weight;
        c->count = n;
        return;
    }
    size_t left = c->count;
    make_heap(c->at, left, likelier);
    while (left && sum < wanted) {
        left = pop(c->at, left, likelier);
        sum += c->at[left].weight;
    }
    take_popped(c, left);
    c->ordered = true;
}

/* Weights are relative to the likeliest's, which is 1. */
static void keep_above(anm_candidates *c, double least) {
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->at[i].weight >= least) c->at[n++] = c->at[i];
    c->count = n;
}

void anm_candidates_cut(anm_candidates *c, const anm_sampling_options *o) {
    if (o->top_k) keep_likeliest(c, (size_t)o->top_k);
    if (o->typical_p < 1) keep_typical(c, o->typical_p, greatest_logit(c));
    float top = greatest_logit(c);
    if (o->top_p < 1 || o->min_p > 0) weigh(c, top, 1);
    if (o->top_p < 1) keep_nucleus(c, o->top_p);
    if (o->min_p > 0) keep_above(c, o->min_p);
    weigh(c, top, o->temperature);
}

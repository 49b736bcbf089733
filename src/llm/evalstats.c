/* SPDX-License-Identifier: MIT */
/* The arithmetic of an evaluation: all of it in double, from float logits. */
#include <math.h>
#include <stdlib.h>

#include "src/llm/eval.h"

void anm_eval_moments_add(anm_eval_moments *m, double x) {
    double off = x - m->mean;
    m->n++;
    m->mean += off / (double)m->n;
    m->squares += off * (x - m->mean);
}

double anm_eval_standard_error(const anm_eval_moments *m) {
    if (m->n < 2) return NAN;
    return sqrt(m->squares / ((double)m->n * (double)(m->n - 1)));
}

double anm_eval_log_sum_exp(const float *x, size_t count) {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    if (!isfinite(largest)) return NAN;
    for (size_t i = 0; i < count; i++) sum += exp(x[i] - largest);
    return largest + log(sum);
}

double anm_eval_kl(const float *a, double lse_a, const float *b, double lse_b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double log_p = a[i] - lse_a, p = exp(log_p);
        /* 0 ln 0 is 0, also where b has no chance either. */
        if (p > 0) sum += p * (log_p - (b[i] - lse_b));
    }
    return sum < 0 ? 0 : sum; /* below zero by rounding only */
}

size_t anm_eval_argmax(const float *x, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double anm_eval_percentile(double *values, size_t count, double share) {
    qsort(values, count, sizeof *values, ascending);
    double rank = ceil(share * (double)count);
    size_t index = rank < 1 ? 0 : (size_t)rank - 1;
    return values[index < count ? index : count - 1];
}

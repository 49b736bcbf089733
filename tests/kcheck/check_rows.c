/* SPDX-License-Identifier: MIT */
/*
 * Row kernels against double: products of values, reductions, layer norm, functions. Rows end at a
 * page that cannot be touched, or begin at one.
 */
#include <math.h>
#include <stdio.h>

#include "src/cpu/kernels/rows.h"
#include "tests/kcheck/kcheck.h"

#define UNIT 0x1p-24 /* half a unit in the last place of 1 */
enum { CASES = 60 };

typedef struct row_case {
    const anm_row_kernels *rows;
    anm_product product;
    float *x, *y, *gamma, *beta;
    int64_t n;
    anm_reduce_kind reduce;
    anm_unary_kind unary;
    float a, b, result;
} row_case;

static float *random_floats(int64_t n, float deviation) {
    float *x = kcheck_buffer((size_t)n * sizeof *x, sizeof *x);
    kcheck_fill_normal(x, n, deviation);
    return x;
}

static int64_t random_length(void) {
    return kcheck_between(0, 2) == 0 ? kcheck_between(1, 16) : kcheck_between(1, 400);
}

/* Products. */

static void call_product(void *context) {
    row_case *c = context;
    c->rows->product(&c->product);
}

static void compare_product(const row_case *c) {
    const anm_product *p = &c->product;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0, magnitude = 0;
            for (int64_t k = 0; k < p->k; k++) {
                double v = (double)p->a[i * p->a_row + k * p->a_step] *
                           (double)p->b[k * p->b_row + j];
                sum += v;
                magnitude += fabs(v);
            }
            kcheck_error(fabs((double)p->c[i * p->c_row + j] - sum),
                         ((double)p->k + 1) * UNIT * magnitude,
                         "%lldx%lldx%lld, element %lld, %lld", (long long)p->m, (long long)p->k,
                         (long long)p->n, (long long)i, (long long)j);
        }
}

static void check_product(row_case *c) {
    anm_product *p = &c->product;
    *p = (anm_product){.m = kcheck_between(1, 13), .n = kcheck_between(1, 140),
                       .k = kcheck_between(1, 90)};
    bool turned = kcheck_between(0, 1);
    p->a_row = turned ? 1 : p->k;
    p->a_step = turned ? p->m : 1;
    p->b_row = p->n + kcheck_between(0, 3);
    p->c_row = p->n;
    p->a = random_floats(p->m * p->k, 1);
    p->b = random_floats((p->k - 1) * p->b_row + p->n, 1);
    p->c = random_floats(p->m * p->n, 1);
    if (kcheck_guarded(call_product, c, "product")) compare_product(c);
}

/* Layer norm. */

static void call_layer_norm(void *context) {
    row_case *c = context;
    c->rows->layer_norm(c->x, c->gamma, c->beta, 1e-3f, c->n, c->y);
}

/* The mean is off by n u mean|x|, as is each difference; the scale by n u of itself. */
static void check_layer_norm(row_case *c) {
    double mean = 0, squares = 0, magnitude = 0, n = (double)(c->n = random_length());
    c->x = random_floats(c->n, 2);
    c->y = random_floats(c->n, 1);
    c->gamma = kcheck_between(0, 1) ? random_floats(c->n, 1) : NULL;
    c->beta = kcheck_between(0, 1) ? random_floats(c->n, 1) : NULL;
    if (!kcheck_guarded(call_layer_norm, c, "layer norm")) return;
    for (int64_t i = 0; i < c->n; i++) mean += (double)c->x[i] / n;
    for (int64_t i = 0; i < c->n; i++) magnitude += fabs((double)c->x[i]) / n;
    for (int64_t i = 0; i < c->n; i++) squares += pow((double)c->x[i] - mean, 2);
    double scale = 1 / sqrt(squares / n + (double)1e-3f);
    for (int64_t i = 0; i < c->n; i++) {
        double d = (double)c->x[i] - mean, gamma = c->gamma ? (double)c->gamma[i] : 1;
        double want = d * scale * gamma + (c->beta ? (double)c->beta[i] : 0);
        double bound = UNIT * (fabs(gamma * scale) * (n + 4) * (magnitude + fabs(d)) * 2 +
                               4 * fabs(want) + (c->beta ? fabs((double)c->beta[i]) : 0));
        kcheck_error(fabs((double)c->y[i] - want), bound, "%lld elements, element %lld",
                     (long long)c->n, (long long)i);
    }
}

/* Reductions. */

static void call_reduce(void *context) {
    row_case *c = context;
    c->result = c->rows->reduce(c->reduce, c->x, c->n);
}

static double reduced(const row_case *c, double *magnitude) {
    double sum = c->reduce == ANM_REDUCE_PROD ? 1 : 0, top = -INFINITY, least = INFINITY;
    for (int64_t i = 0; i < c->n; i++) {
        double x = (double)c->x[i];
        top = fmax(top, x);
        least = fmin(least, x);
        *magnitude += c->reduce == ANM_REDUCE_SUM_SQUARE ? x * x : fabs(x);
        if (c->reduce == ANM_REDUCE_PROD) sum *= x;
        else if (c->reduce == ANM_REDUCE_LOG_SUM_EXP) sum += exp(x);
        else if (c->reduce == ANM_REDUCE_SUM_SQUARE) sum += x * x;
        else sum += c->reduce == ANM_REDUCE_SUM_ABS ? fabs(x) : x;
    }
    if (c->reduce == ANM_REDUCE_PROD) *magnitude = fabs(sum);
    if (c->reduce == ANM_REDUCE_LOG_SUM_EXP) *magnitude = 4 + fabs(log(sum));
    return c->reduce == ANM_REDUCE_MAX           ? top
           : c->reduce == ANM_REDUCE_MIN         ? least
           : c->reduce == ANM_REDUCE_LOG_SUM_EXP ? log(sum)
                                                 : sum;
}

static void check_reduce(row_case *c) {
    double magnitude = 0;
    c->n = random_length();
    c->reduce = (anm_reduce_kind)kcheck_between(0, ANM_REDUCE_KINDS - 1);
    c->x = random_floats(c->n, 1);
    if (!kcheck_guarded(call_reduce, c, "reduction")) return;
    double want = reduced(c, &magnitude);
    bool exact = c->reduce == ANM_REDUCE_MAX || c->reduce == ANM_REDUCE_MIN;
    kcheck_error(fabs((double)c->result - want),
                 exact ? 0 : ((double)c->n + 4) * UNIT * magnitude + 1e-38,
                 "kind %d, %lld elements", (int)c->reduce, (long long)c->n);
    c->x[kcheck_between(0, c->n - 1)] = NAN;
    if (kcheck_guarded(call_reduce, c, "reduction") && !isnan(c->result))
        kcheck_fail("kind %d loses a NaN among %lld", (int)c->reduce, (long long)c->n);
}

/* Functions: off by a few units of what they give, or of what a sum with 1 loses. */

static void call_unary(void *context) {
    row_case *c = context;
    c->rows->parametric(c->unary, c->a, c->b, c->x, c->n, c->y);
}

static double function_of(const row_case *c, double x) {
    double a = (double)c->a, b = (double)c->b;
    switch (c->unary) {
    case ANM_UNARY_SILU: return x / (1 + exp(-x));
    case ANM_UNARY_SIGMOID: return 1 / (1 + exp(-x));
    case ANM_UNARY_EXP: return exp(x);
    case ANM_UNARY_RELU: return fmax(x, 0);
    case ANM_UNARY_SQUARE: return x * x;
    case ANM_UNARY_TANH: return tanh(x);
    case ANM_UNARY_GELU: return 0.5 * x * (1 + erf(x / sqrt(2)));
    case ANM_UNARY_GELU_TANH:
        return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case ANM_UNARY_GELU_SIGMOID: return x / (1 + exp(-1.702 * x));
    case ANM_UNARY_ERF: return erf(x);
    case ANM_UNARY_ABS: return fabs(x);
    case ANM_UNARY_SQRT: return sqrt(x);
    case ANM_UNARY_FLOOR: return floor(x);
    case ANM_UNARY_CEIL: return ceil(x);
    case ANM_UNARY_ROUND: return rint(x);
    case ANM_UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
    case ANM_UNARY_SOFTSIGN: return x / (1 + fabs(x));
    case ANM_UNARY_SOFTPLUS: return log1p(exp(x));
    case ANM_UNARY_SIN: return sin(x);
    case ANM_UNARY_COS: return cos(x);
    case ANM_UNARY_CLIP: return fmin(fmax(x, a), b);
    case ANM_UNARY_LINEAR: return a * x + b;
    case ANM_UNARY_LEAKY: return x < 0 ? a * x : x;
    case ANM_UNARY_HARD: return fmin(fmax(a * x + b, 0), 1);
    case ANM_UNARY_THRESHOLDED: return x < a ? 0 : x;
    case ANM_UNARY_CLAMPED: return fmin(x < 0 ? a * x : x, b);
    case ANM_UNARY_ELU: return x > 0 ? x : a * (exp(x) - 1);
    case ANM_UNARY_SCALED_TANH: return a * tanh(b * x);
    case ANM_UNARY_LOG: return log(x + a);
    case ANM_UNARY_RSQRT: return 1 / sqrt(x + a);
    case ANM_UNARY_INVERSE: return 1 / (x + a);
    case ANM_UNARY_KINDS: break;
    }
    return NAN;
}

static void check_unary(row_case *c) {
    c->unary = (anm_unary_kind)kcheck_between(0, ANM_UNARY_KINDS - 1);
    bool positive = c->unary == ANM_UNARY_SQRT || c->unary >= ANM_UNARY_LOG;
    c->n = random_length();
    c->a = 0.25f;
    c->b = 1.5f;
    c->x = random_floats(c->n, 3);
    c->y = random_floats(c->n, 1);
    for (int64_t i = 0; positive && i < c->n; i++) c->x[i] = fabsf(c->x[i]);
    if (!kcheck_guarded(call_unary, c, "function")) return;
    for (int64_t i = 0; i < c->n; i++) {
        double x = (double)c->x[i], want = function_of(c, x);
        kcheck_error(fabs((double)c->y[i] - want),
                     16 * UNIT * (fabs(want) + fmin(1, fabs(x)) + fabs(x) / 4),
                     "kind %d of %.9g", (int)c->unary, x);
    }
}

static void check_subject(const anm_row_kernels *rows, const char *subject,
                          void (*check)(row_case *c)) {
    static char name[64];
    snprintf(name, sizeof name, "rows_%s_%s", subject, anm_isa_name(rows->isa));
    if (!kcheck_wanted(name, rows->isa)) return;
    kcheck_begin(name);
    for (int i = 0; i < CASES; i++) {
        row_case c = {.rows = rows};
        check(&c);
        if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
    }
    kcheck_end();
}

void check_rows(void) {
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        const anm_row_kernels *rows = anm_row_kernels_find((anm_isa)isa);
        if (rows->isa != (anm_isa)isa) continue; /* those of a level below */
        check_subject(rows, "product", check_product);
        check_subject(rows, "layer_norm", check_layer_norm);
        check_subject(rows, "reduce", check_reduce);
        check_subject(rows, "function", check_unary);
    }
}

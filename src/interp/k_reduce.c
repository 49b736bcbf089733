/* SPDX-License-Identifier: MIT */
/*
 * Reductions over axes. Sums are carried in double, elements in row-major order; integers in
 * 64 bits, wrapped at the end.
 */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"
#include "src/interp/scalar.h"

enum { SUM, MEAN, PROD, MAX, MIN, L1, L2, LOG_SUM, SUM_SQUARE, LOG_SUM_EXP };

typedef struct reduction {
    const anm_rvalue *x;
    bool reduced[ANM_MAX_RANK];
    int rank; /* of the output */
    int64_t shape[ANM_MAX_RANK];
    int64_t stride[ANM_MAX_RANK]; /* of the output, seen by the input's axes */
    int64_t outputs, each;        /* elements of the output, elements per output */
} reduction;

static bool setup(anm_kcall *k, reduction *r) {
    r->x = anm_k_arg(k, "x");
    bool keep = anm_k_bool(k, "keep_dims");
    if (!r->x || !anm_k_axes(k, "axes", r->x->rank, r->reduced)) return false;
    r->rank = 0;
    r->outputs = r->each = 1;
    for (int i = r->x->rank - 1; i >= 0; i--) {
        r->stride[i] = r->reduced[i] ? 0 : r->outputs;
        if (r->reduced[i]) r->each *= r->x->shape[i];
        else r->outputs *= r->x->shape[i];
    }
    for (int i = 0; i < r->x->rank; i++)
        if (!r->reduced[i] || keep) r->shape[r->rank++] = r->reduced[i] ? 1 : r->x->shape[i];
    return true;
}

static double initial(int variant) {
    return variant == PROD ? 1 : variant == MAX ? -INFINITY : variant == MIN ? INFINITY : 0;
}

static double combine(int variant, double acc, double x) {
    switch (variant) {
    case PROD: return acc * x;
    case MAX: return x > acc || isnan(x) ? x : acc;
    case MIN: return x < acc || isnan(x) ? x : acc;
    case L1: return acc + fabs(x);
    case L2:
    case SUM_SQUARE: return acc + x * x;
    default: return acc + x;
    }
}

static double finish(int variant, double acc, int64_t n) {
    switch (variant) {
    case MEAN: return acc / (double)n;
    case L2: return sqrt(acc);
    case LOG_SUM: return anm_log(acc);
    default: return acc;
    }
}

static void accumulate(const reduction *r, int variant, const float *in, double *acc) {
    anm_walk w;
    anm_walk_init(&w, r->x->rank, r->x->shape);
    anm_walk_add(&w, r->stride, 0);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), in += w.length)
        for (int64_t i = 0; i < w.length; i++) {
            double *to = &acc[w.at[0] + i * w.step[0]];
            *to = combine(variant, *to, in[i]);
        }
}

static void reduce_floats(anm_kcall *k, const reduction *r) {
    int variant = k->kernel->variant;
    const float *in = anm_k_floats(k, r->x);
    double *acc = in ? anm_k_scratch(k, r->outputs, sizeof *acc) : NULL;
    float *out = acc ? anm_k_out_floats(k, 0, r->rank, r->shape) : NULL;
    if (!out) return;
    for (int64_t i = 0; i < r->outputs; i++) acc[i] = initial(variant);
    accumulate(r, variant, in, acc);
    for (int64_t i = 0; i < r->outputs; i++) out[i] = (float)finish(variant, acc[i], r->each);
}

static int64_t combine_ints(int variant, int64_t acc, int32_t x) {
    switch (variant) {
    case PROD: return (int32_t)((uint32_t)acc * (uint32_t)x);
    case MAX: return x > acc ? x : acc;
    case MIN: return x < acc ? x : acc;
    case L1: return acc + (x < 0 ? -(int64_t)x : x);
    case SUM_SQUARE: return (int64_t)((uint64_t)acc + (uint64_t)((int64_t)x * x));
    default: return acc + x;
    }
}

static void reduce_ints(anm_kcall *k, const reduction *r) {
    int variant = k->kernel->variant;
    const int32_t *in = anm_k_int32s(k, r->x);
    int64_t *acc = in ? anm_k_scratch(k, r->outputs, sizeof *acc) : NULL;
    int32_t *out = acc ? anm_k_out_ints(k, 0, r->rank, r->shape) : NULL;
    if (!out) return;
    for (int64_t i = 0; i < r->outputs; i++)
        acc[i] = variant == PROD ? 1 : variant == MAX ? INT32_MIN : variant == MIN ? INT32_MAX : 0;
    anm_walk w;
    anm_walk_init(&w, r->x->rank, r->x->shape);
    anm_walk_add(&w, r->stride, 0);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), in += w.length)
        for (int64_t i = 0; i < w.length; i++) {
            int64_t *to = &acc[w.at[0] + i * w.step[0]];
            *to = combine_ints(variant, *to, in[i]);
        }
    for (int64_t i = 0; i < r->outputs; i++) {
        int64_t value = variant == MEAN && r->each ? acc[i] / r->each : acc[i];
        if (variant == L2 || variant == LOG_SUM)
            value = (int64_t)finish(variant, (double)acc[i], 1);
        out[i] = (int32_t)(uint64_t)value;
    }
}

static void reduce(anm_kcall *k) {
    reduction r;
    if (!setup(k, &r)) return;
    if (anm_k_is_float(r.x)) reduce_floats(k, &r);
    else reduce_ints(k, &r);
}

/* The largest element is taken out first, so that nothing overflows. */
static void log_sum_exp(anm_kcall *k) {
    reduction r;
    if (!setup(k, &r)) return;
    const float *in = anm_k_floats(k, r.x);
    double *top = in ? anm_k_scratch(k, 2 * r.outputs, sizeof *top) : NULL;
    float *out = top ? anm_k_out_floats(k, 0, r.rank, r.shape) : NULL;
    if (!out) return;
    double *sum = top + r.outputs;
    for (int64_t i = 0; i < r.outputs; i++) top[i] = -INFINITY, sum[i] = 0;
    accumulate(&r, MAX, in, top);
    for (int64_t i = 0; i < r.outputs; i++)
        if (isinf(top[i])) top[i] = 0;
    anm_walk w;
    anm_walk_init(&w, r.x->rank, r.x->shape);
    anm_walk_add(&w, r.stride, 0);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), in += w.length)
        for (int64_t i = 0; i < w.length; i++) {
            int64_t at = w.at[0] + i * w.step[0];
            sum[at] += anm_exp(in[i] - top[at]);
        }
    for (int64_t i = 0; i < r.outputs; i++) out[i] = (float)(anm_log(sum[i]) + top[i]);
}

/* First of equals; NaN counts as the extreme, as in NumPy. */
static int32_t arg_extreme(const double *x, int64_t n, int64_t stride, bool largest) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        double a = x[i * stride], b = x[best * stride];
        if (isnan(b)) break;
        if (isnan(a) || (largest ? a > b : a < b)) best = i;
    }
    return (int32_t)best;
}

static void reduce_arg(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank), rank = 0;
    bool keep = anm_k_bool(k, "keep_dims");
    int64_t shape[ANM_MAX_RANK];
    if (k->status != ANM_OK) return;
    for (int i = 0; i < x->rank; i++)
        if (i != axis || keep) shape[rank++] = i == axis ? 1 : x->shape[i];
    int64_t outer = anm_shape_product(x->shape, 0, axis), n = x->shape[axis];
    int64_t inner = anm_shape_product(x->shape, axis + 1, x->rank);
    double *in = anm_k_scratch(k, x->count, sizeof *in);
    int32_t *out = anm_k_out_ints(k, 0, rank, shape);
    if (n == 0) anm_k_fail(k, ANM_ERROR_MISMATCH, "the axis has no elements");
    if (!in || !out || k->status != ANM_OK) return;
    bool floats = anm_k_is_float(x);
    const float *f = floats ? anm_k_floats(k, x) : NULL;
    const int32_t *i32 = floats ? NULL : anm_k_int32s(k, x);
    for (int64_t i = 0; i < x->count; i++) in[i] = floats ? f[i] : i32[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            *out++ = arg_extreme(in + o * n * inner + i, n, inner, k->kernel->variant == MAX);
}

const anm_kernel anm_kernels_reduce[] = {
    {"reduce_argmax", reduce_arg, MAX, NULL},
    {"reduce_argmin", reduce_arg, MIN, NULL},
    {"reduce_l1_norm", reduce, L1, NULL},
    {"reduce_l2_norm", reduce, L2, NULL},
    {"reduce_log_sum", reduce, LOG_SUM, NULL},
    {"reduce_log_sum_exp", log_sum_exp, LOG_SUM_EXP, NULL},
    {"reduce_max", reduce, MAX, NULL},
    {"reduce_mean", reduce, MEAN, NULL},
    {"reduce_min", reduce, MIN, NULL},
    {"reduce_prod", reduce, PROD, NULL},
    {"reduce_sum", reduce, SUM, NULL},
    {"reduce_sum_square", reduce, SUM_SQUARE, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Reductions over axes. Sums of floats are those of anm_sum, the elements in row-major order;
 * integers are summed in 64 bits and wrap at the end.
 */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"
#include "src/interp/scalar.h"
#include "src/interp/sum.h"

enum { SUM, MEAN, PROD, MAX, MIN, L1, L2, LOG_SUM, SUM_SQUARE, LOG_SUM_EXP };

typedef struct reduction {
    const anm_rvalue *x;
    int rank; /* of the output */
    int64_t shape[ANM_MAX_RANK];
    anm_walk outer, inner; /* over outputs; over the elements of one */
    int64_t each;          /* elements of one */
} reduction;

static bool setup(anm_kcall *k, reduction *r) {
    bool reduced[ANM_MAX_RANK];
    r->x = anm_k_arg(k, "x");
    bool keep = anm_k_bool(k, "keep_dims");
    if (!r->x || !anm_k_axes(k, "axes", r->x->rank, reduced)) return false;
    r->rank = 0;
    for (int i = 0; i < r->x->rank; i++)
        if (!reduced[i] || keep) r->shape[r->rank++] = reduced[i] ? 1 : r->x->shape[i];
    r->each = anm_walk_split(r->x->rank, r->x->shape, reduced, &r->outer, &r->inner);
    return k->status == ANM_OK;
}

/* The elements of one output, one after the other. */
static void collect(const anm_walk *inner, const anm_word *in, anm_word *out) {
    anm_walk w = *inner;
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++) *out++ = in[w.at[0] + i * w.step[0]];
}

static float extreme(const float *x, int64_t n, bool largest) {
    float best = largest ? -INFINITY : INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (isnan(x[i]) || (largest ? x[i] > best : x[i] < best)) best = x[i];
    return best;
}

/* The largest element is taken out first, so that nothing overflows. */
static float log_sum_exp(float *x, int64_t n) {
    float top = extreme(x, n, true);
    if (isinf(top)) top = 0;
    for (int64_t i = 0; i < n; i++) x[i] = anm_expf(x[i] - top);
    return (float)anm_log(anm_sum(x, n, 1)) + top;
}

static float product(const float *x, int64_t n) {
    float all = 1;
    for (int64_t i = 0; i < n; i++) all *= x[i];
    return all;
}

/* Overwrites x. */
static float reduce_floats(int variant, float *x, int64_t n) {
    if (variant == MAX || variant == MIN) return extreme(x, n, variant == MAX);
    if (variant == PROD) return product(x, n);
    if (variant == LOG_SUM_EXP) return log_sum_exp(x, n);
    for (int64_t i = 0; i < n; i++) {
        if (variant == L1) x[i] = fabsf(x[i]);
        if (variant == L2 || variant == SUM_SQUARE) x[i] *= x[i];
    }
    float sum = anm_sum(x, n, 1);
    switch (variant) {
    case MEAN: return sum / (float)n;
    case L2: return sqrtf(sum);
    case LOG_SUM: return (float)anm_log(sum);
    default: return sum;
    }
}

static int64_t combine_ints(int variant, int64_t acc, int32_t x) {
    switch (variant) {
    case PROD: return (int32_t)((uint32_t)acc * (uint32_t)x);
    case MAX: return x > acc ? x : acc;
    case MIN: return x < acc ? x : acc;
    case L1: return acc + (x < 0 ? -(int64_t)x : x);
    case L2:
    case SUM_SQUARE: return (int64_t)((uint64_t)acc + (uint64_t)((int64_t)x * x));
    default: return acc + x;
    }
}

static int32_t reduce_ints(int variant, const int32_t *x, int64_t n) {
    int64_t acc = variant == PROD ? 1 : variant == MAX ? INT32_MIN : variant == MIN ? INT32_MAX : 0;
    for (int64_t i = 0; i < n; i++) acc = combine_ints(variant, acc, x[i]);
    if (variant == MEAN) acc = n ? acc / n : 0;
    if (variant == L2) acc = (int64_t)sqrt((double)acc);
    return (int32_t)(uint32_t)(uint64_t)acc;
}

static void reduce(anm_kcall *k) {
    reduction r;
    int variant = k->kernel->variant;
    if (!setup(k, &r)) return;
    bool floats = anm_k_is_float(r.x);
    if (!floats && (variant == LOG_SUM || variant == LOG_SUM_EXP)) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "of integers is not supported");
        return;
    }
    const anm_word *in = anm_k_words(k, r.x);
    void *list = anm_k_scratch(k, r.each, sizeof(anm_word));
    float *f = floats ? anm_k_out_floats(k, 0, r.rank, r.shape) : NULL;
    int32_t *i32 = floats ? NULL : anm_k_out_ints(k, 0, r.rank, r.shape);
    if (k->status != ANM_OK) return;
    for (bool more = anm_walk_begin(&r.outer); more; more = anm_walk_next(&r.outer))
        for (int64_t i = 0; i < r.outer.length; i++) {
            collect(&r.inner, in + r.outer.at[0] + i * r.outer.step[0], list);
            if (floats) *f++ = reduce_floats(variant, list, r.each);
            else *i32++ = reduce_ints(variant, list, r.each);
        }
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
    {"reduce_log_sum_exp", reduce, LOG_SUM_EXP, NULL},
    {"reduce_max", reduce, MAX, NULL},
    {"reduce_mean", reduce, MEAN, NULL},
    {"reduce_min", reduce, MIN, NULL},
    {"reduce_prod", reduce, PROD, NULL},
    {"reduce_sum", reduce, SUM, NULL},
    {"reduce_sum_square", reduce, SUM_SQUARE, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Elementwise ops of one tensor: functions, rounding, casts. */
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/interp/kernels.h"
#include "src/interp/scalar.h"

static double round_even(double x) {
    return rint(x);
}
static double sign(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : x; /* keeps 0 and NaN */
}
static double exp_fp32(double x) {
    return anm_expf((float)x);
}
static double square(double x) {
    return x * x;
}
static double exp2_exact(double x) {
    return rint(x) == x && fabs(x) < 1100 ? ldexp(1, (int)x) : anm_exp(x * 0x1.62e42fefa39efp-1);
}

/* Integers pass through double exactly; squares of big ones saturate. */
static int32_t to_int32(double x) {
    return x >= 2147483647.0    ? INT32_MAX
           : x > -2147483648.0  ? (int32_t)x
           : x <= -2147483648.0 ? INT32_MIN
                                : 0;
}

static void unary(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    double (*f)(double) = k->kernel->scalar;
    if (!anm_k_is_float(x)) {
        const int32_t *in = anm_k_int32s(k, x);
        int32_t *out = anm_k_out_ints(k, 0, x->rank, x->shape);
        for (int64_t i = 0; out && i < x->count; i++) out[i] = to_int32(f(in[i]));
        return;
    }
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t i = 0; out && i < x->count; i++) out[i] = (float)f(in[i]);
}

/* log, rsqrt, inverse: epsilon is added first, in the type of x. */
static void unary_epsilon(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    float epsilon = (float)anm_k_float(k, "epsilon");
    anm_round_floats(x->dtype, &epsilon, 1);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t i = 0; out && i < x->count; i++)
        out[i] = (float)k->kernel->scalar((double)in[i] + epsilon);
}

static double rsqrt(double x) {
    return 1 / sqrt(x);
}
static double inverse(double x) {
    return 1 / x;
}

static void logical_not(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    const int32_t *in = x ? anm_k_int32s(k, x) : NULL;
    int32_t *out = in ? anm_k_out_ints(k, 0, x->rank, x->shape) : NULL;
    for (int64_t i = 0; out && i < x->count; i++) out[i] = in[i] == 0;
}

/* NaN stays NaN, as with np.minimum and np.maximum. */
static float bounded(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

static void clip(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    float low = (float)anm_k_float(k, "alpha");
    float high = k->kernel->variant ? INFINITY : (float)anm_k_float(k, "beta");
    if (!anm_k_is_float(x)) {
        const int32_t *in = anm_k_int32s(k, x);
        int32_t *out = anm_k_out_ints(k, 0, x->rank, x->shape);
        for (int64_t i = 0; out && i < x->count; i++)
            out[i] = in[i] < (double)low    ? to_int32(low)
                     : in[i] > (double)high ? to_int32(high)
                                            : in[i];
        return;
    }
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t i = 0; out && i < x->count; i++) out[i] = bounded(in[i], low, high);
}

/* Bounds of an integer type that a float is cast to. */
static void int_range(anm_dtype dtype, double *low, double *high) {
    int bits = dtype == ANM_DTYPE_BOOL ? 32 : anm_dtype_bits(dtype);
    if (bits > 32) bits = 32;
    *low = anm_dtype_is_signed(dtype) || dtype == ANM_DTYPE_BOOL ? -ldexp(1, bits - 1) : 0;
    *high = *low == 0 ? ldexp(1, bits) - 1 : -*low - 1;
    if (*high > 2147483647.0) *high = 2147483647.0;
}

static void cast_to_ints(anm_kcall *k, const anm_rvalue *x, anm_dtype dtype) {
    double low, high;
    int32_t *out = anm_k_out_ints(k, 0, x->rank, x->shape);
    if (!out) return;
    if (!anm_k_is_float(x)) {
        const int32_t *in = anm_k_int32s(k, x); /* the caller wraps to the declared type */
        if (in) memcpy(out, in, (size_t)x->count * 4);
        return;
    }
    const float *in = anm_k_floats(k, x);
    int_range(dtype, &low, &high);
    for (int64_t i = 0; in && i < x->count; i++) {
        double value = dtype == ANM_DTYPE_BOOL ? in[i] != 0 : in[i];
        out[i] = isnan(value)    ? 0
                 : value <= low  ? (int32_t)low
                 : value >= high ? (int32_t)high
                                 : (int32_t)value;
    }
}

static void cast(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    anm_dtype dtype = anm_dtype_from_name(anm_sv_from(anm_k_string(k, "dtype")));
    if (dtype == ANM_DTYPE_NONE || anm_dtype_bits(dtype) == 0) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "cannot cast to \"%s\"", anm_k_string(k, "dtype"));
        return;
    }
    if (!anm_dtype_is_float(dtype)) {
        cast_to_ints(k, x, dtype);
        return;
    }
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    if (in && out) memcpy(out, in, (size_t)x->count * 4);
}

const anm_kernel anm_kernels_unary[] = {
    {"abs", unary, 0, fabs},
    {"acos", unary, 0, anm_acos},
    {"acosh", unary, 0, anm_acosh},
    {"asin", unary, 0, anm_asin},
    {"asinh", unary, 0, anm_asinh},
    {"atan", unary, 0, anm_atan},
    {"atanh", unary, 0, anm_atanh},
    {"cast", cast, 0, NULL},
    {"ceil", unary, 0, ceil},
    {"clip", clip, 0, NULL},
    {"cos", unary, 0, anm_cos},
    {"cosh", unary, 0, anm_cosh},
    {"erf", unary, 0, anm_erf},
    {"exp", unary, 0, exp_fp32},
    {"exp2", unary, 0, exp2_exact},
    {"floor", unary, 0, floor},
    {"inverse", unary_epsilon, 0, inverse},
    {"log", unary_epsilon, 0, anm_log},
    {"logical_not", logical_not, 0, NULL},
    {"round", unary, 0, round_even},
    {"rsqrt", unary_epsilon, 0, rsqrt},
    {"sign", unary, 0, sign},
    {"sin", unary, 0, anm_sin},
    {"sinh", unary, 0, anm_sinh},
    {"sqrt", unary, 0, sqrt},
    {"square", unary, 0, square},
    {"tan", unary, 0, anm_tan},
    {"tanh", unary, 0, anm_tanh},
    {"threshold", clip, 1, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Normalisations, with means and variances carried in double, and softmax in fp32. The variance is
 * that of the differences from the mean.
 */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"
#include "src/interp/scalar.h"
#include "src/interp/softmax.h"
#include "src/interp/sum.h"

void anm_softmax(float *x, int64_t n, int64_t stride) {
    float top = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (x[i * stride] > top) top = x[i * stride];
    for (int64_t i = 0; i < n; i++) x[i * stride] = anm_expf(x[i * stride] - top);
    float sum = anm_sum(x, n, stride);
    for (int64_t i = 0; i < n; i++) x[i * stride] /= sum;
}

static void softmax(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int axis = x ? anm_k_axis(k, anm_k_int(k, "axis"), x->rank) : 0;
    const float *in = x ? anm_k_floats(k, x) : NULL;
    float *out = in ? anm_k_out_floats(k, 0, x->rank, x->shape) : NULL;
    if (!out) return;
    memcpy(out, in, (size_t)x->count * sizeof *out);
    int64_t outer = anm_shape_product(x->shape, 0, axis), n = x->shape[axis];
    int64_t inner = anm_shape_product(x->shape, axis + 1, x->rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) anm_softmax(out + o * n * inner + i, n, inner);
}

/* Epsilon in the type of x, as the program's constant has it. */
static double epsilon_of(anm_kcall *k, const anm_rvalue *x) {
    float epsilon = (float)anm_k_float(k, "epsilon");
    anm_round_floats(x->dtype, &epsilon, 1);
    return epsilon;
}

typedef struct moments {
    double mean, scale; /* 1 / sqrt(variance + epsilon) */
} moments;

static moments measure(const float *x, const anm_walk *inner, double epsilon, int64_t n) {
    double sum = 0, squares = 0;
    anm_walk w = *inner;
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++) sum += x[w.at[0] + i * w.step[0]];
    double mean = sum / (double)n;
    w = *inner;
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++) {
            double d = x[w.at[0] + i * w.step[0]] - mean;
            squares += d * d;
        }
    return (moments){mean, 1 / sqrt(squares / (double)n + epsilon)};
}

/* gamma and beta are dense over the normalised axes. */
static void normalise(const float *x, const anm_walk *inner, moments m, const float *gamma,
                      const float *beta, float *out) {
    anm_walk w = *inner;
    int64_t n = 0;
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++, n++) {
            int64_t at = w.at[0] + i * w.step[0];
            double y = (x[at] - m.mean) * m.scale;
            if (gamma) y *= gamma[n];
            if (beta) y += beta[n];
            out[at] = (float)y;
        }
}

static void layer_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    const anm_rvalue *g = anm_k_opt(k, "gamma"), *b = anm_k_opt(k, "beta");
    bool marked[ANM_MAX_RANK];
    anm_walk outer, inner;
    if (!x || !anm_k_axes(k, "axes", x->rank, marked)) return;
    int64_t n = anm_walk_split(x->rank, x->shape, marked, &outer, &inner);
    double epsilon = epsilon_of(k, x);
    const float *in = anm_k_floats(k, x);
    const float *gamma = g ? anm_k_floats(k, g) : NULL, *beta = b ? anm_k_floats(k, b) : NULL;
    if ((g && g->count != n) || (b && b->count != n))
        anm_k_fail(k, ANM_ERROR_MISMATCH, "gamma and beta need %lld elements", (long long)n);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (bool more = out && anm_walk_begin(&outer); more; more = anm_walk_next(&outer))
        for (int64_t i = 0; i < outer.length; i++) {
            int64_t at = outer.at[0] + i * outer.step[0];
            moments m = measure(in + at, &inner, epsilon, n);
            normalise(in + at, &inner, m, gamma, beta, out + at);
        }
}

/* One value per channel (axis 1), or nothing. */
static const float *channel_values(anm_kcall *k, const char *name, const anm_rvalue *x,
                                   bool needed) {
    const anm_rvalue *v = needed ? anm_k_arg(k, name) : anm_k_opt(k, name);
    if (!v) return NULL;
    if (v->count != x->shape[1])
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%s has %lld elements for %lld channels", name,
                   (long long)v->count, (long long)x->shape[1]);
    return anm_k_floats(k, v);
}

static bool has_channels(anm_kcall *k, const anm_rvalue *x) {
    if (x && x->rank >= 2) return true;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "x has no channel axis");
    return false;
}

static void batch_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!has_channels(k, x)) return;
    const float *mean = channel_values(k, "mean", x, true);
    const float *variance = channel_values(k, "variance", x, true);
    const float *gamma = channel_values(k, "gamma", x, false);
    const float *beta = channel_values(k, "beta", x, false);
    double epsilon = epsilon_of(k, x);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    int64_t inner = anm_shape_product(x->shape, 2, x->rank);
    for (int64_t i = 0; out && i < x->count; i++) {
        int64_t c = i / inner % x->shape[1];
        double y = ((double)in[i] - mean[c]) / sqrt(variance[c] + epsilon);
        out[i] = (float)(y * (gamma ? gamma[c] : 1) + (beta ? beta[c] : 0));
    }
}

static void instance_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!has_channels(k, x)) return;
    const float *gamma = channel_values(k, "gamma", x, false);
    const float *beta = channel_values(k, "beta", x, false);
    double epsilon = epsilon_of(k, x);
    int64_t n = anm_shape_product(x->shape, 2, x->rank), one = 1;
    anm_walk plane;
    anm_walk_init(&plane, 1, &n);
    anm_walk_add(&plane, &one, 0);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t p = 0; out && p < x->shape[0] * x->shape[1]; p++, in += n, out += n) {
        int64_t c = p % x->shape[1];
        moments m = measure(in, &plane, epsilon, n);
        for (int64_t i = 0; i < n; i++)
            out[i] =
                (float)((in[i] - m.mean) * m.scale * (gamma ? gamma[c] : 1) + (beta ? beta[c] : 0));
    }
}

/* Over the last three axes together. */
static void l2_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    double epsilon = epsilon_of(k, x);
    int64_t n = anm_shape_product(x->shape, x->rank > 3 ? x->rank - 3 : 0, x->rank);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t start = 0; out && start < x->count; start += n) {
        double squares = 0;
        for (int64_t i = start; i < start + n; i++) squares += (double)in[i] * in[i];
        double scale = 1 / sqrt(squares + epsilon);
        for (int64_t i = start; i < start + n; i++) out[i] = (float)(in[i] * scale);
    }
}

/* Over `size` channels around each one; for an even size one more below than above. */
static void local_response_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!has_channels(k, x)) return;
    int64_t size = anm_k_int(k, "size"), channels = x->shape[1];
    double alpha = anm_k_float(k, "alpha"), beta = anm_k_float(k, "beta"),
           add = anm_k_float(k, "k");
    int64_t inner = anm_shape_product(x->shape, 2, x->rank);
    if (size < 1) anm_k_fail(k, ANM_ERROR_MISMATCH, "size is %lld", (long long)size);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t i = 0; out && i < x->count; i++) {
        int64_t c = i / inner % channels, first = c - size / 2, last = first + size;
        double sum = 0;
        for (int64_t n = first < 0 ? 0 : first; n < last && n < channels; n++) {
            double neighbour = in[i + (n - c) * inner];
            sum += neighbour * neighbour;
        }
        out[i] = (float)(in[i] / anm_pow(add + alpha / (double)size * sum, beta));
    }
}

const anm_kernel anm_kernels_norm[] = {
    {"batch_norm", batch_norm, 0, NULL},
    {"instance_norm", instance_norm, 0, NULL},
    {"l2_norm", l2_norm, 0, NULL},
    {"layer_norm", layer_norm, 0, NULL},
    {"local_response_norm", local_response_norm, 0, NULL},
    {"softmax", softmax, 0, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Activation functions: sigmoid and silu in fp32 (see anm_expf), the others in double. */
#include <math.h>
#include <string.h>

#include "src/interp/activation.h"
#include "src/interp/kernels.h"
#include "src/interp/scalar.h"

static double relu(double x) {
    return x < 0 ? 0 : x;
}
static double relu6(double x) {
    return x < 0 ? 0 : x > 6 ? 6 : x;
}
static double silu(double x) {
    return (float)x / (1 + anm_expf(-(float)x));
}
static double softsign(double x) {
    return x / (1 + fabs(x));
}
static double gelu_exact(double x) {
    return 0.5 * x * (1 + anm_erf(x * 0x1.6a09e667f3bcdp-1));
}
static double gelu_tanh(double x) {
    return 0.5 * x * (1 + anm_tanh(0x1.9884533d43651p-1 * (x + 0.044715 * x * x * x)));
}
static double gelu_sigmoid(double x) {
    return x * anm_sigmoid(1.702 * x);
}

static void apply(anm_kcall *k, double (*f)(double)) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    const float *in = x ? anm_k_floats(k, x) : NULL;
    float *out = in ? anm_k_out_floats(k, 0, x->rank, x->shape) : NULL;
    for (int64_t i = 0; out && i < x->count; i++) out[i] = (float)f(in[i]);
}

static void plain(anm_kcall *k) {
    apply(k, k->kernel->scalar);
}

static void gelu(anm_kcall *k) {
    const char *mode = anm_k_string(k, "mode");
    if (strcmp(mode, "EXACT") == 0) apply(k, gelu_exact);
    else if (strcmp(mode, "TANH_APPROXIMATION") == 0) apply(k, gelu_tanh);
    else if (strcmp(mode, "SIGMOID_APPROXIMATION") == 0) apply(k, gelu_sigmoid);
    else anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "mode \"%s\" is unknown", mode);
}

double anm_activate(anm_activation a, double x, double alpha, double beta) {
    switch (a) {
    case ANM_ACT_LINEAR: return alpha * x + beta;
    case ANM_ACT_RELU: return relu(x);
    case ANM_ACT_TANH: return anm_tanh(x);
    case ANM_ACT_SCALED_TANH: return alpha * anm_tanh(beta * x);
    case ANM_ACT_SIGMOID: return anm_sigmoid(x);
    case ANM_ACT_HARD_SIGMOID: return fmin(fmax(alpha * x + beta, 0), 1);
    case ANM_ACT_CLAMPED_RELU: return fmin(x >= 0 ? x : alpha * x, beta);
    case ANM_ACT_ELU: return x > 0 ? x : alpha * (anm_exp(x) - 1);
    case ANM_ACT_LEAKY_RELU: return x >= 0 ? x : alpha * x;
    case ANM_ACT_THRESHOLDED_RELU: return x >= alpha ? x : 0;
    case ANM_ACT_SOFTPLUS: return alpha * anm_softplus(beta * x);
    }
    return x;
}

/* alpha and beta are scalars, or one value for each channel (axis 1). */
static void parametric(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *a = anm_k_opt(k, "alpha"), *b = anm_k_opt(k, "beta");
    const float *in = x ? anm_k_floats(k, x) : NULL;
    const float *alpha = a ? anm_k_floats(k, a) : NULL, *beta = b ? anm_k_floats(k, b) : NULL;
    if (!in) return;
    int64_t channels = x->rank > 1 ? x->shape[1] : 1;
    int64_t inner = x->rank > 1 ? anm_shape_product(x->shape, 2, x->rank) : 1;
    if ((a && a->count != 1 && a->count != channels) ||
        (b && b->count != 1 && b->count != channels)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "alpha and beta need one value or one per channel");
        return;
    }
    float *out = anm_k_out_floats(k, 0, x->rank, x->shape);
    for (int64_t i = 0; out && i < x->count; i++) {
        int64_t c = i / inner % channels;
        out[i] = (float)anm_activate((anm_activation)k->kernel->variant, in[i],
                                     alpha ? alpha[a->count > 1 ? c : 0] : 0,
                                     beta ? beta[b->count > 1 ? c : 0] : 0);
    }
}

const anm_kernel anm_kernels_activation[] = {
    {"clamped_relu", parametric, ANM_ACT_CLAMPED_RELU, NULL},
    {"elu", parametric, ANM_ACT_ELU, NULL},
    {"gelu", gelu, 0, NULL},
    {"leaky_relu", parametric, ANM_ACT_LEAKY_RELU, NULL},
    {"linear_activation", parametric, ANM_ACT_LINEAR, NULL},
    {"prelu", parametric, ANM_ACT_LEAKY_RELU, NULL},
    {"relu", plain, 0, relu},
    {"relu6", plain, 0, relu6},
    {"scaled_tanh", parametric, ANM_ACT_SCALED_TANH, NULL},
    {"sigmoid", plain, 0, anm_sigmoid},
    {"sigmoid_hard", parametric, ANM_ACT_HARD_SIGMOID, NULL},
    {"silu", plain, 0, silu},
    {"softplus", plain, 0, anm_softplus},
    {"softplus_parametric", parametric, ANM_ACT_SOFTPLUS, NULL},
    {"softsign", plain, 0, softsign},
    {"thresholded_relu", parametric, ANM_ACT_THRESHOLDED_RELU, NULL},
    {NULL, NULL, 0, NULL},
};

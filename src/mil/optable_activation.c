/* SPDX-License-Identifier: MIT */
/* Rows of the op table: activations and softmax. */
#include "src/mil/optable.h"

ARGS(plain) = {REQ("x", ANM_ARG_FLOAT)};
ARGS(gelu) = {REQ("x", ANM_ARG_FLOAT), OPT_STRING("mode", "EXACT")};
ARGS(alpha) = {REQ("x", ANM_ARG_FLOAT), REQ("alpha", CONST_FLOAT)};
ARGS(alpha_beta) = {REQ("x", ANM_ARG_FLOAT), REQ("alpha", CONST_FLOAT), REQ("beta", CONST_FLOAT)};
ARGS(prelu) = {REQ("x", ANM_ARG_FLOAT), REQ("alpha", WEIGHT | ANM_ARG_VECTOR)};
ARGS(channels) = {REQ("x", ANM_ARG_FLOAT), REQ("alpha", WEIGHT | ANM_ARG_VECTOR),
                  REQ("beta", WEIGHT | ANM_ARG_VECTOR)};
ARGS(softmax) = {REQ("x", ANM_ARG_FLOAT), OPT_INT("axis", CONST_INT, -1)};

const anm_mil_op_spec anm_mil_ops_activation[] = {
    ROW("clamped_relu", 15, 1, 0, alpha_beta, same,
        "x, or alpha * x where negative, at most beta"),
    ROW("elu", 15, 1, 0, alpha, same, "x, or alpha * (exp(x) - 1) where negative"),
    ROW("gelu", 15, 1, 0, gelu, gelu, "x times the normal distribution function"),
    ROW("leaky_relu", 15, 1, 0, alpha, same, "x, or alpha * x where negative"),
    ROW("linear_activation", 15, 1, 0, alpha_beta, same, "alpha * x + beta"),
    ROW("prelu", 15, 1, 0, prelu, channels, "x, or alpha[channel] * x where negative"),
    ROW("relu", 15, 1, 0, plain, same, "x, or 0 where negative"),
    ROW("relu6", 15, 1, 0, plain, same, "x between 0 and 6"),
    ROW("scaled_tanh", 15, 1, 0, alpha_beta, same, "alpha * tanh(beta * x)"),
    ROW("sigmoid", 15, 1, 0, plain, same, "1 / (1 + exp(-x))"),
    ROW("sigmoid_hard", 15, 1, 0, alpha_beta, same, "alpha * x + beta between 0 and 1"),
    ROW("silu", 15, 1, 0, plain, same, "x * sigmoid(x)"),
    ROW("softmax", 15, 1, 0, softmax, along_axis, "exp(x) over its sum along an axis"),
    ROW("softplus", 15, 1, 0, plain, same, "log(1 + exp(x))"),
    ROW("softplus_parametric", 15, 1, 0, channels, channels,
        "alpha[channel] * log(1 + exp(beta[channel] * x))"),
    ROW("softsign", 15, 1, 0, plain, same, "x / (1 + |x|)"),
    ROW("thresholded_relu", 15, 1, 0, alpha, same, "x where at least alpha, else 0"),
    END,
};

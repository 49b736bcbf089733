/* SPDX-License-Identifier: MIT */
/* Rows of the op table: convolutions, products, norms, pools, recurrent layers. */
#include "src/mil/optable.h"

#define WINDOW_OPTIONS                                                                             \
    OPT_INT("strides", CONST_INTS, 1), OPT_STRING("pad_type", "valid"),                            \
        OPT_INT("pad", CONST_INTS, 0)
#define RECURRENT_OPTIONS                                                                          \
    OPT("bias", WEIGHT), OPT_STRING("direction", "forward"), OPT_BOOL("output_sequence", 0),       \
        OPT_STRING("activation", "tanh")

ARGS(avg_pool) = {REQ("x", ANM_ARG_FLOAT), REQ("kernel_sizes", CONST_INTS), WINDOW_OPTIONS,
                  OPT_BOOL("exclude_padding_from_average", 0), OPT_BOOL("ceil_mode", 0)};
ARGS(batch_norm) = {REQ("x", ANM_ARG_FLOAT),
                    REQ("mean", WEIGHT | ANM_ARG_VECTOR),
                    REQ("variance", WEIGHT | ANM_ARG_VECTOR),
                    OPT("gamma", WEIGHT | ANM_ARG_VECTOR),
                    OPT("beta", WEIGHT | ANM_ARG_VECTOR),
                    OPT_FLOAT("epsilon", CONST_FLOAT, 1e-5)};
ARGS(conv) = {REQ("x", ANM_ARG_FLOAT),
              REQ("weight", ANM_ARG_FLOAT),
              OPT("bias", ANM_ARG_FLOAT),
              WINDOW_OPTIONS,
              OPT_INT("dilations", CONST_INTS, 1),
              OPT_INT("groups", CONST_INT, 1)};
ARGS(conv_transpose) = {REQ("x", ANM_ARG_FLOAT),
                        REQ("weight", ANM_ARG_FLOAT),
                        OPT("bias", ANM_ARG_FLOAT),
                        WINDOW_OPTIONS,
                        OPT("output_shape", CONST_INTS),
                        OPT_INT("dilations", CONST_INTS, 1),
                        OPT_INT("groups", CONST_INT, 1)};
ARGS(einsum) = {REQ("values", ANM_ARG_FLOAT | ANM_ARG_VARIADIC), REQ("equation", CONST_STRING)};
ARGS(gru) = {REQ("x", ANM_ARG_FLOAT),
             REQ("initial_h", ANM_ARG_FLOAT),
             REQ("weight_ih", WEIGHT),
             REQ("weight_hh", WEIGHT),
             RECURRENT_OPTIONS,
             OPT_STRING("recurrent_activation", "sigmoid"),
             OPT_BOOL("reset_after", 0),
             OPT("input_bias", WEIGHT)};
ARGS(instance_norm) = {REQ("x", ANM_ARG_FLOAT), OPT("gamma", WEIGHT | ANM_ARG_VECTOR),
                       OPT("beta", WEIGHT | ANM_ARG_VECTOR),
                       OPT_FLOAT("epsilon", CONST_FLOAT, 1e-5)};
ARGS(l2_norm) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-6)};
ARGS(layer_norm) = {REQ("x", ANM_ARG_FLOAT), OPT("axes", CONST_INTS), OPT("gamma", ANM_ARG_FLOAT),
                    OPT("beta", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-5)};
ARGS(linear) = {REQ("x", ANM_ARG_NUMBER), REQ("weight", ANM_ARG_NUMBER),
                OPT("bias", ANM_ARG_NUMBER)};
ARGS(local_response_norm) = {REQ("x", ANM_ARG_FLOAT), REQ("size", CONST_INT),
                             OPT_FLOAT("alpha", CONST_FLOAT, 1e-4),
                             OPT_FLOAT("beta", CONST_FLOAT, 0.75), OPT_FLOAT("k", CONST_FLOAT, 1)};
ARGS(lstm) = {REQ("x", ANM_ARG_FLOAT),
              REQ("initial_h", ANM_ARG_FLOAT),
              REQ("initial_c", ANM_ARG_FLOAT),
              REQ("weight_ih", WEIGHT),
              REQ("weight_hh", WEIGHT),
              RECURRENT_OPTIONS,
              OPT_STRING("recurrent_activation", "sigmoid"),
              OPT_STRING("cell_activation", "tanh"),
              OPT("peephole", WEIGHT),
              OPT("clip", CONST_FLOAT),
              OPT("weight_ih_back", WEIGHT),
              OPT("weight_hh_back", WEIGHT),
              OPT("bias_back", WEIGHT),
              OPT("peephole_back", WEIGHT)};
ARGS(matmul) = {REQ("x", ANM_ARG_NUMBER), REQ("y", ANM_ARG_NUMBER), OPT_BOOL("transpose_x", 0),
                OPT_BOOL("transpose_y", 0)};
ARGS(pool) = {REQ("x", ANM_ARG_FLOAT), REQ("kernel_sizes", CONST_INTS), WINDOW_OPTIONS,
              OPT_BOOL("ceil_mode", 0)};
ARGS(rnn) = {REQ("x", ANM_ARG_FLOAT), REQ("initial_h", ANM_ARG_FLOAT), REQ("weight_ih", WEIGHT),
             REQ("weight_hh", WEIGHT), RECURRENT_OPTIONS};
ARGS(attention) = {REQ("query", ANM_ARG_FLOAT), REQ("key", ANM_ARG_FLOAT),
                   REQ("value", ANM_ARG_FLOAT), OPT("attn_mask", ANM_ARG_FLOAT | ANM_ARG_BOOL)};

const anm_mil_op_spec anm_mil_ops_nn[] = {
    ROW("avg_pool", 15, 1, 0, avg_pool, pool, "mean over windows"),
    ROW("batch_norm", 15, 1, 0, batch_norm, batch_norm,
        "(x - mean) / sqrt(variance + epsilon) per channel, then gamma and beta"),
    ROW("conv", 15, 1, 0, conv, conv, "convolution over 1 to 3 dimensions"),
    ROW("conv_transpose", 15, 1, 0, conv_transpose, conv_transpose,
        "transposed convolution over 1 to 3 dimensions"),
    ROW("einsum", 15, 1, 0, einsum, einsum, "sum of products over named dimensions"),
    ROW("gru", 15, 2, 0, gru, gru, "gated recurrent unit: hidden states, the last of them"),
    ROW("instance_norm", 15, 1, 0, instance_norm, instance_norm,
        "mean 0, variance 1 per channel, then gamma and beta"),
    ROW("l2_norm", 15, 1, 0, l2_norm, rank3, "x over its length over the last three dimensions"),
    ROW("l2_pool", 15, 1, 0, pool, pool, "square root of the sum of squares over windows"),
    ROW("layer_norm", 15, 1, 0, layer_norm, layer_norm,
        "mean 0, variance 1 over axes, then gamma and beta"),
    ROW("linear", 15, 1, 0, linear, linear, "x times the transposed weight, plus bias"),
    ROW("local_response_norm", 15, 1, 0, local_response_norm, rank3,
        "x over a power of the squares of neighbouring channels"),
    ROW("lstm", 15, 3, 0, lstm, lstm,
        "long short-term memory: hidden states, the last of them, the last memory"),
    ROW("matmul", 15, 1, 0, matmul, matmul, "matrix product, batch dimensions broadcast"),
    ROW("max_pool", 15, 1, 0, pool, pool, "largest over windows"),
    ROW("rnn", 15, 2, 0, rnn, rnn, "recurrent layer: hidden states, the last of them"),
    ROW("scaled_dot_product_attention", 18, 1, 0, attention, attention,
        "softmax(query x key / sqrt(size) + mask) x value"),
    END,
};

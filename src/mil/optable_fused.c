/* SPDX-License-Identifier: MIT */
/*
 * Rows of the op table: what the optimiser makes of several ops. They are internal: a package that
 * uses one is refused.
 */
#include "src/mil/optable.h"

#define INTERNAL ANM_OP_INTERNAL

ARGS(anm_linear) = {REQ("x", ANM_ARG_FLOAT), REQ("weight", WEIGHT), OPT("bias", WEIGHT),
                    OPT("residual", ANM_ARG_FLOAT)};
ARGS(anm_linear_topk) = {REQ("x", ANM_ARG_FLOAT), REQ("weight", WEIGHT), OPT("bias", WEIGHT),
                         REQ("k", CONST_INT)};
ARGS(anm_gated_linear) = {REQ("x", ANM_ARG_FLOAT), REQ("gate", WEIGHT), REQ("up", WEIGHT),
                          REQ("activation", CONST_STRING)};
ARGS(anm_rms_norm) = {REQ("x", ANM_ARG_FLOAT), OPT("gamma", WEIGHT),
                      REQ("epsilon", CONST_FLOAT)};
ARGS(anm_rope) = {REQ("x", ANM_ARG_FLOAT), REQ("cos", ANM_ARG_FLOAT), REQ("sin", ANM_ARG_FLOAT)};
ARGS(anm_cache_update) = {REQ("input", ANM_ARG_STATE), REQ("update", ANM_ARG_FLOAT),
                          REQ("begin", CONST_INTS), REQ("axis", CONST_INT),
                          REQ("position", ANM_ARG_INT32)};
ARGS(anm_attention) = {REQ("query", ANM_ARG_FLOAT), REQ("key", ANM_ARG_FLOAT),
                       REQ("value", ANM_ARG_FLOAT), OPT("mask", ANM_ARG_FLOAT),
                       REQ("scale", CONST_FLOAT)};

const anm_mil_op_spec anm_mil_ops_fused[] = {
    ROW("anm_attention", 15, 1, INTERNAL, anm_attention, fused_attention,
        "softmax(query key^T * scale + mask) value, query heads in groups sharing a key head"),
    ROW("anm_cache_update", 18, 0, INTERNAL | ANM_OP_STATEFUL, anm_cache_update, cache_update,
        "writes update into a state at begin, moved by position along axis"),
    ROW("anm_gated_linear", 15, 1, INTERNAL, anm_gated_linear, gated_linear,
        "activation(x gate^T) * (x up^T)"),
    ROW("anm_linear", 15, 1, INTERNAL, anm_linear, fused_linear,
        "x weight^T + bias + residual, over the last dimension"),
    ROW("anm_linear_topk", 15, 2, INTERNAL, anm_linear_topk, linear_topk,
        "the k largest of x weight^T + bias over the last dimension, and where they are"),
    ROW("anm_rms_norm", 15, 1, INTERNAL, anm_rms_norm, same,
        "x / sqrt(mean(x^2) + epsilon) * gamma, over the last dimension"),
    ROW("anm_rope", 15, 1, INTERNAL, anm_rope, rope,
        "pairs of the two halves of the last dimension, turned by the angles of cos and sin"),
    END,
};

/* SPDX-License-Identifier: MIT */
/*
 * scaled_dot_product_attention that did not become anm_attention (masks that differ by batch, masks
 * that are constants) is written out: a product, scale, mask, softmax, a product. In between it is
 * fp32, as the engine's floats are: casts cost nothing.
 */
#include <math.h>

#include "src/base/dtype.h"
#include "src/pass/pass.h"

static anm_mil_value *as(anm_flow *g, anm_mil_value *value, anm_dtype dtype) {
    if (!value || value->type->dtype == dtype) return value;
    return anm_flow_emit(g, "cast", value->name, {"x", value},
                         {"dtype", anm_flow_string(g, "dtype", anm_dtype_name(dtype))});
}

static anm_mil_value *product(anm_flow *g, const char *name, anm_mil_value *x, anm_mil_value *y,
                              bool turned) {
    if (!x || !y) return NULL;
    return anm_flow_emit(g, "matmul", name, {"x", x}, {"y", y},
                         {"transpose_x", anm_flow_bool(g, "transpose_x", false)},
                         {"transpose_y", anm_flow_bool(g, "transpose_y", turned)});
}

/* Minus infinity where a mask of bools is false. */
static anm_mil_value *masked(anm_flow *g, anm_mil_value *scores, anm_mil_value *mask) {
    if (!scores || !mask) return scores;
    if (mask->type->dtype != ANM_DTYPE_BOOL)
        return anm_flow_emit(g, "add", "scores", {"x", scores}, {"y", as(g, mask, ANM_DTYPE_FP32)});
    return anm_flow_emit(g, "select", "scores", {"cond", mask}, {"a", scores},
                         {"b", anm_flow_float(g, "hidden", -INFINITY)});
}

static anm_mil_value *spell(anm_flow *g, const anm_mil_op *op) {
    anm_mil_value *q = anm_arg_value(op, "query"), *k = anm_arg_value(op, "key");
    anm_mil_value *v = anm_arg_value(op, "value"), *mask = anm_arg_value(op, "attn_mask");
    if (!q || !k || !v || q->type->rank < 3) return NULL;
    if (!mask && anm_mil_operand_present(anm_mil_op_operand(op, "attn_mask"))) return NULL;
    double scale = 1 / sqrt((double)q->type->shape[q->type->rank - 1]);
    anm_mil_value *scores = as(g, product(g, "scores", q, k, true), ANM_DTYPE_FP32);
    if (!scores) return NULL;
    scores = anm_flow_emit(g, "mul", "scores", {"x", scores},
                           {"y", anm_flow_float(g, "scale", scale)});
    scores = masked(g, scores, mask);
    if (!scores) return NULL;
    anm_mil_value *weights = anm_flow_emit(g, "softmax", "weights", {"x", scores},
                                           {"axis", anm_flow_int(g, "axis", -1)});
    return product(g, op->outputs[0]->name, as(g, weights, v->type->dtype), v, false);
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    if (anm_is_op(op, "scaled_dot_product_attention")) anm_flow_replace_op(g, op, spell(g, op));
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_spell_attention(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

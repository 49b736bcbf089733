/* SPDX-License-Identifier: MIT */
/*
 * Root mean square norms. ANEMLL writes them as the first half of the layer norm of (x, -x), whose
 * mean is 0 and whose variance is the mean of x^2; others as x * rsqrt(mean(x^2) + epsilon).
 */
#include "src/pass/pass.h"
#include "src/pass/view.h"

static bool is_last_axis(const anm_mil_op *op, const char *name, int rank) {
    int64_t axis[ANM_MAX_RANK];
    int n = 1;
    return anm_mil_op_get_ints(op, name, axis, ANM_MAX_RANK, &n) && n == 1 &&
           (axis[0] == -1 || axis[0] == rank - 1);
}

/* The x of concat(x, -x) over the last axis. */
static anm_mil_value *doubled(const anm_mil_op *concat) {
    const anm_mil_arg *values = concat ? anm_mil_op_arg(concat, "values") : NULL;
    double factor = 0;
    int64_t axis;
    if (!values || values->count != 2 || !anm_mil_op_get_int(concat, "axis", &axis)) return NULL;
    anm_mil_value *x = values->operands[0].value, *negative = values->operands[1].value;
    if (!x || (axis != -1 && axis != x->type->rank - 1)) return NULL;
    const anm_mil_op *mul = anm_value_def(negative, "mul");
    return mul && anm_other_operand(mul, &factor) == x && factor == -1 ? x : NULL;
}

static bool is_first_half(const anm_mil_op *slice, const anm_mil_value *x) {
    const anm_mil_value *whole = anm_arg_value(slice, "x");
    anm_view v = anm_view_of_type(whole->type), want = v;
    want.shape[want.rank - 1] /= 2;
    return anm_view_apply(&v, slice) && anm_view_equal(&v, &want) &&
           anm_same_shape(slice->outputs[0]->type, x->type);
}

static anm_mil_value *from_layer_norm(anm_flow *g, const anm_mil_op *slice) {
    const anm_mil_op *norm = anm_arg_def(slice, "x", "layer_norm");
    double epsilon;
    if (!norm || anm_mil_op_arg(norm, "gamma") || anm_mil_op_arg(norm, "beta") ||
        !anm_mil_op_get_float(norm, "epsilon", &epsilon) ||
        !is_last_axis(norm, "axes", norm->outputs[0]->type->rank))
        return NULL;
    anm_mil_value *x = doubled(anm_arg_def(norm, "x", "concat"));
    if (!x || !is_first_half(slice, x)) return NULL;
    return anm_flow_emit(g, "anm_rms_norm", slice->outputs[0]->name, {"x", x},
                          {"epsilon", anm_flow_float(g, "epsilon", epsilon)});
}

/* x^2, as a square, a product or a power. */
static bool is_square_of(const anm_mil_value *value, const anm_mil_value *x) {
    double power;
    const anm_mil_op *op = value ? value->def : NULL;
    if (anm_is_op(op, "square")) return anm_arg_value(op, "x") == x;
    if (anm_is_op(op, "mul")) return anm_arg_value(op, "x") == x && anm_arg_value(op, "y") == x;
    return anm_is_op(op, "pow") && anm_arg_value(op, "x") == x &&
           anm_operand_number(anm_mil_op_operand(op, "y"), &power) && power == 2;
}

/* Whether `scale` is rsqrt(mean(x^2) + epsilon). */
static bool is_inverse_rms(const anm_mil_value *scale, const anm_mil_value *x, double *epsilon) {
    double inside = 0;
    bool keep = false;
    const anm_mil_op *root = anm_value_def(scale, "rsqrt");
    const anm_mil_value *under = anm_arg_value(root, "x");
    if (!root) return false;
    if (!anm_mil_op_get_float(root, "epsilon", &inside)) inside = 0;
    const anm_mil_op *add = anm_value_def(under, "add");
    double added = 0;
    if (add) under = anm_other_operand(add, &added);
    const anm_mil_op *mean = anm_value_def(under, "reduce_mean");
    if (!mean || !anm_mil_op_get_bool(mean, "keep_dims", &keep) || !keep ||
        !is_last_axis(mean, "axes", x->type->rank))
        return false;
    *epsilon = inside + added;
    return is_square_of(anm_arg_value(mean, "x"), x);
}

static anm_mil_value *from_rsqrt(anm_flow *g, const anm_mil_op *mul) {
    double epsilon;
    anm_mil_value *x = anm_arg_value(mul, "x"), *y = anm_arg_value(mul, "y"), *in = NULL;
    if (!x || !y) return NULL;
    if (is_inverse_rms(y, x, &epsilon)) in = x;
    else if (is_inverse_rms(x, y, &epsilon)) in = y;
    if (!in) return NULL;
    return anm_flow_emit(g, "anm_rms_norm", mul->outputs[0]->name, {"x", in},
                          {"epsilon", anm_flow_float(g, "epsilon", epsilon)});
}

/* A vector over the last dimension. */
static bool is_gamma(const anm_mil_value *gamma, const anm_mil_type *x) {
    return gamma && anm_is_constant(gamma) && gamma->type->rank >= 1 &&
           gamma->type->shape[gamma->type->rank - 1] == x->shape[x->rank - 1] &&
           anm_type_elements(gamma->type) == x->shape[x->rank - 1];
}

static anm_mil_value *with_gamma(anm_flow *g, const anm_mil_op *mul) {
    const anm_mil_op *norm = anm_arg_def(mul, "x", "anm_rms_norm");
    anm_mil_value *gamma = anm_arg_value(mul, norm ? "y" : "x");
    if (!norm) norm = anm_arg_def(mul, "y", "anm_rms_norm");
    if (!norm || anm_mil_op_arg(norm, "gamma") || !is_gamma(gamma, norm->outputs[0]->type) ||
        mul->outputs[0]->type->rank != norm->outputs[0]->type->rank)
        return NULL;
    return anm_flow_emit(g, "anm_rms_norm", mul->outputs[0]->name,
                          {"x", anm_arg_value(norm, "x")}, {"gamma", gamma},
                          {"epsilon", anm_arg_value(norm, "epsilon")});
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_mil_value *by = NULL;
    if (anm_is_op(op, "slice_by_index")) by = from_layer_norm(g, op);
    else if (anm_is_op(op, "mul")) {
        by = with_gamma(g, op);
        if (!by) by = from_rsqrt(g, op);
    }
    if (by) anm_flow_replace_op(g, op, by);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_rms_norm(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

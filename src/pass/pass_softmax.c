/* SPDX-License-Identifier: MIT */
/* exp(x - max(x)) / sum(exp(x - max(x))), written out, becomes softmax. */
#include "src/pass/pass.h"

/* The x of a reduction over the last axis that keeps its place. */
static anm_mil_value *reduced(const anm_mil_value *value, const char *type, int64_t *axis) {
    const anm_mil_op *op = anm_value_def(value, type);
    bool keep = false;
    int64_t axes[ANM_MAX_RANK];
    int n = 1;
    if (!op || !anm_mil_op_get_bool(op, "keep_dims", &keep) || !keep ||
        !anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, &n) || n != 1)
        return NULL;
    anm_mil_value *x = anm_arg_value(op, "x");
    *axis = axes[0] < 0 && x ? axes[0] + x->type->rank : axes[0];
    return x;
}

static anm_mil_value *match(anm_flow *g, const anm_mil_op *div) {
    int64_t axis, other;
    const anm_mil_op *power = anm_arg_def(div, "x", "exp");
    const anm_mil_op *sub = anm_arg_def(power, "x", "sub");
    anm_mil_value *x = anm_arg_value(sub, "x");
    if (!x || reduced(anm_arg_value(div, "y"), "reduce_sum", &axis) != power->outputs[0] ||
        reduced(anm_arg_value(sub, "y"), "reduce_max", &other) != x || axis != other)
        return NULL;
    return anm_flow_emit(g, "softmax", div->outputs[0]->name, {"x", x},
                         {"axis", anm_flow_int(g, "axis", axis)});
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    if (anm_is_op(op, "real_div")) {
        anm_mil_value *by = match(g, op);
        if (by) anm_flow_replace_op(g, op, by);
    }
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_softmax(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

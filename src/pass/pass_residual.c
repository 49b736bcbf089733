/* SPDX-License-Identifier: MIT */
/* add(r, linear(x)) becomes linear(x, residual = r), where the linear op has no other user. */
#include "src/pass/pass.h"
#include "src/pass/view.h"

/* Back through reshapes that only this sum uses. */
static const anm_mil_op *own_linear(const anm_flow *g, const anm_mil_value *value) {
    while (value && value->def && g->uses[value->id] == 1 && anm_op_keeps_order(value->def))
        value = anm_arg_value(value->def, "x");
    const anm_mil_op *op = anm_value_def(value, "anm_linear");
    return op && !anm_mil_op_arg(op, "residual") && g->uses[value->id] == 1 ? op : NULL;
}

static anm_mil_value *match(anm_flow *g, const anm_mil_op *add) {
    const anm_mil_type *type = add->outputs[0]->type;
    const char *const names[] = {"y", "x"};
    for (int i = 0; i < 2; i++) {
        const anm_mil_op *linear = own_linear(g, anm_arg_value(add, names[i]));
        anm_mil_value *residual = anm_arg_value(add, names[!i]);
        if (!linear || !residual || anm_is_constant(residual) ||
            !anm_same_shape(residual->type, type) ||
            anm_type_elements(linear->outputs[0]->type) != anm_type_elements(type))
            continue;
        anm_mil_value *y = anm_flow_emit(
            g, "anm_linear", add->outputs[0]->name, {"x", anm_arg_value(linear, "x")},
            {"weight", anm_arg_value(linear, "weight")}, {"bias", anm_arg_value(linear, "bias")},
            {"residual", residual});
        return y ? anm_flow_reshape(g, y, type->rank, type->shape) : NULL;
    }
    return NULL;
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    if (anm_is_op(op, "add")) {
        anm_mil_value *by = match(g, op);
        if (by) anm_flow_replace_op(g, op, by);
    }
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_residual(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

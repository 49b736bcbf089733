/* SPDX-License-Identifier: MIT */
/* activation(x gate^T) * (x up^T), for SwiGLU and GeGLU. */
#include <string.h>

#include "src/pass/pass.h"

/* The activation's name in anm_gated_linear, or NULL. */
static const char *activation_of(const anm_mil_op *op) {
    const char *mode = "EXACT";
    if (anm_is_op(op, "silu")) return "silu";
    if (!anm_is_op(op, "gelu")) return NULL;
    anm_mil_op_get_string(op, "mode", &mode);
    if (strcmp(mode, "EXACT") == 0) return "gelu";
    return strcmp(mode, "TANH_APPROXIMATION") == 0 ? "gelu_tanh" : NULL;
}

static const anm_mil_op *bare_linear(const anm_flow *g, const anm_mil_value *value) {
    const anm_mil_op *op = anm_value_def(value, "anm_linear");
    return op && !anm_mil_op_arg(op, "bias") && !anm_mil_op_arg(op, "residual") &&
                   g->uses[value->id] == 1
               ? op
               : NULL;
}

static anm_mil_value *match(anm_flow *g, const anm_mil_op *mul) {
    const char *const names[] = {"x", "y"};
    for (int i = 0; i < 2; i++) {
        anm_mil_value *active = anm_arg_value(mul, names[i]);
        const anm_mil_op *act = active ? active->def : NULL;
        const char *name = act ? activation_of(act) : NULL;
        const anm_mil_op *gate = name ? bare_linear(g, anm_arg_value(act, "x")) : NULL;
        const anm_mil_op *up = bare_linear(g, anm_arg_value(mul, names[!i]));
        if (!gate || !up || anm_arg_value(gate, "x") != anm_arg_value(up, "x") ||
            !anm_same_shape(gate->outputs[0]->type, up->outputs[0]->type))
            continue;
        return anm_flow_emit(g, "anm_gated_linear", mul->outputs[0]->name,
                              {"x", anm_arg_value(gate, "x")},
                              {"gate", anm_arg_value(gate, "weight")},
                              {"up", anm_arg_value(up, "weight")},
                              {"activation", anm_flow_string(g, "activation", name)});
    }
    return NULL;
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    if (anm_is_op(op, "mul")) {
        anm_mil_value *by = match(g, op);
        if (by) anm_flow_replace_op(g, op, by);
    }
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_gated(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

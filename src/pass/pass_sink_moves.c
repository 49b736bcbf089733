/* SPDX-License-Identifier: MIT */
/*
 * op(transpose(x)) becomes transpose(op(x)) for elementwise ops, when every operand that is not a
 * single number is transposed alike. So elementwise ops stand beside what feeds them.
 */
#include <string.h>

#include "src/pass/pass.h"

static const char *const unary[] = {"silu", "gelu", "relu", "sigmoid", "tanh", "exp", "square",
                                    "sqrt", "abs", "erf", "softplus"};
static const char *const binary[] = {"add", "mul", "sub", "real_div", "maximum", "minimum"};

static bool is_one_of(const anm_mil_op *op, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (anm_is_op(op, names[i])) return true;
    return false;
}

static bool same_perm(const anm_mil_op *a, const anm_mil_op *b, int rank, int64_t *perm) {
    int64_t other[ANM_MAX_RANK];
    int n = rank, m = rank;
    return anm_mil_op_get_ints(a, "perm", perm, ANM_MAX_RANK, &n) && n == rank &&
           anm_mil_op_get_ints(b, "perm", other, ANM_MAX_RANK, &m) && m == rank &&
           memcmp(perm, other, (size_t)rank * sizeof *perm) == 0;
}

/* The op again, x (and y) being what was transposed. */
static anm_mil_value *rebuild(anm_flow *g, const anm_mil_op *op, anm_mil_value *x,
                              anm_mil_value *y) {
    anm_mil_binding bindings[8];
    size_t count = 0;
    if (op->arg_count > 8) return NULL;
    for (size_t i = 0; i < op->arg_count; i++) {
        anm_mil_operand o = op->args[i].operands[0];
        if (op->args[i].count != 1) return NULL;
        if (strcmp(op->args[i].name, "x") == 0 && x) o = (anm_mil_operand){x, NULL};
        if (strcmp(op->args[i].name, "y") == 0 && y) o = (anm_mil_operand){y, NULL};
        bindings[count++] =
            (anm_mil_binding){.arg = op->args[i].name, .value = o.value, .literal = o.literal};
    }
    return anm_flow_insert(g, op->type, op->outputs[0]->name, bindings, count);
}

static anm_mil_value *sink_unary(anm_flow *g, const anm_mil_op *op) {
    const anm_mil_op *t = anm_arg_def(op, "x", "transpose");
    int64_t perm[ANM_MAX_RANK];
    if (!t || !same_perm(t, t, op->outputs[0]->type->rank, perm)) return NULL;
    return anm_flow_transpose(g, rebuild(g, op, anm_arg_value(t, "x"), NULL), perm);
}

static bool is_number(const anm_mil_op *op, const char *name) {
    const anm_mil_type *type = anm_mil_operand_type(anm_mil_op_operand(op, name));
    return type && type->kind == ANM_MIL_TENSOR && anm_type_elements(type) == 1;
}

static anm_mil_value *sink_binary(anm_flow *g, const anm_mil_op *op) {
    const anm_mil_op *a = anm_arg_def(op, "x", "transpose"), *b = anm_arg_def(op, "y", "transpose");
    int64_t perm[ANM_MAX_RANK];
    int rank = op->outputs[0]->type->rank;
    const anm_mil_op *one = a ? a : b, *other = a && b ? b : one;
    if (!one || one->outputs[0]->type->rank != rank || !same_perm(one, other, rank, perm))
        return NULL;
    if (a && b && !anm_same_shape(a->outputs[0]->type, b->outputs[0]->type)) return NULL;
    if (!(a && b) && !is_number(op, a ? "y" : "x")) return NULL;
    return anm_flow_transpose(
        g, rebuild(g, op, a ? anm_arg_value(a, "x") : NULL, b ? anm_arg_value(b, "x") : NULL),
        perm);
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_mil_value *by = NULL;
    if (is_one_of(op, unary, sizeof unary / sizeof unary[0])) by = sink_unary(g, op);
    else if (is_one_of(op, binary, sizeof binary / sizeof binary[0])) by = sink_binary(g, op);
    if (by) anm_flow_replace_op(g, op, by);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_sink_moves(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

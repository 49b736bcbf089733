/* SPDX-License-Identifier: MIT */
/*
 * A chain of transposes, reshapes, squeezes and expansions that in the end leaves the elements in
 * order becomes one reshape, or nothing.
 */
#include "src/pass/pass.h"
#include "src/pass/view.h"

static bool is_move(const anm_mil_op *op) {
    return op && (anm_is_op(op, "transpose") || anm_op_keeps_order(op)) &&
           anm_arg_value(op, "x") != NULL;
}

/* Composes the moves from `root` to `op`. */
static bool compose(const anm_mil_op *op, const anm_mil_value *root, anm_view *v) {
    const anm_mil_value *x = anm_arg_value(op, "x");
    if (x == root) *v = anm_view_of_type(root->type);
    else if (!compose(x->def, root, v)) return false;
    return anm_view_apply(v, op);
}

/* The farthest value of which this one is only another shape. */
static anm_mil_value *find_root(const anm_mil_op *op, int *steps) {
    anm_mil_value *best = NULL, *root = anm_arg_value(op, "x");
    anm_view v;
    for (int n = 1;; n++) {
        if (compose(op, root, &v) && anm_view_is_dense(&v)) best = root, *steps = n;
        if (!is_move(root->def)) return best;
        root = anm_arg_value(root->def, "x");
    }
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    int steps = 0;
    if (!is_move(op)) return true;
    const anm_mil_type *type = op->outputs[0]->type;
    anm_mil_value *root = find_root(op, &steps);
    if (!root) return true;
    if (steps == 1 && anm_is_op(op, "reshape") && !anm_same_shape(root->type, type)) return true;
    if (root->type->dtype != type->dtype) return true;
    anm_flow_replace_op(g, op, anm_flow_reshape(g, root, type->rank, type->shape));
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_join_moves(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

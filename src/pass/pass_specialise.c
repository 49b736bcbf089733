/* SPDX-License-Identifier: MIT */
/*
 * Types again from the shapes of the inputs, op by op, so that no dimension stays unknown; and ops
 * of which everything is known are computed, by the interpreter.
 */
#include <string.h>

#include "src/interp/interp.h"
#include "src/pass/pass.h"

enum { MOST_FOLDED = 1 << 16 }; /* elements of a constant that is worth computing now */

static bool is_known(const anm_mil_type *type) {
    if (type->kind != ANM_MIL_TENSOR || type->rank < 0) return false;
    for (int i = 0; i < type->rank; i++)
        if (type->shape[i] < 0) return false;
    return true;
}

static bool take_types(anm_flow *g, anm_mil_op *op) {
    const anm_mil_type *types[16] = {NULL};
    anm_mil_infer infer = {g->program->arena, types, op->output_count, ""};
    if (op->output_count > 16 || !anm_mil_infer_types(op, &infer)) return false;
    for (size_t i = 0; i < op->output_count; i++)
        if (types[i] && is_known(types[i])) op->outputs[i]->type = types[i];
    return true;
}

/* What gives the same elements in another shape, whatever says so. */
static bool is_reshape(const anm_mil_op *op) {
    return (anm_is_op(op, "reshape_like") || anm_is_op(op, "flatten2d")) &&
           is_known(op->outputs[0]->type) && anm_arg_value(op, "x");
}

static anm_mil_value *plain_reshape(anm_flow *g, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    return anm_flow_emit(g, "reshape", op->outputs[0]->name, {"x", anm_arg_value(op, "x")},
                         {"shape", anm_flow_ints(g, "shape", type->rank, type->shape)});
}

/* Only what the shape says is asked for. */
static bool reads_shape_only(const anm_mil_op *op) {
    return anm_is_op(op, "shape") && is_known(anm_mil_operand_type(anm_mil_op_operand(op, "x")));
}

static bool may_fold(const anm_mil_op *op) {
    if (anm_is_op(op, "const") || op->spec->flags & (ANM_OP_STATEFUL | ANM_OP_CONSTEXPR) ||
        op->output_count != 1 || strncmp(op->type, "random_", 7) == 0)
        return false;
    const anm_mil_type *type = op->outputs[0]->type;
    if (!is_known(type) || type->dtype == ANM_DTYPE_STRING || anm_type_elements(type) > MOST_FOLDED)
        return false;
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_value *value = op->args[i].operands[n].value;
            if (value && !value->constant) return false;
        }
    return true;
}

static anm_mil_value *fold_shape(anm_flow *g, const anm_mil_op *op) {
    const anm_mil_type *x = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    return anm_flow_ints(g, op->outputs[0]->name, x->rank, x->shape);
}

/* A function of the constants that the op reads, and the op. */
static anm_mil_function *function_of(anm_flow *g, const anm_mil_op *op) {
    anm_arena *arena = g->program->arena;
    anm_mil_function *f = ANM_ARENA_NEW(arena, anm_mil_function);
    anm_mil_block *body = ANM_ARENA_NEW(arena, anm_mil_block);
    anm_mil_op *copy = anm_arena_copy(arena, op, sizeof *op);
    if (!f || !body || !copy) return NULL;
    *f = (anm_mil_function){.name = op->type, .opset = g->function->opset, .body = body,
                            .value_count = g->function->value_count};
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_value *value = op->args[i].operands[n].value;
            anm_mil_op *def = value ? anm_arena_copy(arena, value->def, sizeof *def) : NULL;
            if (!def) continue;
            def->prev = def->next = NULL;
            anm_mil_block_append(body, def);
        }
    copy->prev = copy->next = NULL;
    anm_mil_block_append(body, copy);
    body->outputs = copy->outputs;
    body->output_count = 1;
    return f;
}

/* In the declared type, as the interpreter's fp16 mode rounds. A failure leaves the op alone. */
static anm_mil_value *compute(anm_flow *g, const anm_mil_op *op) {
    anm_error ignored;
    anm_interp *interp = NULL;
    anm_interp_result *result = NULL;
    anm_mil_value *value = NULL;
    size_t count;
    anm_mil_function *f = function_of(g, op);
    if (f && anm_interp_create(f, ANM_PRECISION_FP16, &interp, &ignored) == ANM_OK &&
        anm_interp_run(interp, NULL, 0, NULL, 0, &result, &ignored) == ANM_OK) {
        const anm_tensor *t = anm_interp_result_tensors(result, &count);
        anm_mil_op *last = g->function->body->last;
        value = anm_mil_builder_tensor(&g->builder, op->outputs[0]->name, t->dtype, t->rank,
                                       t->shape, t->data);
        if (value && last->next) {
            anm_mil_op *def = last->next;
            anm_mil_block_remove(g->function->body, def);
            anm_mil_block_insert_before(g->function->body, g->at, def);
        }
    }
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    return value;
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    if (!anm_is_op(op, "const")) take_types(g, op);
    if (reads_shape_only(op)) anm_flow_replace_op(g, op, fold_shape(g, op));
    else if (is_reshape(op)) anm_flow_replace_op(g, op, plain_reshape(g, op));
    else if (may_fold(op)) anm_flow_replace_op(g, op, compute(g, op));
    return true;
}

anm_status anm_pass_specialise(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

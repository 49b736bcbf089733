/* SPDX-License-Identifier: MIT */
/* Inserting ops into a graph, and reading the ops around a value. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/pass/flow.h"

/* The builder appends; what it appended moves before the op at hand. */
static void settle(anm_flow *g, anm_mil_op *last) {
    anm_mil_block *body = g->function->body;
    if (!g->at) return;
    for (anm_mil_op *op = last ? last->next : body->first, *next; op; op = next) {
        next = op->next;
        anm_mil_block_remove(body, op);
        anm_mil_block_insert_before(body, g->at, op);
    }
}

anm_mil_value *anm_flow_insert(anm_flow *g, const char *type, const char *name,
                                const anm_mil_binding *bindings, size_t count) {
    anm_mil_op *last = g->function->body->last;
    for (size_t i = 0; i < count; i++)
        if (bindings[i].values && !bindings[i].count) return NULL;
    anm_mil_value *value = anm_mil_builder_op(&g->builder, type, name, bindings, count);
    settle(g, last);
    return value;
}

bool anm_flow_insert_multi(anm_flow *g, const char *type, const char *name,
                           const anm_mil_binding *bindings, size_t count, anm_mil_value **outputs,
                           size_t output_count) {
    anm_mil_op *last = g->function->body->last;
    bool ok = anm_mil_builder_op_multi(&g->builder, type, name, bindings, count, outputs,
                                       output_count);
    settle(g, last);
    return ok;
}

bool anm_flow_insert_effect(anm_flow *g, const char *type, const char *name,
                             const anm_mil_binding *bindings, size_t count) {
    anm_mil_value *none[1];
    return anm_flow_insert_multi(g, type, name, bindings, count, none, 0);
}

anm_mil_value *anm_flow_ints(anm_flow *g, const char *name, int count, const int64_t *values) {
    anm_mil_op *last = g->function->body->last;
    int32_t narrow[ANM_MAX_RANK];
    for (int i = 0; i < count && i < ANM_MAX_RANK; i++) narrow[i] = (int32_t)values[i];
    anm_mil_value *value = anm_mil_builder_ints(&g->builder, name, count, narrow);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_constant(anm_flow *g, const char *name, anm_dtype dtype, int rank,
                                 const int64_t *shape, const void *data) {
    anm_mil_op *last = g->function->body->last;
    anm_mil_value *value = anm_mil_builder_borrow(&g->builder, name, dtype, rank, shape, data);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_int(anm_flow *g, const char *name, int64_t number) {
    anm_mil_op *last = g->function->body->last;
    anm_mil_value *value = anm_mil_builder_int(&g->builder, name, (int32_t)number);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_float(anm_flow *g, const char *name, double number) {
    anm_mil_op *last = g->function->body->last;
    float f = (float)number;
    anm_mil_value *value = anm_mil_builder_tensor(&g->builder, name, ANM_DTYPE_FP32, 0, NULL, &f);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_bool(anm_flow *g, const char *name, bool b) {
    anm_mil_op *last = g->function->body->last;
    anm_mil_value *value = anm_mil_builder_bool(&g->builder, name, b);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_string(anm_flow *g, const char *name, const char *text) {
    anm_mil_op *last = g->function->body->last;
    anm_mil_value *value = anm_mil_builder_string(&g->builder, name, text);
    settle(g, last);
    return value;
}

anm_mil_value *anm_flow_reshape(anm_flow *g, anm_mil_value *value, int rank,
                                 const int64_t *shape) {
    if (!value) return NULL;
    const anm_mil_type *type = value->type;
    if (type->rank == rank && memcmp(type->shape, shape, (size_t)rank * sizeof *shape) == 0)
        return value;
    return anm_flow_emit(g, "reshape", value->name, {"x", value},
                          {"shape", anm_flow_ints(g, "shape", rank, shape)});
}

anm_mil_value *anm_flow_transpose(anm_flow *g, anm_mil_value *value, const int64_t *perm) {
    if (!value) return NULL;
    return anm_flow_emit(g, "transpose", value->name, {"x", value},
                          {"perm", anm_flow_ints(g, "perm", value->type->rank, perm)});
}

/* Reading. */

bool anm_is_op(const anm_mil_op *op, const char *type) {
    return op && strcmp(op->type, type) == 0;
}

bool anm_is_constant(const anm_mil_value *value) {
    return value->constant || (value->def && value->def->spec &&
                               value->def->spec->flags & ANM_OP_CONSTEXPR);
}

anm_mil_value *anm_arg_value(const anm_mil_op *op, const char *name) {
    return op ? anm_mil_op_operand(op, name).value : NULL;
}

anm_mil_op *anm_value_def(const anm_mil_value *value, const char *type) {
    return value && anm_is_op(value->def, type) ? value->def : NULL;
}

anm_mil_op *anm_arg_def(const anm_mil_op *op, const char *name, const char *type) {
    return anm_value_def(anm_arg_value(op, name), type);
}

bool anm_operand_number(anm_mil_operand operand, double *out) {
    const anm_mil_literal *literal = anm_mil_operand_constant(operand);
    if (!literal || literal->type->kind != ANM_MIL_TENSOR || !literal->data) return false;
    int64_t count = anm_mil_literal_elements(literal);
    if (count < 1 || anm_dtype_bits(literal->type->dtype) < 8) return false;
    double first = anm_element_get(literal->type->dtype, literal->data, 0);
    for (int64_t i = 1; i < count; i++)
        if (anm_element_get(literal->type->dtype, literal->data, i) != first) return false;
    *out = first;
    return true;
}

anm_mil_value *anm_other_operand(const anm_mil_op *op, double *constant) {
    if (anm_operand_number(anm_mil_op_operand(op, "y"), constant)) return anm_arg_value(op, "x");
    if (anm_operand_number(anm_mil_op_operand(op, "x"), constant)) return anm_arg_value(op, "y");
    return NULL;
}

int64_t anm_type_elements(const anm_mil_type *type) {
    int64_t n = 1;
    for (int i = 0; i < type->rank; i++) n *= type->shape[i];
    return n;
}

bool anm_same_shape(const anm_mil_type *a, const anm_mil_type *b) {
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

bool anm_holds_places(anm_dtype dtype, int64_t n) {
    return (dtype == ANM_DTYPE_INT32 && n <= INT32_MAX) ||
           (dtype == ANM_DTYPE_UINT16 && n <= UINT16_MAX + 1) ||
           (dtype == ANM_DTYPE_INT16 && n <= INT16_MAX + 1);
}

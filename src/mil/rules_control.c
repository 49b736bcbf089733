/* SPDX-License-Identifier: MIT */
/* Type rules of control flow and lists. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* What two types have in common: dimensions that differ become unknown. NULL when kind, element
 * type or rank differ, or memory is out. */
static const anm_mil_type *common_type(anm_arena *arena, const anm_mil_type *a,
                                       const anm_mil_type *b) {
    if (anm_mil_type_equal(a, b)) return a;
    if (a->kind != ANM_MIL_TENSOR || b->kind != ANM_MIL_TENSOR)
        return anm_mil_type_compatible(a, b) ? a : NULL;
    int64_t shape[ANM_MAX_RANK];
    if (a->dtype != b->dtype || a->rank != b->rank) return NULL;
    for (int i = 0; i < a->rank; i++)
        shape[i] = a->shape[i] == b->shape[i] ? a->shape[i] : ANM_DIM_UNKNOWN;
    return anm_mil_type_tensor(arena, a->dtype, a->rank, shape);
}

bool anm_mil_rule_cond(const anm_mil_op *op, anm_mil_infer *infer) {
    if (op->block_count != 2)
        return anm_mil_refuse(infer, "has %zu blocks instead of 2", op->block_count);
    for (int i = 0; i < 2; i++) {
        if (op->blocks[i]->input_count)
            return anm_mil_refuse(infer, "block %d must not have inputs", i);
        if (op->blocks[i]->output_count != infer->output_count)
            return anm_mil_refuse(infer, "block %d gives %zu values, the op %zu", i,
                                  op->blocks[i]->output_count, infer->output_count);
    }
    for (size_t i = 0; i < infer->output_count; i++) {
        infer->outputs[i] = common_type(infer->arena, op->blocks[0]->outputs[i]->type,
                                        op->blocks[1]->outputs[i]->type);
        if (!infer->outputs[i])
            return anm_mil_refuse(infer, "the blocks' output %zu differs in type", i);
    }
    return true;
}

static bool fits_var(anm_mil_infer *infer, const anm_mil_value *value, anm_mil_operand var,
                     const char *what) {
    char have[160], want[160];
    const anm_mil_type *type = anm_mil_operand_type(var);
    return anm_mil_type_compatible(value->type, type) ||
           anm_mil_refuse(infer, "%s \"%.40s\" is %.80s, the loop variable %.80s", what,
                          value->name, anm_mil_type_format(value->type, have, sizeof have),
                          anm_mil_type_format(type, want, sizeof want));
}

static bool check_counts(const anm_mil_op *op, anm_mil_infer *infer, size_t n) {
    if (op->block_count != 2)
        return anm_mil_refuse(infer, "has %zu blocks instead of 2", op->block_count);
    if (infer->output_count != n)
        return anm_mil_refuse(infer, "has %zu outputs for %zu variables", infer->output_count, n);
    for (int i = 0; i < 2; i++)
        if (op->blocks[i]->input_count != n)
            return anm_mil_refuse(infer, "block %d has %zu inputs for %zu variables", i,
                                  op->blocks[i]->input_count, n);
    if (op->blocks[1]->output_count != n)
        return anm_mil_refuse(infer, "the body gives %zu values for %zu variables",
                              op->blocks[1]->output_count, n);
    if (op->blocks[0]->output_count != 1)
        return anm_mil_refuse(infer, "the condition gives %zu values instead of 1",
                              op->blocks[0]->output_count);
    return true;
}

bool anm_mil_rule_while_loop(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_arg *vars = anm_mil_op_arg(op, "loop_vars");
    size_t n = vars ? vars->count : 0;
    if (!check_counts(op, infer, n)) return false;
    const anm_mil_type *go = op->blocks[0]->outputs[0]->type;
    if (go->kind != ANM_MIL_TENSOR || go->dtype != ANM_DTYPE_BOOL || go->rank > 1)
        return anm_mil_refuse(infer, "the condition does not give one bool");
    for (size_t i = 0; i < n; i++) {
        if (!fits_var(infer, op->blocks[0]->inputs[i], vars->operands[i], "input") ||
            !fits_var(infer, op->blocks[1]->inputs[i], vars->operands[i], "input") ||
            !fits_var(infer, op->blocks[1]->outputs[i], vars->operands[i], "output"))
            return false;
        infer->outputs[i] = common_type(infer->arena, op->blocks[1]->outputs[i]->type,
                                        anm_mil_operand_type(vars->operands[i]));
    }
    return true;
}

/* The type of a list argument; NULL, with a message, for a tuple or a dict. */
static const anm_mil_type *list_type(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ls = anm_mil_type_of(op, "ls");
    if (ls->kind == ANM_MIL_LIST && ls->count == 1) return ls;
    anm_mil_refuse(infer, "argument \"ls\" is not a list");
    return NULL;
}

bool anm_mil_rule_make_list(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_arg *dims = anm_mil_op_arg(op, "elem_shape");
    int64_t shape[ANM_MAX_RANK], length = ANM_DIM_UNKNOWN;
    const char *name = "";
    bool dynamic = true;
    size_t n = dims ? dims->count : 0;
    if (n > ANM_MAX_RANK) return anm_mil_refuse(infer, "elem_shape has %zu dimensions", n);
    for (size_t i = 0; i < n; i++) {
        /* A string names a dimension that is not known. */
        if (!anm_mil_literal_int(anm_mil_operand_constant(dims->operands[i]), 0, &shape[i]))
            shape[i] = ANM_DIM_UNKNOWN;
        if (shape[i] < ANM_DIM_UNKNOWN) return anm_mil_refuse(infer, "elem_shape is negative");
    }
    if (!anm_mil_op_get_string(op, "dtype", &name) ||
        !anm_mil_op_get_bool(op, "dynamic_length", &dynamic))
        return anm_mil_refuse(infer, "dtype or dynamic_length is not constant");
    anm_dtype dtype = anm_dtype_from_name(anm_sv_from(name));
    if (dtype == ANM_DTYPE_NONE) return anm_mil_refuse(infer, "there is no type \"%s\"", name);
    if (!dynamic && anm_mil_op_get_int(op, "init_length", &length) && length < 0)
        return anm_mil_refuse(infer, "init_length is negative");
    const anm_mil_type *element = anm_mil_type_tensor(infer->arena, dtype, (int)n, shape);
    infer->outputs[0] =
        element ? anm_mil_type_compound(infer->arena, ANM_MIL_LIST, &element, 1, length) : NULL;
    return infer->outputs[0] || anm_mil_refuse(infer, "out of memory");
}

bool anm_mil_rule_list_length(const anm_mil_op *op, anm_mil_infer *infer) {
    return list_type(op, infer) && anm_mil_give(infer, 0, ANM_DTYPE_INT32, 0, NULL);
}

bool anm_mil_rule_list_read(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ls = list_type(op, infer);
    if (!ls) return false;
    infer->outputs[0] = ls->items[0];
    return true;
}

bool anm_mil_rule_list_gather(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ls = list_type(op, infer), *indices = anm_mil_type_of(op, "indices");
    int64_t shape[ANM_MAX_RANK];
    if (!ls) return false;
    const anm_mil_type *e = ls->items[0];
    if (e->kind != ANM_MIL_TENSOR) return anm_mil_refuse(infer, "the elements are not tensors");
    if (e->rank < 0) return anm_mil_give(infer, 0, e->dtype, -1, NULL);
    if (e->rank == ANM_MAX_RANK) return anm_mil_refuse(infer, "the elements' rank is too high");
    shape[0] = indices->rank < 0 ? ANM_DIM_UNKNOWN : indices->rank ? indices->shape[0] : 1;
    memcpy(shape + 1, e->shape, (size_t)e->rank * sizeof *shape);
    return anm_mil_give(infer, 0, e->dtype, e->rank + 1, shape);
}

/* An element that is written must be what the list holds. */
static bool check_element(anm_mil_infer *infer, const anm_mil_type *ls,
                          const anm_mil_type *value) {
    char have[160], want[160];
    return anm_mil_type_compatible(ls->items[0], value) ||
           anm_mil_refuse(infer, "value is %.90s, the list's elements are %.90s",
                          anm_mil_type_format(value, have, sizeof have),
                          anm_mil_type_format(ls->items[0], want, sizeof want));
}

bool anm_mil_rule_list_write(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ls = list_type(op, infer);
    infer->outputs[0] = ls;
    return ls && check_element(infer, ls, anm_mil_type_of(op, "value"));
}

bool anm_mil_rule_list_scatter(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ls = list_type(op, infer), *value = anm_mil_type_of(op, "value");
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    if (!ls) return false;
    infer->outputs[0] = ls;
    if (value->rank < 0) return true;
    if (value->rank == 0) return anm_mil_refuse(infer, "value needs rank 1 or more");
    if (indices->rank == 1 && indices->shape[0] >= 0 && value->shape[0] >= 0 &&
        indices->shape[0] != value->shape[0])
        return anm_mil_refuse(infer, "%lld indices for %lld values", (long long)indices->shape[0],
                              (long long)value->shape[0]);
    anm_mil_type row = {.kind = ANM_MIL_TENSOR, .dtype = value->dtype, .rank = value->rank - 1};
    memcpy(row.shape, value->shape + 1, (size_t)row.rank * sizeof *row.shape);
    return check_element(infer, ls, &row);
}

/* A label, and a dict from labels to probabilities; how exact the latter are is not said. */
bool anm_mil_rule_classify(const anm_mil_op *op, anm_mil_infer *infer) {
    if (op->output_count == 2 && op->outputs[1] && op->outputs[1]->type->kind != ANM_MIL_DICT)
        return anm_mil_refuse(infer, "the second output must be a dictionary");
    infer->outputs[0] = infer->outputs[1] = NULL;
    return true;
}

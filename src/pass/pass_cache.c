/* SPDX-License-Identifier: MIT */
/*
 * write_state(slice_update(read_state)) becomes anm_cache_update, which writes the rows that are
 * new and no others. It must be a plain window: steps of 1, all bounds constant but for one
 * position that is known when the function runs.
 */
#include "src/pass/cachewindow.h"
#include "src/pass/pass.h"

static bool one_int(anm_mil_operand o, int64_t *out) {
    const anm_mil_literal *literal = anm_mil_operand_constant(o);
    return literal && anm_mil_literal_elements(literal) == 1 &&
           anm_mil_literal_int(literal, 0, out);
}

static bool is_index(const anm_mil_value *value) {
    return value && value->type->kind == ANM_MIL_TENSOR && value->type->dtype == ANM_DTYPE_INT32 &&
           anm_type_elements(value->type) == 1;
}

/* begin = concat of numbers and one position, or all constant. */
static bool read_begin(const anm_mil_op *op, int rank, anm_cache_window *w) {
    int n = rank;
    w->axis = -1;
    if (anm_mil_op_get_ints(op, "begin", w->begin, ANM_MAX_RANK, &n)) return n == rank;
    const anm_mil_op *concat = anm_arg_def(op, "begin", "concat");
    const anm_mil_arg *parts = concat ? anm_mil_op_arg(concat, "values") : NULL;
    if (!parts || parts->count != (size_t)rank) return false;
    for (int i = 0; i < rank; i++) {
        if (one_int(parts->operands[i], &w->begin[i])) continue;
        if (w->axis >= 0 || !is_index(parts->operands[i].value)) return false;
        w->axis = i;
        w->begin[i] = 0;
        w->position = parts->operands[i].value;
    }
    return true;
}

/* Part `i` of the end: a number, or the position plus one. */
static bool end_of(const anm_mil_op *op, int i, const anm_mil_value *position, int64_t *out) {
    int64_t ends[ANM_MAX_RANK];
    int n = ANM_MAX_RANK;
    double count;
    if (anm_mil_op_get_ints(op, "end", ends, ANM_MAX_RANK, &n))
        return i < n && !position && (*out = ends[i], true);
    const anm_mil_op *concat = anm_arg_def(op, "end", "concat");
    const anm_mil_arg *parts = concat ? anm_mil_op_arg(concat, "values") : NULL;
    if (!parts || parts->count <= (size_t)i) return false;
    if (!position) return one_int(parts->operands[i], out);
    const anm_mil_op *add = anm_value_def(parts->operands[i].value, "add");
    if (!add || anm_other_operand(add, &count) != position) return false;
    *out = (int64_t)count;
    return true;
}

static void flags(const anm_mil_op *op, const char *name, int64_t *out) {
    int n = ANM_MAX_RANK;
    for (int i = 0; i < ANM_MAX_RANK; i++) out[i] = 0;
    if (anm_mil_operand_present(anm_mil_op_operand(op, name)) &&
        !anm_mil_op_get_ints(op, name, out, ANM_MAX_RANK, &n))
        out[0] = 1;
}

/* The window is as large as the update, for every position. */
static bool ends_fit(const anm_mil_op *op, const anm_mil_type *state, const int64_t *shape,
                     const anm_cache_window *w) {
    int64_t open[ANM_MAX_RANK], end;
    flags(op, "end_mask", open);
    for (int i = 0; i < state->rank; i++) {
        bool moves = i == w->axis;
        if (open[i]) end = state->shape[i];
        else if (!end_of(op, i, moves ? w->position : NULL, &end)) return false;
        if (open[i] && moves) return false;
        if (end < 0) end += state->shape[i];
        if (end - w->begin[i] != shape[i]) return false;
    }
    return true;
}

static bool is_plain(const anm_mil_op *op, int rank) {
    int64_t values[ANM_MAX_RANK];
    int n = rank;
    flags(op, "squeeze_mask", values);
    for (int i = 0; i < rank; i++)
        if (values[i]) return false;
    flags(op, "begin_mask", values);
    for (int i = 0; i < rank; i++)
        if (values[i]) return false;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, "stride"))) return true;
    if (!anm_mil_op_get_ints(op, "stride", values, ANM_MAX_RANK, &n)) return false;
    for (int i = 0; i < n; i++)
        if (values[i] != 1) return false;
    return true;
}

bool anm_cache_window_read(const anm_mil_op *op, const anm_mil_type *state,
                           const int64_t *shape, anm_cache_window *w) {
    const anm_mil_value *update = anm_arg_value(op, "update");
    if (!update || update->type->rank != state->rank || !is_plain(op, state->rank) ||
        !read_begin(op, state->rank, w) || !ends_fit(op, state, shape, w))
        return false;
    for (int i = 0; i < state->rank; i++)
        if (w->begin[i] < 0 || w->begin[i] + shape[i] > state->shape[i]) return false;
    return true;
}

/* Between reading and writing nobody else may write the state. */
static bool is_fresh(const anm_mil_op *read, const anm_mil_op *write, const anm_mil_value *state) {
    for (const anm_mil_op *op = read->next; op && op != write; op = op->next)
        if (op->spec->flags & ANM_OP_STATEFUL && !anm_is_op(op, "read_state") &&
            (anm_arg_value(op, "input") == state || anm_arg_value(op, "state") == state))
            return false;
    return true;
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_cache_window w = {.axis = -1};
    if (!anm_is_op(op, "write_state")) return true;
    anm_mil_value *state = anm_arg_value(op, "input");
    const anm_mil_op *update = anm_arg_def(op, "data", "slice_update");
    const anm_mil_op *read = anm_arg_def(update, "x", "read_state");
    if (!read || anm_arg_value(read, "input") != state || !is_fresh(read, op, state) ||
        !anm_arg_value(update, "update") ||
        !anm_cache_window_read(update, state->type->items[0],
                               anm_arg_value(update, "update")->type->shape, &w))
        return true;
    int rank = state->type->items[0]->rank;
    anm_mil_value *position = w.axis < 0 ? anm_flow_int(g, "position", 0) : w.position;
    anm_mil_binding bindings[] = {
        {"input", state},
        {"update", anm_arg_value(update, "update")},
        {"begin", anm_flow_ints(g, "begin", rank, w.begin)},
        {"axis", anm_flow_int(g, "axis", w.axis < 0 ? 0 : w.axis)},
        {"position", position},
    };
    if (anm_flow_insert_effect(g, "anm_cache_update", op->type, bindings, 5))
        anm_mil_block_remove(g->function->body, op);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_cache(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

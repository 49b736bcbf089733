/* SPDX-License-Identifier: MIT */
/*
 * What multiplies by a constant matrix becomes anm_linear over the last dimension: `linear`,
 * `matmul` with a constant, which is turned where its rows are not outputs, and 1x1 convolutions,
 * around which transposes bring the channels last and back (the passes after this one remove them).
 */
#include <string.h>

#include "src/base/arena.h"
#include "src/interp/interp.h"
#include "src/pass/constants.h"
#include "src/pass/pass.h"

static bool all_equal(const anm_mil_op *op, const char *name, int count, int64_t wanted) {
    int64_t values[2 * ANM_MAX_RANK];
    int n = count;
    if (!anm_mil_op_get_ints(op, name, values, 2 * ANM_MAX_RANK, &n) || n != count) return false;
    for (int i = 0; i < n; i++)
        if (values[i] != wanted) return false;
    return true;
}

/* One tap, one group, nothing padded or skipped. */
static bool is_pointwise(const anm_mil_op *op, const anm_mil_type *weight) {
    const char *padding;
    int64_t groups;
    int spatial = weight->rank - 2;
    for (int i = 2; i < weight->rank; i++)
        if (weight->shape[i] != 1) return false;
    if (spatial < 1 || !anm_mil_op_get_int(op, "groups", &groups) || groups != 1) return false;
    if (!all_equal(op, "strides", spatial, 1)) return false;
    return !anm_mil_op_get_string(op, "pad_type", &padding) || padding[0] != 'c' ||
           all_equal(op, "pad", 2 * spatial, 0);
}

static anm_mil_value *pointwise(anm_flow *g, const anm_mil_op *op) {
    anm_mil_value *x = anm_arg_value(op, "x"), *weight = anm_arg_value(op, "weight");
    int64_t last[ANM_MAX_RANK] = {0}, back[ANM_MAX_RANK] = {0};
    if (!x || !weight || !anm_is_constant(weight) || !is_pointwise(op, weight->type)) return NULL;
    int rank = x->type->rank;
    for (int i = 1; i < rank; i++) {
        last[i] = i + 1 < rank ? i + 1 : 1;
        back[i] = i > 1 ? i - 1 : rank - 1;
    }
    anm_mil_value *rows = anm_flow_transpose(g, x, last);
    anm_mil_value *y = anm_flow_emit(g, "anm_linear", op->outputs[0]->name, {"x", rows},
                                      {"weight", weight}, {"bias", anm_arg_value(op, "bias")});
    return anm_flow_transpose(g, y, back);
}

static anm_mil_value *plain(anm_flow *g, const anm_mil_op *op) {
    anm_mil_value *x = anm_arg_value(op, "x"), *weight = anm_arg_value(op, "weight");
    if (!x || !weight || !anm_is_constant(weight) || x->type->rank < 1) return NULL;
    return anm_flow_emit(g, "anm_linear", op->outputs[0]->name, {"x", x}, {"weight", weight},
                          {"bias", anm_arg_value(op, "bias")});
}

/* from is [rows, columns]. */
static void turn(const char *from, size_t size, int64_t rows, int64_t columns, char *to) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            memcpy(to + (size_t)(c * rows + r) * size, from + (size_t)(r * columns + c) * size,
                   size);
}

/* The constant with its rows as columns, decoded if it was compressed. */
static const anm_tensor *make_turned(anm_flow *g, const anm_mil_value *y, anm_tensor *t) {
    anm_error ignored;
    anm_tensor from;
    anm_arena *scratch = anm_arena_create();
    void *data = NULL;
    bool known = scratch && anm_interp_constant(y, scratch, &from, &ignored) == ANM_OK;
    size_t size = !known                           ? 0
                  : from.dtype == ANM_DTYPE_FP16 ? 2
                  : from.dtype == ANM_DTYPE_FP32 ? 4
                                                 : 0;
    if (size) data = anm_arena_alloc(anm_constants_arena(g, y), from.bytes);
    if (data) {
        turn(from.data, size, y->type->shape[0], y->type->shape[1], data);
        *t = (anm_tensor){.dtype = from.dtype, .data = data, .bytes = from.bytes};
    }
    anm_arena_destroy(scratch);
    return data && anm_constants_keep(g, y, ANM_CONSTANT_TURNED, t) ? t : NULL;
}

static anm_mil_value *turned(anm_flow *g, const anm_mil_value *y) {
    anm_tensor own;
    const anm_tensor *t = anm_constants_find(g, y, ANM_CONSTANT_TURNED);
    int64_t shape[2] = {y->type->shape[1], y->type->shape[0]};
    if (!t) t = make_turned(g, y, &own);
    return t ? anm_flow_constant(g, y->name, t->dtype, 2, shape, t->data) : NULL;
}

static anm_mil_value *product(anm_flow *g, const anm_mil_op *op) {
    anm_mil_value *x = anm_arg_value(op, "x"), *y = anm_arg_value(op, "y");
    bool turn_x = true, turn_y = false;
    if (!x || !y || !anm_is_constant(y) || anm_is_constant(x) || y->type->rank != 2 ||
        x->type->rank < 2)
        return NULL;
    if (!anm_mil_op_get_bool(op, "transpose_x", &turn_x) || turn_x) return NULL;
    if (!anm_mil_op_get_bool(op, "transpose_y", &turn_y)) return NULL;
    if (!turn_y) y = turned(g, y);
    if (!y) return NULL;
    return anm_flow_emit(g, "anm_linear", op->outputs[0]->name, {"x", x}, {"weight", y});
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_mil_value *by = NULL;
    if (anm_is_op(op, "conv")) by = pointwise(g, op);
    else if (anm_is_op(op, "linear")) by = plain(g, op);
    else if (anm_is_op(op, "matmul")) by = product(g, op);
    if (by) anm_flow_replace_op(g, op, by);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_linear(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}

/* SPDX-License-Identifier: MIT */
/* Type rules of elementwise ops, and the helpers all rule files share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

bool anm_mil_refuse(anm_mil_infer *infer, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(infer->message, sizeof infer->message, fmt, args);
    va_end(args);
    return false;
}

bool anm_mil_give(anm_mil_infer *infer, size_t index, anm_dtype dtype, int rank,
                  const int64_t *shape) {
    infer->outputs[index] = anm_mil_type_tensor(infer->arena, dtype, rank, shape);
    return infer->outputs[index] || anm_mil_refuse(infer, "out of memory");
}

/* Known 1 gives way; an unknown dimension against a known one above 1 takes the known one. */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *out) {
    if (a == 1 || a == b) *out = b;
    else if (b == 1) *out = a;
    else if (a < 0 || b < 0) *out = a < 0 ? b : a;
    else return false;
    return true;
}

bool anm_mil_broadcast(const anm_mil_type *a, const anm_mil_type *b, int *rank, int64_t *shape) {
    if (a->rank < 0 || b->rank < 0) {
        *rank = -1;
        return true;
    }
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < *rank; i++) {
        int ia = i - (*rank - a->rank), ib = i - (*rank - b->rank);
        if (!broadcast_dim(ia < 0 ? 1 : a->shape[ia], ib < 0 ? 1 : b->shape[ib], &shape[i]))
            return false;
    }
    return true;
}

bool anm_mil_give_unknown(anm_mil_infer *infer, anm_dtype dtype, int rank) {
    int64_t shape[ANM_MAX_RANK];
    for (int i = 0; i < rank; i++) shape[i] = ANM_DIM_UNKNOWN;
    return anm_mil_give(infer, 0, dtype, rank, shape);
}

const anm_mil_type *anm_mil_type_of(const anm_mil_op *op, const char *arg) {
    return anm_mil_operand_type(anm_mil_op_operand(op, arg));
}

bool anm_mil_axis(anm_mil_infer *infer, int64_t *axis, int rank) {
    if (*axis < -rank || *axis >= rank)
        return anm_mil_refuse(infer, "axis %lld is out of range for rank %d", (long long)*axis,
                              rank);
    if (*axis < 0) *axis += rank;
    return true;
}

bool anm_mil_read_axis(const anm_mil_op *op, anm_mil_infer *infer, const char *name, int rank,
                       int64_t *axis) {
    if (!anm_mil_op_get_int(op, name, axis))
        return anm_mil_refuse(infer, "%s is not constant", name);
    return rank < 0 || anm_mil_axis(infer, axis, rank);
}

bool anm_mil_same_dim(int64_t a, int64_t b) {
    return a < 0 || b < 0 || a == b;
}

bool anm_mil_rule_const(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_literal *val = anm_mil_op_attr(op, "val");
    if (!val) return anm_mil_refuse(infer, "has no \"val\" attribute");
    infer->outputs[0] = val->type;
    return true;
}

static bool broadcast_both(const anm_mil_op *op, anm_mil_infer *infer, const char *a, const char *b,
                           int *rank, int64_t *shape) {
    const anm_mil_type *x = anm_mil_type_of(op, a), *y = anm_mil_type_of(op, b);
    char xs[ANM_SHAPE_TEXT], ys[ANM_SHAPE_TEXT];
    if (x->dtype != y->dtype)
        return anm_mil_refuse(infer, "%s is %s but %s is %s", a, anm_dtype_name(x->dtype), b,
                              anm_dtype_name(y->dtype));
    return anm_mil_broadcast(x, y, rank, shape) ||
           anm_mil_refuse(infer, "shapes %s and %s do not broadcast",
                          anm_shape_format(x->shape, x->rank, xs, sizeof xs),
                          anm_shape_format(y->shape, y->rank, ys, sizeof ys));
}

/* Arithmetic: both operands of one type, broadcast. */
bool anm_mil_rule_binary(const anm_mil_op *op, anm_mil_infer *infer) {
    int rank;
    int64_t shape[ANM_MAX_RANK];
    return broadcast_both(op, infer, "x", "y", &rank, shape) &&
           anm_mil_give(infer, 0, anm_mil_type_of(op, "x")->dtype, rank, shape);
}

bool anm_mil_rule_compare(const anm_mil_op *op, anm_mil_infer *infer) {
    int rank;
    int64_t shape[ANM_MAX_RANK];
    return broadcast_both(op, infer, "x", "y", &rank, shape) &&
           anm_mil_give(infer, 0, ANM_DTYPE_BOOL, rank, shape);
}

bool anm_mil_rule_same(const anm_mil_op *op, anm_mil_infer *infer) {
    infer->outputs[0] = anm_mil_type_of(op, "x");
    return true;
}

bool anm_mil_rule_cast(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const char *name = "";
    if (!anm_mil_op_get_string(op, "dtype", &name)) return anm_mil_refuse(infer, "has no dtype");
    anm_dtype dtype = anm_dtype_from_name(anm_sv_from(name));
    if (dtype == ANM_DTYPE_NONE || dtype == ANM_DTYPE_STRING)
        return anm_mil_refuse(infer, "cannot cast to \"%s\"", name);
    return anm_mil_give(infer, 0, dtype, x->rank, x->shape);
}

bool anm_mil_rule_select(const anm_mil_op *op, anm_mil_infer *infer) {
    int rank;
    int64_t shape[ANM_MAX_RANK];
    if (!broadcast_both(op, infer, "a", "b", &rank, shape)) return false;
    anm_mil_type both = {.kind = ANM_MIL_TENSOR, .rank = rank};
    for (int i = 0; i < rank; i++) both.shape[i] = shape[i];
    if (!anm_mil_broadcast(&both, anm_mil_type_of(op, "cond"), &rank, shape))
        return anm_mil_refuse(infer, "cond does not broadcast with a and b");
    return anm_mil_give(infer, 0, anm_mil_type_of(op, "a")->dtype, rank, shape);
}

bool anm_mil_rule_gelu(const anm_mil_op *op, anm_mil_infer *infer) {
    const char *mode = "";
    if (!anm_mil_op_get_string(op, "mode", &mode) ||
        (strcmp(mode, "EXACT") != 0 && strcmp(mode, "TANH_APPROXIMATION") != 0 &&
         strcmp(mode, "SIGMOID_APPROXIMATION") != 0))
        return anm_mil_refuse(infer, "there is no mode \"%s\"", mode);
    return anm_mil_rule_same(op, infer);
}

/* Parameters are single or one for each channel (dimension 1). */
bool anm_mil_rule_channels(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t channels = x->rank > 1 ? x->shape[1] : ANM_DIM_UNKNOWN;
    for (size_t i = 1; i < op->spec->arg_count; i++) {
        const anm_mil_type *t = anm_mil_type_of(op, op->spec->args[i].name);
        if (t->rank != 1 || t->shape[0] <= 1 || channels < 0 || t->shape[0] == channels) continue;
        return anm_mil_refuse(infer, "%s has %lld values for %lld channels", op->spec->args[i].name,
                              (long long)t->shape[0], (long long)channels);
    }
    return anm_mil_rule_same(op, infer);
}

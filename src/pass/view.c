/* SPDX-License-Identifier: MIT */
#include "src/pass/view.h"

#include <string.h>

#include "src/mil/ops.h"
#include "src/pass/flow.h"

anm_view anm_view_dense(int rank, const int64_t *shape) {
    anm_view v = {.rank = rank};
    int64_t n = 1;
    for (int i = rank - 1; i >= 0; i--) {
        v.shape[i] = shape[i];
        v.stride[i] = n;
        n *= shape[i];
    }
    return v;
}

anm_view anm_view_of_type(const anm_mil_type *type) {
    return anm_view_dense(type->rank, type->shape);
}

int64_t anm_view_elements(const anm_view *v) {
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->shape[i];
    return n;
}

bool anm_view_is_dense(const anm_view *v) {
    int64_t n = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        if (v->shape[i] != 1 && v->stride[i] != n) return false;
        n *= v->shape[i];
    }
    return true;
}

bool anm_view_equal(const anm_view *a, const anm_view *b) {
    if (a->rank != b->rank || a->offset != b->offset) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i] || (a->shape[i] != 1 && a->stride[i] != b->stride[i]))
            return false;
    return true;
}

bool anm_view_transpose(anm_view *v, const int64_t *perm) {
    anm_view old = *v;
    for (int i = 0; i < v->rank; i++) {
        int64_t from = perm[i] < 0 ? perm[i] + v->rank : perm[i];
        v->shape[i] = old.shape[from];
        v->stride[i] = old.stride[from];
    }
    return true;
}

/* Dimensions of more than one element, neighbours joined where one continues the other. */
static int join_dims(const anm_view *v, int64_t *shape, int64_t *stride) {
    int n = 0;
    for (int i = 0; i < v->rank; i++) {
        if (v->shape[i] == 1) continue;
        if (n && stride[n - 1] == v->shape[i] * v->stride[i]) {
            shape[n - 1] *= v->shape[i];
            stride[n - 1] = v->stride[i];
        } else {
            shape[n] = v->shape[i];
            stride[n++] = v->stride[i];
        }
    }
    return n;
}

/* Splits the joined dimensions again, as the new shape has it, from the last to the first. */
bool anm_view_reshape(anm_view *v, int rank, const int64_t *shape) {
    int64_t joined[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    anm_view next = {.rank = rank, .offset = v->offset};
    int n = join_dims(v, joined, stride) - 1;
    int64_t done = 1; /* of joined[n] */
    for (int i = rank - 1; i >= 0; i--) {
        next.shape[i] = shape[i];
        if (shape[i] == 1) continue;
        if (shape[i] < 1) return false; /* nothing: no strides say that */
        while (n >= 0 && done == joined[n]) n--, done = 1;
        if (n < 0 || joined[n] % (done * shape[i])) return false;
        next.stride[i] = stride[n] * done;
        done *= shape[i];
    }
    *v = next;
    return true;
}

bool anm_view_slice(anm_view *v, int axis, int64_t begin, int64_t size, int64_t step) {
    v->offset += begin * v->stride[axis];
    v->shape[axis] = size;
    v->stride[axis] *= step;
    return true;
}

/* Flags of a mask argument; absent: all false. */
static void read_flags(const anm_mil_op *op, const char *name, int rank, int64_t *out) {
    int count = rank;
    memset(out, 0, ANM_MAX_RANK * sizeof *out);
    if (!anm_mil_op_get_ints(op, name, out, ANM_MAX_RANK, &count))
        memset(out, 0, ANM_MAX_RANK * sizeof *out);
}

static bool read_ints(const anm_mil_op *op, const char *name, int rank, int64_t *out) {
    int count = rank;
    return anm_mil_op_get_ints(op, name, out, ANM_MAX_RANK, &count) && count == rank;
}

/* Sizes come from the declared type; begins and steps from the arguments. */
static bool slice_by_index(anm_view *v, const anm_mil_op *op) {
    const anm_mil_type *x = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    const anm_mil_type *out = op->outputs[0]->type;
    int64_t begin[ANM_MAX_RANK], step[ANM_MAX_RANK], open[ANM_MAX_RANK], squeeze[ANM_MAX_RANK];
    anm_view next = *v;
    int rank = x->rank, to = 0;
    if (!read_ints(op, "begin", rank, begin)) return false;
    if (!read_ints(op, "stride", rank, step))
        for (int i = 0; i < rank; i++) step[i] = 1;
    read_flags(op, "begin_mask", rank, open);
    read_flags(op, "squeeze_mask", rank, squeeze);
    for (int i = 0; i < rank; i++) {
        if (step[i] <= 0 || (!squeeze[i] && to >= out->rank)) return false;
        int64_t first = open[i] ? 0 : begin[i] < 0 ? begin[i] + x->shape[i] : begin[i];
        int64_t size = squeeze[i] ? 1 : out->shape[to];
        if (first < 0 || size < 1 || first + (size - 1) * step[i] >= x->shape[i]) return false;
        anm_view_slice(&next, i, first, size, step[i]);
        to += !squeeze[i];
    }
    *v = next;
    return anm_view_reshape(v, out->rank, out->shape);
}

static bool slice_by_size(anm_view *v, const anm_mil_op *op) {
    const anm_mil_type *out = op->outputs[0]->type;
    int64_t begin[ANM_MAX_RANK];
    if (!read_ints(op, "begin", v->rank, begin)) return false;
    for (int i = 0; i < v->rank; i++)
        if (begin[i] < 0 || out->shape[i] < 1 || begin[i] + out->shape[i] > v->shape[i])
            return false;
    for (int i = 0; i < v->rank; i++) anm_view_slice(v, i, begin[i], out->shape[i], 1);
    return true;
}

bool anm_op_keeps_order(const anm_mil_op *op) {
    return anm_is_op(op, "reshape") || anm_is_op(op, "expand_dims") || anm_is_op(op, "squeeze") ||
           anm_is_op(op, "identity");
}

bool anm_view_apply(anm_view *v, const anm_mil_op *op) {
    int64_t perm[ANM_MAX_RANK];
    if (op->output_count != 1 || op->outputs[0]->type->rank < 0) return false;
    const anm_mil_type *out = op->outputs[0]->type;
    for (int i = 0; i < out->rank; i++)
        if (out->shape[i] < 0) return false;
    if (anm_is_op(op, "transpose"))
        return read_ints(op, "perm", v->rank, perm) && anm_view_transpose(v, perm);
    if (anm_op_keeps_order(op)) return anm_view_reshape(v, out->rank, out->shape);
    if (anm_is_op(op, "slice_by_index")) return slice_by_index(v, op);
    return anm_is_op(op, "slice_by_size") && slice_by_size(v, op);
}

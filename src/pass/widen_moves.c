/* SPDX-License-Identifier: MIT */
/* Widening ops that move values: reshapes, transposes, slices, joins, repetitions, look-ups. */
#include <string.h>

#include "src/pass/view.h"
#include "src/pass/widen_rules.h"

static bool same_kind(widener *w, const anm_mil_op *op, wide_fact *out) {
    *out = widen_arg(w, op, "x");
    if (out->raw && !widen_reads(w, *out, NULL, NULL)) return false;
    out->raw = false;
    return true;
}

/*
 * Row-major order is kept, so rows keep their place in it: `before` elements of the dimensions
 * outside of them. At most one dimension can hold them there.
 */
static bool find_rows(const anm_mil_type *type, int64_t before, int64_t rows, wide_fact *f) {
    int64_t passed = 1;
    for (int i = 0; i < type->rank; i++) {
        int64_t size = type->shape[i];
        if (size < 1) return false;
        if (before % passed == 0 && size % (before / passed * rows) == 0) {
            f->axis = i;
            f->outer = before / passed;
            return true;
        }
        passed *= size;
    }
    return false;
}

static int64_t elements_before(const anm_mil_type *type, wide_fact f) {
    int64_t before = f.outer;
    for (int i = 0; i < f.axis; i++) before *= type->shape[i];
    return before;
}

/* The shape that a reshape asks for; -1 and 0 stand for what they always stand for. */
static bool widen_shape(widener *w, anm_mil_op *op, int axis) {
    int64_t shape[ANM_MAX_RANK];
    int n = ANM_MAX_RANK;
    if (!anm_is_op(op, "reshape")) return true;
    if (!anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &n) || axis >= n)
        return widen_refuse(w, "has a shape that is not constant");
    if (shape[axis] <= 0) return true;
    shape[axis] = shape[axis] / w->from * w->to;
    return widen_set_arg(w, op, "shape", anm_flow_ints(w->g, "shape", n, shape));
}

static bool keep_order(widener *w, anm_mil_op *op, wide_fact *out) {
    if (!same_kind(w, op, out)) return false;
    if (out->kind != ANM_WIDE_ROWS) return true;
    int64_t before = elements_before(anm_arg_value(op, "x")->type, *out);
    out->positions = false;
    if (!find_rows(op->outputs[0]->type, before, w->from, out))
        return widen_refuse(w, "cuts the rows apart");
    return widen_shape(w, op, out->axis);
}

static bool transpose(widener *w, anm_mil_op *op, wide_fact *out) {
    int64_t perm[ANM_MAX_RANK];
    if (!same_kind(w, op, out)) return false;
    if (out->kind != ANM_WIDE_ROWS) return true;
    int rank = anm_arg_value(op, "x")->type->rank, n = rank;
    if (!anm_mil_op_get_ints(op, "perm", perm, ANM_MAX_RANK, &n) || n != rank)
        return widen_refuse(w, "has an order that is not constant");
    for (int i = 0; i < n; i++)
        if ((perm[i] + rank) % rank == out->axis) {
            out->axis = i;
            return true;
        }
    return widen_refuse(w, "has an order that is none");
}

/* Slices. */

typedef struct bounds {
    int rank;
    int64_t begin[ANM_MAX_RANK], end[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    int64_t begin_open[ANM_MAX_RANK], end_open[ANM_MAX_RANK], squeeze[ANM_MAX_RANK];
} bounds;

static bool numbers(const anm_mil_op *op, const char *name, int rank, int64_t otherwise,
                    int64_t *out) {
    int n = rank;
    for (int i = 0; i < rank; i++) out[i] = otherwise;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) return true;
    return anm_mil_op_get_ints(op, name, out, ANM_MAX_RANK, &n) && n == rank;
}

static bool read_bounds(const anm_mil_op *op, int rank, bounds *b) {
    b->rank = rank;
    return numbers(op, "begin", rank, 0, b->begin) && numbers(op, "end", rank, 0, b->end) &&
           numbers(op, "stride", rank, 1, b->stride) &&
           numbers(op, "begin_mask", rank, 0, b->begin_open) &&
           numbers(op, "end_mask", rank, 0, b->end_open) &&
           numbers(op, "squeeze_mask", rank, 0, b->squeeze);
}

/* What is taken of a dimension. */
static void range(const bounds *b, int i, int64_t size, int64_t *begin, int64_t *end) {
    *begin = b->begin_open[i] ? 0 : b->begin[i];
    *end = b->end_open[i] ? size : b->end[i];
    if (*begin < 0) *begin += size;
    if (*end < 0) *end += size;
    if (b->squeeze[i]) *end = *begin + 1;
}

static bool slice_state(widener *w, const anm_mil_op *op, wide_fact *out) {
    const anm_mil_type *type = anm_arg_value(op, "x")->type;
    int64_t begin[ANM_MAX_RANK], end[ANM_MAX_RANK];
    bounds b;
    bool known = read_bounds(op, type->rank, &b);
    for (int i = 0; known && i < type->rank; i++) {
        range(&b, i, type->shape[i], &begin[i], &end[i]);
        known = b.stride[i] > 0;
    }
    if (out->raw && !widen_reads(w, *out, known ? begin : NULL, end)) return false;
    out->raw = false;
    return true;
}

static bool set_bounds(widener *w, anm_mil_op *op, bounds *b, int axis, int64_t begin,
                       int64_t end) {
    b->begin[axis] = begin;
    b->end[axis] = end;
    return widen_set_arg(w, op, "begin", anm_flow_ints(w->g, "begin", b->rank, b->begin)) &&
           widen_set_arg(w, op, "end", anm_flow_ints(w->g, "end", b->rank, b->end));
}

/* All rows, or one: the first or the last. */
static bool slice_rows(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_value *x = anm_arg_value(op, "x");
    int a = out->axis;
    int64_t size = x->type->shape[a] / w->to * w->from, begin, end;
    bool squeezed = false;
    bounds b;
    if (!read_bounds(op, x->type->rank, &b) || b.stride[a] != 1)
        return widen_refuse(w, "has bounds that are not constant, or steps");
    for (int i = 0; i < b.rank; i++) squeezed = squeezed || b.squeeze[i];
    range(&b, a, size, &begin, &end);
    if (begin == 0 && end == size && !squeezed)
        return set_bounds(w, op, &b, a, 0, x->type->shape[a]);
    if (!widen_is_simple(w, x, *out) || end - begin != 1 || (begin != 0 && end != size))
        return widen_refuse(w, "takes some of the rows");
    out->kind = begin == 0 ? ANM_WIDE_FIRST : ANM_WIDE_LAST;
    out->positions = out->positions && begin == 0;
    begin = begin == 0 ? 0 : w->to - 1;
    return set_bounds(w, op, &b, a, begin, begin + 1);
}

static bool slice(widener *w, anm_mil_op *op, wide_fact *out) {
    *out = widen_arg(w, op, "x");
    switch (out->kind) {
    case ANM_WIDE_STATE: return slice_state(w, op, out);
    case ANM_WIDE_ROWS: return slice_rows(w, op, out);
    case ANM_WIDE_LAST:
    case ANM_WIDE_FIRST: return true;
    default: return widen_refuse(w, "takes a part of a position");
    }
}

/* Joining. */

static int axis_of(const anm_mil_op *op, const char *name, int rank) {
    int64_t axis;
    if (!anm_mil_op_get_int(op, name, &axis)) return -1;
    return (int)(axis < 0 ? axis + rank : axis);
}

/* Positions with numbers, or values with the same rows. */
static bool concat(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_arg *values = anm_mil_op_arg(op, "values");
    bool first = true, positions = false;
    for (size_t i = 0; i < values->count; i++)
        positions = positions ||
                    widen_fact(w, values->operands[i].value).kind == ANM_WIDE_POSITION;
    for (size_t i = 0; i < values->count; i++) {
        wide_fact f = widen_fact(w, values->operands[i].value);
        if (positions && (f.kind == ANM_WIDE_POSITION || f.kind == ANM_WIDE_FIXED)) continue;
        bool same = first || (f.axis == out->axis && f.outer == out->outer);
        if (positions || f.kind != ANM_WIDE_ROWS || f.columns != WIDE_PLAIN || !same)
            return widen_refuse(w, "joins rows with something else");
        *out = f;
        first = false;
    }
    if (positions) {
        *out = (wide_fact){.kind = ANM_WIDE_POSITION};
        return true;
    }
    out->positions = false;
    if (axis_of(op, "axis", op->outputs[0]->type->rank) == out->axis)
        return widen_refuse(w, "joins rows with rows");
    return true;
}

static bool tile(widener *w, anm_mil_op *op, wide_fact *out) {
    int64_t reps[ANM_MAX_RANK];
    int n = ANM_MAX_RANK;
    if (!same_kind(w, op, out)) return false;
    if (out->kind != ANM_WIDE_ROWS) return true;
    if (!anm_mil_op_get_ints(op, "reps", reps, ANM_MAX_RANK, &n) || out->axis >= n)
        return widen_refuse(w, "repeats a number of times that is not constant");
    out->outer *= reps[out->axis];
    out->positions = false;
    return true;
}

/* Rows of a table by indices, or a part of each row, or the row of the highest position. */
static bool gather(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_value *x = anm_arg_value(op, "x"), *indices = anm_arg_value(op, "indices");
    wide_fact from = widen_fact(w, x), by = widen_fact(w, indices);
    int64_t batch = 0;
    bool constant = !x || !indices || from.columns != WIDE_PLAIN || by.columns != WIDE_PLAIN;
    if (constant || !anm_mil_op_get_int(op, "batch_dims", &batch) || batch != 0)
        return widen_refuse(w, "looks up in a way not known");
    int axis = axis_of(op, "axis", x->type->rank);
    if (axis < 0) return widen_refuse(w, "looks up along a dimension that is not constant");
    if (from.kind == ANM_WIDE_FIXED && by.kind == ANM_WIDE_ROWS) {
        *out = by;
        out->axis += axis;
        out->positions = false;
        return true;
    }
    *out = from;
    if (from.kind != ANM_WIDE_ROWS) return widen_refuse(w, "looks up something else than rows");
    if (by.kind == ANM_WIDE_INDEX && axis == from.axis && widen_is_simple(w, x, from)) {
        *out = (wide_fact){.kind = ANM_WIDE_LAST};
        return true;
    }
    if (by.kind != ANM_WIDE_FIXED || axis == from.axis)
        return widen_refuse(w, "takes some of the rows");
    if (axis < from.axis) out->axis += indices->type->rank - 1;
    return true;
}

const widen_rule_of widen_rules_of_moves[] = {
    {"reshape", keep_order}, {"expand_dims", keep_order}, {"squeeze", keep_order},
    {"identity", keep_order}, {"transpose", transpose},   {"slice_by_index", slice},
    {"concat", concat},       {"tile", tile},             {"gather", gather},
    {NULL, NULL},
};

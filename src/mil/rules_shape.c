/* SPDX-License-Identifier: MIT */
/* Type rules of ops that rearrange: reshape, transpose, concat and their like. */
#include <math.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* The one -1 of a constant target shape, from the number of elements. */
static bool fill_rest(anm_mil_infer *infer, const anm_mil_type *x, int rank, int64_t *shape,
                      int rest) {
    int64_t total = anm_shape_elements(x->shape, x->rank), known = 1;
    for (int i = 0; i < rank; i++)
        if (i != rest && __builtin_mul_overflow(known, shape[i], &known))
            return anm_mil_refuse(infer, "shape is too large");
    if (total < 0 || x->rank < 0) return true; /* only known at run time */
    if (rest >= 0) {
        if (known == 0 || total % known != 0)
            return anm_mil_refuse(infer, "%lld elements do not divide into the shape",
                                  (long long)total);
        shape[rest] = total / known;
    } else if (known != total) {
        return anm_mil_refuse(infer, "%lld elements cannot take a shape of %lld", (long long)total,
                              (long long)known);
    }
    return true;
}

/* The place of the -1 (-1: there is none); false if there are several, or lower numbers. */
static bool find_rest(anm_mil_infer *infer, int rank, const int64_t *shape, int *rest) {
    *rest = -1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < -1 || (shape[i] == -1 && *rest >= 0))
            return anm_mil_refuse(infer, "shape has more than one -1, or a number below it");
        if (shape[i] == -1) *rest = i;
    }
    return true;
}

/* 0 copies the dimension of x at that place. */
bool anm_mil_rule_reshape(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *target = anm_mil_type_of(op, "shape");
    int64_t shape[ANM_MAX_RANK];
    int rank = -1, rest;
    if (anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank)) {
        if (!find_rest(infer, rank, shape, &rest)) return false;
        for (int i = 0; i < rank; i++) {
            if (shape[i] != 0) continue;
            /* Which dimension is meant is only plain when the ranks are equal. */
            if (rank != x->rank) return anm_mil_give_unknown(infer, x->dtype, rank);
            shape[i] = x->shape[i];
        }
        return fill_rest(infer, x, rank, shape, rest) &&
               anm_mil_give(infer, 0, x->dtype, rank, shape);
    }
    if (target->rank == 1 && target->shape[0] > ANM_MAX_RANK)
        return anm_mil_refuse(infer, "shape has rank above %d", ANM_MAX_RANK);
    return anm_mil_give_unknown(infer, x->dtype, target->rank == 1 ? (int)target->shape[0] : -1);
}

bool anm_mil_rule_transpose(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t perm[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    int count = -1;
    unsigned seen = 0;
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, -1);
    if (!anm_mil_op_get_ints(op, "perm", perm, ANM_MAX_RANK, &count) || count != x->rank)
        return anm_mil_refuse(infer, "perm does not have one entry per dimension of x");
    for (int i = 0; i < count; i++) {
        if (!anm_mil_axis(infer, &perm[i], x->rank)) return false;
        if (seen >> perm[i] & 1) return anm_mil_refuse(infer, "perm names a dimension twice");
        seen |= 1u << perm[i];
        shape[i] = x->shape[perm[i]];
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* Marks axes in a bit set. */
static bool axis_set(const anm_mil_op *op, anm_mil_infer *infer, int rank, unsigned *set,
                     int *count) {
    int64_t axes[ANM_MAX_RANK];
    *count = -1;
    *set = 0;
    if (!anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, count)) return false;
    for (int i = 0; i < *count; i++) {
        if (!anm_mil_axis(infer, &axes[i], rank)) return false;
        *set |= 1u << axes[i];
    }
    return true;
}

bool anm_mil_rule_expand_dims(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const anm_mil_type *axes = anm_mil_type_of(op, "axes");
    int64_t shape[ANM_MAX_RANK];
    unsigned set;
    int added = axes->rank == 1 ? (int)axes->shape[0] : 1, count;
    if (x->rank < 0 || added < 0) return anm_mil_give_unknown(infer, x->dtype, -1);
    if (added > ANM_MAX_RANK || x->rank + added > ANM_MAX_RANK)
        return anm_mil_refuse(infer, "the result has a rank above %d", ANM_MAX_RANK);
    if (!axis_set(op, infer, x->rank + added, &set, &count))
        return infer->message[0] ? false : anm_mil_give_unknown(infer, x->dtype, x->rank + added);
    if (__builtin_popcount(set) != added) return anm_mil_refuse(infer, "axes repeat");
    for (int i = 0, from = 0; i < x->rank + added; i++)
        shape[i] = set >> i & 1 ? 1 : x->shape[from++];
    return anm_mil_give(infer, 0, x->dtype, x->rank + added, shape);
}

/*
 * Of the named dimensions, only those of size 1 go; the others stay, as in PyTorch and in what
 * coremltools writes. So the rank depends on named dimensions that are not known.
 */
bool anm_mil_rule_squeeze(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    bool given = anm_mil_operand_present(anm_mil_op_operand(op, "axes"));
    int64_t shape[ANM_MAX_RANK];
    unsigned set = ~0u;
    int count, rank = 0;
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, -1);
    if (given && !axis_set(op, infer, x->rank, &set, &count))
        return infer->message[0] ? false : anm_mil_give_unknown(infer, x->dtype, -1);
    for (int i = 0; i < x->rank; i++) {
        bool named = set >> i & 1;
        if (named && x->shape[i] < 0) return anm_mil_give_unknown(infer, x->dtype, -1);
        if (!named || x->shape[i] != 1) shape[rank++] = x->shape[i];
    }
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

/* Adds a value to the shape of the result; axis -1: every dimension must agree. */
static bool join(anm_mil_infer *infer, const anm_mil_type *t, int axis, const anm_mil_type *first,
                 int64_t *shape) {
    if (t->dtype != first->dtype || t->rank != first->rank)
        return anm_mil_refuse(infer, "values differ in element type or rank");
    for (int i = 0; i < t->rank; i++) {
        if (i == axis) {
            bool known = shape[i] >= 0 && t->shape[i] >= 0;
            if (!known) shape[i] = ANM_DIM_UNKNOWN;
            else if (__builtin_add_overflow(shape[i], t->shape[i], &shape[i]))
                return anm_mil_refuse(infer, "the result is too large");
        } else if (shape[i] < 0) {
            shape[i] = t->shape[i];
        } else if (t->shape[i] >= 0 && t->shape[i] != shape[i]) {
            return anm_mil_refuse(infer, "values differ in dimension %d, which is not the axis", i);
        }
    }
    return true;
}

bool anm_mil_rule_concat(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_arg *values = anm_mil_op_arg(op, "values");
    int64_t axis, shape[ANM_MAX_RANK];
    bool interleave;
    if (!values || !values->count) return anm_mil_refuse(infer, "has no values");
    const anm_mil_type *first = anm_mil_operand_type(values->operands[0]);
    if (!anm_mil_op_get_int(op, "axis", &axis)) return anm_mil_refuse(infer, "has no axis");
    if (!anm_mil_op_get_bool(op, "interleave", &interleave))
        return anm_mil_refuse(infer, "interleave is not constant");
    if (first->rank < 0) return anm_mil_give_unknown(infer, first->dtype, -1);
    bool scalars = first->rank == 0, alike = interleave || scalars;
    if (!anm_mil_axis(infer, &axis, scalars ? 1 : first->rank)) return false;
    for (int i = 0; i < first->rank; i++) shape[i] = first->shape[i];
    for (size_t k = 1; k < values->count; k++)
        if (!join(infer, anm_mil_operand_type(values->operands[k]), alike ? -1 : (int)axis, first,
                  shape))
            return false;
    /* Scalars are joined into a vector. */
    if (scalars) shape[0] = 1;
    if (alike && shape[axis] >= 0 &&
        __builtin_mul_overflow(shape[axis], (int64_t)values->count, &shape[axis]))
        return anm_mil_refuse(infer, "the result is too large");
    return anm_mil_give(infer, 0, first->dtype, scalars ? 1 : first->rank, shape);
}

bool anm_mil_rule_tile(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t reps[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    int count = -1;
    if (x->rank < 0 || !anm_mil_op_get_ints(op, "reps", reps, ANM_MAX_RANK, &count))
        return anm_mil_give_unknown(infer, x->dtype, x->rank);
    if (count != x->rank) return anm_mil_refuse(infer, "reps has not one entry per dimension");
    for (int i = 0; i < count; i++) {
        shape[i] = ANM_DIM_UNKNOWN;
        if (reps[i] <= 0) return anm_mil_refuse(infer, "reps must be positive");
        if (x->shape[i] >= 0 && __builtin_mul_overflow(x->shape[i], reps[i], &shape[i]))
            return anm_mil_refuse(infer, "the result is too large");
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

bool anm_mil_rule_shape(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t rank = x->rank < 0 ? ANM_DIM_UNKNOWN : x->rank;
    return anm_mil_give(infer, 0, ANM_DTYPE_INT32, 1, &rank);
}

/* The number of elements is known when all three numbers are. */
bool anm_mil_rule_range_1d(const anm_mil_op *op, anm_mil_infer *infer) {
    anm_dtype dtype = anm_mil_type_of(op, "end")->dtype;
    double start, end, step;
    int64_t length = ANM_DIM_UNKNOWN;
    if (anm_mil_type_of(op, "start")->dtype != dtype || anm_mil_type_of(op, "step")->dtype != dtype)
        return anm_mil_refuse(infer, "start, end and step differ in element type");
    bool known = anm_mil_op_get_float(op, "step", &step);
    if (known && step == 0) return anm_mil_refuse(infer, "step is 0");
    if (known && anm_mil_op_get_float(op, "start", &start) &&
        anm_mil_op_get_float(op, "end", &end)) {
        double n = ceil((end - start) / step);
        if (!(n < 0x1p53)) return anm_mil_refuse(infer, "the range is too long");
        length = n > 0 ? (int64_t)n : 0;
    }
    return anm_mil_give(infer, 0, dtype, 1, &length);
}

/* Sizes of the parts, from split_sizes or by equal division. */
static bool part_sizes(const anm_mil_op *op, anm_mil_infer *infer, int64_t size, int64_t *parts) {
    size_t n = infer->output_count;
    int64_t wanted = (int64_t)n, sum = 0;
    int count = -1;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "split_sizes"))) {
        if (!anm_mil_op_get_ints(op, "split_sizes", parts, (int)n, &count) || count != (int)n)
            return anm_mil_refuse(infer, "split_sizes has not one entry for each of %zu outputs",
                                  n);
        for (size_t i = 0; i < n; i++)
            if (parts[i] < 0 || __builtin_add_overflow(sum, parts[i], &sum))
                return anm_mil_refuse(infer, "split_sizes holds %lld", (long long)parts[i]);
        return size < 0 || sum == size ||
               anm_mil_refuse(infer, "the parts add up to %lld of %lld", (long long)sum,
                              (long long)size);
    }
    if (!anm_mil_op_get_int(op, "num_splits", &wanted))
        return anm_mil_refuse(infer, "has neither num_splits nor split_sizes");
    if (wanted != (int64_t)n)
        return anm_mil_refuse(infer, "has %zu outputs for %lld parts", n, (long long)wanted);
    if (size >= 0 && size % wanted != 0)
        return anm_mil_refuse(infer, "%lld does not divide into %zu parts", (long long)size, n);
    for (size_t i = 0; i < n; i++) parts[i] = size < 0 ? ANM_DIM_UNKNOWN : size / wanted;
    return true;
}

bool anm_mil_rule_split(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    size_t n = infer->output_count;
    int64_t axis, shape[ANM_MAX_RANK];
    if (n == 0 || n > 1 << 20) return anm_mil_refuse(infer, "has %zu outputs", n);
    if (!anm_mil_op_get_int(op, "axis", &axis)) return anm_mil_refuse(infer, "has no axis");
    int64_t *parts = ANM_ARENA_ARRAY(infer->arena, int64_t, n);
    if (!parts) return anm_mil_refuse(infer, "out of memory");
    if (x->rank >= 0 && !anm_mil_axis(infer, &axis, x->rank)) return false;
    if (!part_sizes(op, infer, x->rank < 0 ? ANM_DIM_UNKNOWN : x->shape[axis], parts)) return false;
    for (int i = 0; i < x->rank; i++) shape[i] = x->shape[i];
    for (size_t i = 0; i < n; i++) {
        if (x->rank >= 0) shape[axis] = parts[i];
        if (!anm_mil_give(infer, i, x->dtype, x->rank, shape)) return false;
    }
    return true;
}

bool anm_mil_rule_stack(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_arg *values = anm_mil_op_arg(op, "values");
    const anm_mil_type *first = anm_mil_operand_type(values->operands[0]);
    int64_t axis, joined[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    if (!anm_mil_op_get_int(op, "axis", &axis)) return anm_mil_refuse(infer, "has no axis");
    if (first->rank < 0) return anm_mil_give_unknown(infer, first->dtype, -1);
    if (first->rank == ANM_MAX_RANK)
        return anm_mil_refuse(infer, "the result has a rank above %d", ANM_MAX_RANK);
    int rank = first->rank + 1;
    if (!anm_mil_axis(infer, &axis, rank)) return false;
    for (int i = 0; i < first->rank; i++) joined[i] = first->shape[i];
    for (size_t k = 1; k < values->count; k++)
        if (!join(infer, anm_mil_operand_type(values->operands[k]), -1, first, joined))
            return false;
    for (int i = 0, from = 0; i < rank; i++)
        shape[i] = i == axis ? (int64_t)values->count : joined[from++];
    return anm_mil_give(infer, 0, first->dtype, rank, shape);
}

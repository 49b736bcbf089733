/* SPDX-License-Identifier: MIT */
/* Type rules of ops that make tensors from few numbers, and of simple rearrangements. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* A tensor whose shape is an argument; unknown dimensions where that is not constant. */
static bool give_shaped(const anm_mil_op *op, anm_mil_infer *infer, anm_dtype dtype) {
    const anm_mil_type *target = anm_mil_type_of(op, "shape");
    int64_t shape[ANM_MAX_RANK];
    int rank = -1;
    if (anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank)) {
        for (int i = 0; i < rank; i++)
            if (shape[i] < 0) return anm_mil_refuse(infer, "shape holds %lld", (long long)shape[i]);
        return anm_mil_give(infer, 0, dtype, rank, shape);
    }
    if (target->rank == 1 && target->shape[0] > ANM_MAX_RANK)
        return anm_mil_refuse(infer, "shape has more than %d entries", ANM_MAX_RANK);
    return anm_mil_give_unknown(infer, dtype, target->rank == 1 ? (int)target->shape[0] : -1);
}

static anm_dtype type_or(const anm_mil_op *op, const char *name, anm_dtype absent) {
    const anm_mil_type *t = anm_mil_type_of(op, name);
    return t ? t->dtype : absent;
}

bool anm_mil_rule_fill(const anm_mil_op *op, anm_mil_infer *infer) {
    return give_shaped(op, infer, type_or(op, "value", ANM_DTYPE_FP32));
}

bool anm_mil_rule_fill_like(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *ref = anm_mil_type_of(op, "ref_tensor");
    return anm_mil_give(infer, 0, type_or(op, "value", ANM_DTYPE_FP32), ref->rank, ref->shape);
}

/* The type of whichever parameter is there. */
bool anm_mil_rule_random(const anm_mil_op *op, anm_mil_infer *infer) {
    anm_dtype dtype = ANM_DTYPE_FP32;
    for (size_t i = 0; i < op->spec->arg_count; i++)
        if (op->spec->args[i].accepts & ANM_ARG_FLOAT)
            dtype = type_or(op, op->spec->args[i].name, dtype);
    return give_shaped(op, infer, dtype);
}

bool anm_mil_rule_random_categorical(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK], size;
    if (!anm_mil_op_get_int(op, "size", &size) || size < 0)
        return anm_mil_refuse(infer, "size is negative or not constant");
    if (x->rank == 0) return anm_mil_refuse(infer, "x needs rank 1 or more");
    for (int i = 0; i < x->rank; i++) shape[i] = i == x->rank - 1 ? size : x->shape[i];
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

bool anm_mil_rule_non_zero(const anm_mil_op *op, anm_mil_infer *infer) {
    int rank = anm_mil_type_of(op, "x")->rank;
    int64_t shape[2] = {ANM_DIM_UNKNOWN, rank < 0 ? ANM_DIM_UNKNOWN : rank};
    return anm_mil_give(infer, 0, ANM_DTYPE_INT32, 2, shape);
}

bool anm_mil_rule_one_hot(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    int64_t size = ANM_DIM_UNKNOWN, axis, shape[ANM_MAX_RANK];
    anm_dtype on = type_or(op, "on_value", type_or(op, "off_value", ANM_DTYPE_INT32));
    if (type_or(op, "off_value", on) != on)
        return anm_mil_refuse(infer, "on_value and off_value differ in element type");
    if (anm_mil_op_get_int(op, "one_hot_vector_size", &size) && size < 0)
        return anm_mil_refuse(infer, "one_hot_vector_size is %lld", (long long)size);
    if (indices->rank == ANM_MAX_RANK)
        return anm_mil_refuse(infer, "the result has a rank above %d", ANM_MAX_RANK);
    int rank = indices->rank < 0 ? -1 : indices->rank + 1;
    if (!anm_mil_read_axis(op, infer, "axis", rank, &axis)) return false;
    for (int i = 0, from = 0; i < rank; i++) shape[i] = i == axis ? size : indices->shape[from++];
    return anm_mil_give(infer, 0, on, rank, shape);
}

bool anm_mil_rule_reverse(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axes[ANM_MAX_RANK];
    int count = -1;
    if (anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, &count))
        for (int i = 0; x->rank >= 0 && i < count; i++)
            if (!anm_mil_axis(infer, &axes[i], x->rank)) return false;
    return anm_mil_rule_same(op, infer);
}

bool anm_mil_rule_reverse_sequence(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *lengths = anm_mil_type_of(op, "lengths");
    int64_t seq, batch;
    if (!anm_mil_read_axis(op, infer, "seq_axis", x->rank, &seq) ||
        !anm_mil_read_axis(op, infer, "batch_axis", x->rank, &batch))
        return false;
    if (x->rank >= 0 && lengths->rank == 1 && !anm_mil_same_dim(lengths->shape[0], x->shape[batch]))
        return anm_mil_refuse(infer, "%lld lengths for a batch of %lld",
                              (long long)lengths->shape[0], (long long)x->shape[batch]);
    return anm_mil_rule_same(op, infer);
}

/* The windowed axis becomes two: which window, where in it. */
bool anm_mil_rule_sliding_windows(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axis, size, stride, shape[ANM_MAX_RANK];
    if (!anm_mil_read_axis(op, infer, "axis", x->rank, &axis)) return false;
    if (!anm_mil_op_get_int(op, "size", &size) || !anm_mil_op_get_int(op, "stride", &stride) ||
        size < 1 || stride < 1)
        return anm_mil_refuse(infer, "size and stride must be positive constants");
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (x->rank == ANM_MAX_RANK)
        return anm_mil_refuse(infer, "the result has a rank above %d", ANM_MAX_RANK);
    int64_t n = x->shape[axis];
    if (n >= 0 && n < size)
        return anm_mil_refuse(infer, "windows of %lld on an axis of %lld", (long long)size,
                              (long long)n);
    for (int i = 0; i < x->rank; i++) shape[i < axis ? i : i + 1] = x->shape[i];
    shape[axis] = n < 0 ? ANM_DIM_UNKNOWN : (n - size) / stride + 1;
    shape[axis + 1] = size;
    return anm_mil_give(infer, 0, x->dtype, x->rank + 1, shape);
}

static int64_t product(const anm_mil_type *x, int from, int to) {
    return anm_shape_elements(x->shape + from, to - from);
}

bool anm_mil_rule_flatten2d(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axis;
    if (!anm_mil_op_get_int(op, "axis", &axis)) return anm_mil_refuse(infer, "has no axis");
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, 2);
    if (axis < -x->rank || axis > x->rank)
        return anm_mil_refuse(infer, "axis %lld is out of range for rank %d", (long long)axis,
                              x->rank);
    if (axis < 0) axis += x->rank;
    int64_t shape[2] = {product(x, 0, (int)axis), product(x, (int)axis, x->rank)};
    for (int i = 0; i < 2; i++)
        if (shape[i] < 0) shape[i] = ANM_DIM_UNKNOWN;
    return anm_mil_give(infer, 0, x->dtype, 2, shape);
}

static int64_t slice_bound(int64_t at, int rank) {
    if (at < 0) at += rank;
    return at < 0 ? 0 : at > rank ? rank : at;
}

/* The constant integer (or bool) of one operand of a tuple. */
static bool tuple_int(const anm_mil_op *op, const char *name, size_t index, int64_t *out) {
    const anm_mil_arg *arg = anm_mil_op_arg(op, name);
    if (!arg || index >= arg->count) return false;
    return anm_mil_literal_int(anm_mil_operand_constant(arg->operands[index]), 0, out);
}

/* The shape is put together from pieces of other tensors' shapes. */
bool anm_mil_rule_reshape_like(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const anm_mil_arg *refs = anm_mil_op_arg(op, "ref_tensors");
    int64_t shape[ANM_MAX_RANK];
    int rank = 0;
    for (size_t n = 0; n < refs->count; n++) {
        const anm_mil_type *ref = anm_mil_operand_type(refs->operands[n]);
        int64_t begin, end, mask;
        if (!tuple_int(op, "begins", n, &begin) || !tuple_int(op, "ends", n, &end) ||
            !tuple_int(op, "end_masks", n, &mask))
            return anm_mil_refuse(infer, "ref_tensors needs as many begins, ends and end_masks");
        if (ref->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
        int64_t to = mask ? ref->rank : slice_bound(end, ref->rank);
        for (int64_t i = slice_bound(begin, ref->rank); i < to; i++) {
            if (rank == ANM_MAX_RANK)
                return anm_mil_refuse(infer, "the result has a rank above %d", ANM_MAX_RANK);
            shape[rank++] = ref->shape[i];
        }
    }
    int64_t have = anm_shape_elements(x->shape, x->rank), want = anm_shape_elements(shape, rank);
    if (x->rank >= 0 && have >= 0 && want >= 0 && have != want)
        return anm_mil_refuse(infer, "%lld elements cannot take a shape of %lld", (long long)have,
                              (long long)want);
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

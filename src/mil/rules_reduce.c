/* SPDX-License-Identifier: MIT */
/* Type rules of ops along axes: reductions, sorting, normalisation. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

bool anm_mil_rule_reduce(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axes[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    bool keep = false, all = !anm_mil_operand_present(anm_mil_op_operand(op, "axes"));
    int count = -1, rank = 0;
    unsigned set = 0;
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (!anm_mil_op_get_bool(op, "keep_dims", &keep))
        return anm_mil_refuse(infer, "keep_dims is not constant");
    if (!all && !anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, &count))
        return anm_mil_refuse(infer, "axes is not constant");
    for (int i = 0; i < count; i++) {
        if (!anm_mil_axis(infer, &axes[i], x->rank)) return false;
        set |= 1u << axes[i];
    }
    for (int i = 0; i < x->rank; i++) {
        bool reduced = all || (set >> i & 1);
        if (!reduced) shape[rank++] = x->shape[i];
        else if (keep) shape[rank++] = 1;
    }
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

/* The type of indices: int32 unless an argument says otherwise. */
static bool index_type(const anm_mil_op *op, anm_mil_infer *infer, const char *arg,
                       anm_dtype *dtype) {
    const char *name = "";
    if (!anm_mil_op_get_string(op, arg, &name))
        return anm_mil_refuse(infer, "%s is not constant", arg);
    *dtype = anm_dtype_from_name(anm_sv_from(name));
    return anm_dtype_is_int(*dtype) || anm_mil_refuse(infer, "%s is \"%s\"", arg, name);
}

bool anm_mil_rule_reduce_arg(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axis, shape[ANM_MAX_RANK];
    anm_dtype dtype;
    bool keep = false;
    int rank = 0;
    if (!anm_mil_read_axis(op, infer, "axis", x->rank, &axis) ||
        !index_type(op, infer, "output_dtype", &dtype))
        return false;
    if (!anm_mil_op_get_bool(op, "keep_dims", &keep))
        return anm_mil_refuse(infer, "keep_dims is not constant");
    if (x->rank < 0) return anm_mil_give(infer, 0, dtype, -1, NULL);
    for (int i = 0; i < x->rank; i++)
        if (i != axis || keep) shape[rank++] = i == axis ? 1 : x->shape[i];
    return anm_mil_give(infer, 0, dtype, rank, shape);
}

bool anm_mil_rule_argsort(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axis;
    return anm_mil_read_axis(op, infer, "axis", x->rank, &axis) &&
           anm_mil_give(infer, 0, ANM_DTYPE_INT32, x->rank, x->shape);
}

/* k = -1 takes them all. */
bool anm_mil_rule_topk(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axis, k, shape[ANM_MAX_RANK];
    bool indices = true;
    anm_dtype dtype;
    if (!anm_mil_read_axis(op, infer, "axis", x->rank, &axis) ||
        !index_type(op, infer, "output_indices_dtype", &dtype))
        return false;
    if (!anm_mil_op_get_int(op, "k", &k) || !anm_mil_op_get_bool(op, "return_indices", &indices))
        return anm_mil_refuse(infer, "k or return_indices is not constant");
    if (infer->output_count != (indices ? 2 : 1))
        return anm_mil_refuse(infer, "has %zu outputs instead of %d", infer->output_count,
                              indices ? 2 : 1);
    for (int i = 0; i < x->rank; i++) shape[i] = x->shape[i];
    if (x->rank >= 0 && k != -1) {
        if (k < 0 || (shape[axis] >= 0 && k > shape[axis]))
            return anm_mil_refuse(infer, "k is %lld on an axis of %lld", (long long)k,
                                  (long long)shape[axis]);
        shape[axis] = k;
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape) &&
           (!indices || anm_mil_give(infer, 1, dtype, x->rank, shape));
}

/* Elements keep their places: only the axis is looked at. */
bool anm_mil_rule_along_axis(const anm_mil_op *op, anm_mil_infer *infer) {
    int64_t axis;
    return anm_mil_read_axis(op, infer, "axis", anm_mil_type_of(op, "x")->rank, &axis) &&
           anm_mil_rule_same(op, infer);
}

/* gamma and beta have the dimensions of the axes. */
static bool check_affine(const anm_mil_op *op, anm_mil_infer *infer, const char *name,
                         const int64_t *dims, int rank) {
    const anm_mil_type *t = anm_mil_type_of(op, name);
    if (!t || t->rank < 0) return true;
    bool fits = t->rank == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = t->shape[i] < 0 || dims[i] < 0 || t->shape[i] == dims[i];
    return fits || anm_mil_refuse(infer, "%s does not have the dimensions of the axes", name);
}

bool anm_mil_rule_layer_norm(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t axes[ANM_MAX_RANK], dims[ANM_MAX_RANK];
    bool all = !anm_mil_operand_present(anm_mil_op_operand(op, "axes"));
    int count = -1, rank = 0;
    unsigned set = 0;
    if (x->rank < 0) return anm_mil_rule_same(op, infer);
    if (!all && !anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, &count))
        return anm_mil_refuse(infer, "axes is not constant");
    for (int i = 0; i < count; i++) {
        if (!anm_mil_axis(infer, &axes[i], x->rank)) return false;
        set |= 1u << axes[i];
    }
    for (int i = 0; i < x->rank; i++)
        if (all || (set >> i & 1)) dims[rank++] = x->shape[i];
    return check_affine(op, infer, "gamma", dims, rank) &&
           check_affine(op, infer, "beta", dims, rank) && anm_mil_rule_same(op, infer);
}

/* x [batch, channels, ...] with a vector of one number per channel for each other tensor. */
static bool per_channel(const anm_mil_op *op, anm_mil_infer *infer, int low, int high,
                        const char *const *names) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    if (x->rank < 0) return anm_mil_rule_same(op, infer);
    if (x->rank < low || x->rank > high)
        return anm_mil_refuse(infer, "x has rank %d, not %d to %d", x->rank, low, high);
    for (; *names; names++) {
        const anm_mil_type *t = anm_mil_type_of(op, *names);
        if (t && t->rank == 1 && !anm_mil_same_dim(t->shape[0], x->shape[1]))
            return anm_mil_refuse(infer, "%s has %lld values for %lld channels", *names,
                                  (long long)t->shape[0], (long long)x->shape[1]);
    }
    return anm_mil_rule_same(op, infer);
}

bool anm_mil_rule_batch_norm(const anm_mil_op *op, anm_mil_infer *infer) {
    static const char *const names[] = {"mean", "variance", "gamma", "beta", NULL};
    return per_channel(op, infer, 3, 5, names);
}

bool anm_mil_rule_instance_norm(const anm_mil_op *op, anm_mil_infer *infer) {
    static const char *const names[] = {"gamma", "beta", NULL};
    return per_channel(op, infer, 3, 5, names);
}

bool anm_mil_rule_rank3(const anm_mil_op *op, anm_mil_infer *infer) {
    int rank = anm_mil_type_of(op, "x")->rank;
    if (rank >= 0 && rank < 3) return anm_mil_refuse(infer, "x has rank %d, below 3", rank);
    return anm_mil_rule_same(op, infer);
}

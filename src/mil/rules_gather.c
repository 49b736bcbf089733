/* SPDX-License-Identifier: MIT */
/* Type rules of gathers and scatters. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis+1:] */
bool anm_mil_rule_gather(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *indices = anm_mil_type_of(op, "indices");
    int64_t axis = 0, batch = 0, shape[2 * ANM_MAX_RANK];
    int rank = 0;
    if (!anm_mil_op_get_int(op, "axis", &axis) || !anm_mil_op_get_int(op, "batch_dims", &batch))
        return anm_mil_refuse(infer, "axis or batch_dims is not constant");
    if (x->rank < 0 || indices->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (!anm_mil_axis(infer, &axis, x->rank)) return false;
    if (batch < 0 || batch > axis || batch > indices->rank)
        return anm_mil_refuse(infer, "batch_dims does not fit axis and indices");
    for (int i = 0; i < axis; i++) shape[rank++] = x->shape[i];
    for (int i = (int)batch; i < indices->rank; i++) shape[rank++] = indices->shape[i];
    for (int i = (int)axis + 1; i < x->rank; i++) shape[rank++] = x->shape[i];
    if (rank > ANM_MAX_RANK) return anm_mil_refuse(infer, "the result has too many dimensions");
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

/* Both ranks alike, and the same dimensions but for one (-1: for none). */
static bool alike_but(const anm_mil_type *a, const anm_mil_type *b, int64_t axis) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (i != axis && !anm_mil_same_dim(a->shape[i], b->shape[i])) return false;
    return true;
}

bool anm_mil_rule_gather_along_axis(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *indices = anm_mil_type_of(op, "indices");
    int64_t axis;
    if (!anm_mil_read_axis(op, infer, "axis", x->rank, &axis)) return false;
    if (x->rank >= 0 && indices->rank >= 0 && !alike_but(x, indices, axis))
        return anm_mil_refuse(infer, "x and indices differ outside of the axis");
    return anm_mil_give(infer, 0, x->dtype, indices->rank, indices->shape);
}

/* indices.shape[:-1] + x.shape[batch_dims + indices.shape[-1]:] */
bool anm_mil_rule_gather_nd(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *indices = anm_mil_type_of(op, "indices");
    int64_t batch, shape[2 * ANM_MAX_RANK];
    int rank = 0;
    if (!anm_mil_op_get_int(op, "batch_dims", &batch) || batch < 0)
        return anm_mil_refuse(infer, "batch_dims is negative or not constant");
    if (x->rank < 0 || indices->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (indices->rank == 0) return anm_mil_refuse(infer, "indices need rank 1 or more");
    int64_t depth = indices->shape[indices->rank - 1];
    if (depth < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (batch >= indices->rank || depth < 1 || depth > x->rank - batch)
        return anm_mil_refuse(infer, "indices of %lld entries do not fit rank %d",
                              (long long)depth, x->rank);
    for (int i = 0; i < batch; i++)
        if (!anm_mil_same_dim(x->shape[i], indices->shape[i]))
            return anm_mil_refuse(infer, "x and indices differ in batch dimension %d", i);
    for (int i = 0; i < indices->rank - 1; i++) shape[rank++] = indices->shape[i];
    for (int i = (int)(batch + depth); i < x->rank; i++) shape[rank++] = x->shape[i];
    if (rank > ANM_MAX_RANK) return anm_mil_refuse(infer, "the result has too many dimensions");
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

/* What all scatters share: the mode, and updates of data's type. */
static bool check_scatter(const anm_mil_op *op, anm_mil_infer *infer) {
    static const char *const modes[] = {"update", "add", "sub", "mul", "div", "max", "min"};
    const anm_mil_type *data = anm_mil_type_of(op, "data");
    const anm_mil_type *updates = anm_mil_type_of(op, "updates");
    const char *mode = "";
    bool known = false;
    if (!anm_mil_op_get_string(op, "mode", &mode))
        return anm_mil_refuse(infer, "mode is not constant");
    for (int i = 0; i < 7; i++) known = known || strcmp(mode, modes[i]) == 0;
    if (!known) return anm_mil_refuse(infer, "there is no mode \"%s\"", mode);
    if (data->dtype != updates->dtype)
        return anm_mil_refuse(infer, "data is %s but updates are %s", anm_dtype_name(data->dtype),
                              anm_dtype_name(updates->dtype));
    infer->outputs[0] = data;
    return true;
}

static bool check_updates(anm_mil_infer *infer, const anm_mil_type *updates, int rank,
                          const int64_t *shape) {
    char want[ANM_SHAPE_TEXT], have[ANM_SHAPE_TEXT];
    bool fits = updates->rank == rank;
    for (int i = 0; fits && i < rank; i++) fits = anm_mil_same_dim(updates->shape[i], shape[i]);
    return fits ||
           anm_mil_refuse(infer, "updates are %s instead of %s",
                          anm_shape_format(updates->shape, updates->rank, have, sizeof have),
                          anm_shape_format(shape, rank, want, sizeof want));
}

bool anm_mil_rule_scatter(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "data");
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    const anm_mil_type *updates = anm_mil_type_of(op, "updates");
    int64_t axis, shape[2 * ANM_MAX_RANK];
    int rank = 0;
    if (!check_scatter(op, infer) || !anm_mil_read_axis(op, infer, "axis", data->rank, &axis))
        return false;
    if (data->rank < 0 || indices->rank < 0 || updates->rank < 0) return true;
    for (int i = 0; i < axis; i++) shape[rank++] = data->shape[i];
    for (int i = 0; i < indices->rank; i++) shape[rank++] = indices->shape[i];
    for (int i = (int)axis + 1; i < data->rank; i++) shape[rank++] = data->shape[i];
    if (rank > ANM_MAX_RANK) return anm_mil_refuse(infer, "updates have too many dimensions");
    return check_updates(infer, updates, rank, shape);
}

bool anm_mil_rule_scatter_along_axis(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "data");
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    const anm_mil_type *updates = anm_mil_type_of(op, "updates");
    int64_t axis;
    if (!check_scatter(op, infer) || !anm_mil_read_axis(op, infer, "axis", data->rank, &axis))
        return false;
    if (data->rank < 0 || indices->rank < 0 || updates->rank < 0) return true;
    if (!alike_but(data, indices, axis))
        return anm_mil_refuse(infer, "data and indices differ outside of the axis");
    return check_updates(infer, updates, indices->rank, indices->shape);
}

/* updates are indices.shape[:-1] + data.shape[indices.shape[-1]:] */
bool anm_mil_rule_scatter_nd(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "data");
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    const anm_mil_type *updates = anm_mil_type_of(op, "updates");
    int64_t shape[2 * ANM_MAX_RANK];
    int rank = 0;
    if (!check_scatter(op, infer)) return false;
    if (data->rank < 0 || indices->rank < 0 || updates->rank < 0) return true;
    if (indices->rank == 0) return anm_mil_refuse(infer, "indices need rank 1 or more");
    int64_t depth = indices->shape[indices->rank - 1];
    if (depth < 0) return true;
    if (depth < 1 || depth > data->rank)
        return anm_mil_refuse(infer, "indices of %lld entries do not fit rank %d",
                              (long long)depth, data->rank);
    for (int i = 0; i < indices->rank - 1; i++) shape[rank++] = indices->shape[i];
    for (int i = (int)depth; i < data->rank; i++) shape[rank++] = data->shape[i];
    if (rank > ANM_MAX_RANK) return anm_mil_refuse(infer, "updates have too many dimensions");
    return check_updates(infer, updates, rank, shape);
}

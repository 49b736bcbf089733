/* SPDX-License-Identifier: MIT */
/* Type rules of slices and gathers. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

typedef struct bounds {
    int64_t begin[ANM_MAX_RANK], end[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    int64_t begin_mask[ANM_MAX_RANK], end_mask[ANM_MAX_RANK], squeeze_mask[ANM_MAX_RANK];
    bool known_begin, known_end;
} bounds;

static bool read_mask(const anm_mil_op *op, anm_mil_infer *infer, const char *name, int64_t *out,
                      int rank) {
    int count = rank;
    if (!anm_mil_op_get_ints(op, name, out, ANM_MAX_RANK, &count) || count != rank)
        return anm_mil_refuse(infer, "%s has not one entry per dimension", name);
    return true;
}

static bool read_bounds(const anm_mil_op *op, anm_mil_infer *infer, int rank, bounds *b) {
    int count = -1;
    b->known_begin = anm_mil_op_get_ints(op, "begin", b->begin, ANM_MAX_RANK, &count);
    if (b->known_begin && count != rank)
        return anm_mil_refuse(infer, "begin has not one entry per dimension");
    count = -1;
    b->known_end = anm_mil_op_get_ints(op, "end", b->end, ANM_MAX_RANK, &count);
    if (b->known_end && count != rank)
        return anm_mil_refuse(infer, "end has not one entry per dimension");
    return read_mask(op, infer, "stride", b->stride, rank) &&
           read_mask(op, infer, "begin_mask", b->begin_mask, rank) &&
           read_mask(op, infer, "end_mask", b->end_mask, rank) &&
           read_mask(op, infer, "squeeze_mask", b->squeeze_mask, rank);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* Elements of one dimension, by Python's rules for slices; unknown where a bound is. */
static int64_t slice_length(const bounds *b, int i, int64_t size) {
    int64_t s = b->stride[i];
    bool begin = b->begin_mask[i] || b->known_begin, end = b->end_mask[i] || b->known_end;
    if (size < 0 || !begin || !end || s == 0) return ANM_DIM_UNKNOWN;
    int64_t low = s > 0 ? 0 : -1, high = s > 0 ? size : size - 1;
    int64_t from = s > 0 ? 0 : size - 1, to = s > 0 ? size : -1;
    if (!b->begin_mask[i]) from = clamp(b->begin[i] + (b->begin[i] < 0 ? size : 0), low, high);
    if (!b->end_mask[i]) to = clamp(b->end[i] + (b->end[i] < 0 ? size : 0), low, high);
    int64_t n = s > 0 ? (to - from + s - 1) / s : (from - to - s - 1) / -s;
    return n > 0 ? n : 0;
}

bool anm_mil_rule_slice_by_index(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK];
    bounds b;
    int rank = 0;
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (!read_bounds(op, infer, x->rank, &b)) return false;
    for (int i = 0; i < x->rank; i++) {
        if (b.stride[i] == 0) return anm_mil_refuse(infer, "stride is 0");
        if (!b.squeeze_mask[i]) shape[rank++] = slice_length(&b, i, x->shape[i]);
    }
    return anm_mil_give(infer, 0, x->dtype, rank, shape);
}

bool anm_mil_rule_slice_update(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *update = anm_mil_type_of(op, "update");
    bounds b;
    if (x->dtype != update->dtype)
        return anm_mil_refuse(infer, "x is %s but update is %s", anm_dtype_name(x->dtype),
                              anm_dtype_name(update->dtype));
    if (x->rank >= 0 && !read_bounds(op, infer, x->rank, &b)) return false;
    infer->outputs[0] = x;
    return true;
}

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

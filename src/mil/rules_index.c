/* SPDX-License-Identifier: MIT */
/* Type rules of slices. */
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
    int64_t span = s > 0 ? to - from : from - to;
    return span > 0 ? (span - 1) / (s > 0 ? s : -s) + 1 : 0;
}

/* The shape of x[begin:end:stride], x having a known rank. */
static bool slice_shape(const anm_mil_op *op, anm_mil_infer *infer, const anm_mil_type *x,
                        int *rank, int64_t *shape) {
    bounds b;
    if (!read_bounds(op, infer, x->rank, &b)) return false;
    *rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (b.stride[i] == 0) return anm_mil_refuse(infer, "stride is 0");
        if (!b.squeeze_mask[i]) shape[(*rank)++] = slice_length(&b, i, x->shape[i]);
    }
    return true;
}

bool anm_mil_rule_slice_by_index(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK];
    int rank;
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    return slice_shape(op, infer, x, &rank, shape) && anm_mil_give(infer, 0, x->dtype, rank, shape);
}

bool anm_mil_rule_slice_update(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *update = anm_mil_type_of(op, "update");
    char got[ANM_SHAPE_TEXT], want[ANM_SHAPE_TEXT];
    int64_t shape[ANM_MAX_RANK];
    int rank;
    if (x->dtype != update->dtype)
        return anm_mil_refuse(infer, "x is %s but update is %s", anm_dtype_name(x->dtype),
                              anm_dtype_name(update->dtype));
    infer->outputs[0] = x;
    if (x->rank < 0) return true;
    if (!slice_shape(op, infer, x, &rank, shape)) return false;
    bool fits = update->rank < 0 || update->rank == rank;
    for (int i = 0; fits && i < update->rank; i++)
        fits = anm_mil_same_dim(update->shape[i], shape[i]);
    return fits || anm_mil_refuse(infer, "update is %s, the slice %s",
                                  anm_shape_format(update->shape, update->rank, got, sizeof got),
                                  anm_shape_format(shape, rank, want, sizeof want));
}

/* -1 in size takes the rest. */
bool anm_mil_rule_slice_by_size(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t begin[ANM_MAX_RANK], size[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    int begins = -1, sizes = -1;
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    bool from = anm_mil_op_get_ints(op, "begin", begin, ANM_MAX_RANK, &begins);
    bool known = anm_mil_op_get_ints(op, "size", size, ANM_MAX_RANK, &sizes);
    if ((from && begins != x->rank) || (known && sizes != x->rank))
        return anm_mil_refuse(infer, "begin or size has not one entry per dimension");
    for (int i = 0; i < x->rank; i++) {
        int64_t n = x->shape[i], first = from ? begin[i] : 0;
        if (from && first < 0 && n >= 0) first += n;
        shape[i] = known && size[i] >= 0 ? size[i] : ANM_DIM_UNKNOWN;
        if (known && size[i] == -1 && from && n >= 0) shape[i] = n - first;
        bool fits = (!known || size[i] >= -1) && (n < 0 || first >= 0) &&
                    (n < 0 || shape[i] < 0 || shape[i] <= n - first) && (n < 0 || first <= n);
        if (!fits)
            return anm_mil_refuse(infer, "begin and size do not fit dimension %d of %lld", i,
                                  (long long)n);
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

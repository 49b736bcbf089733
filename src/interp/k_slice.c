/* SPDX-License-Identifier: MIT */
/* Slicing, and writing into a slice. Bounds follow NumPy: negative ones count from the end. */
#include <string.h>

#include "src/interp/strided.h"

typedef struct slice {
    int rank; /* of the result, squeezed axes left out */
    int64_t shape[ANM_MAX_RANK], stride[ANM_MAX_RANK], start;
} slice;

typedef struct bounds {
    int64_t begin[ANM_MAX_RANK], end[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    int64_t begin_mask[ANM_MAX_RANK], end_mask[ANM_MAX_RANK], squeeze_mask[ANM_MAX_RANK];
} bounds;

/* An absent optional argument is `fallback` on every axis. */
static bool optional_ints(anm_kcall *k, const char *name, int64_t fallback, int64_t *out, int n) {
    for (int i = 0; i < n; i++) out[i] = fallback;
    return !anm_k_has(k, name) || anm_k_ints(k, name, out, n);
}

static bool read_bounds(anm_kcall *k, int rank, bounds *b) {
    return anm_k_ints(k, "begin", b->begin, rank) && anm_k_ints(k, "end", b->end, rank) &&
           optional_ints(k, "stride", 1, b->stride, rank) &&
           optional_ints(k, "begin_mask", 0, b->begin_mask, rank) &&
           optional_ints(k, "end_mask", 0, b->end_mask, rank) &&
           optional_ints(k, "squeeze_mask", 0, b->squeeze_mask, rank);
}

static int64_t bound(int64_t at, bool masked, int64_t open, int64_t n, int64_t low, int64_t high) {
    if (masked) return open;
    if (at < 0) at += n;
    return at < low ? low : at > high ? high : at;
}

/* First position and how many there are, on one axis. */
static int64_t positions(const bounds *b, int i, int64_t n, int64_t *first) {
    int64_t step = b->stride[i];
    if (step > 0) {
        *first = bound(b->begin[i], b->begin_mask[i], 0, n, 0, n);
        int64_t last = bound(b->end[i], b->end_mask[i], n, n, 0, n);
        return last > *first ? (last - *first + step - 1) / step : 0;
    }
    *first = bound(b->begin[i], b->begin_mask[i], n - 1, n, -1, n - 1);
    int64_t last = bound(b->end[i], b->end_mask[i], -1, n, -1, n - 1);
    return *first > last ? (*first - last - step - 1) / -step : 0;
}

static bool resolve(anm_kcall *k, const anm_rvalue *x, const bounds *b, slice *s) {
    int64_t dense[ANM_MAX_RANK];
    anm_dense_strides(x->rank, x->shape, dense);
    *s = (slice){0};
    for (int i = 0; i < x->rank; i++) {
        int64_t n = x->shape[i], first = b->begin[i] < 0 ? b->begin[i] + n : b->begin[i];
        if (b->squeeze_mask[i] ? first < 0 || first >= n : b->stride[i] == 0) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "begin %lld, stride %lld do not fit axis %d of %lld",
                       (long long)b->begin[i], (long long)b->stride[i], i, (long long)n);
            return false;
        }
        if (!b->squeeze_mask[i]) {
            s->shape[s->rank] = positions(b, i, n, &first);
            s->stride[s->rank++] = dense[i] * b->stride[i];
        }
        s->start += first * dense[i];
    }
    return true;
}

static void give_slice(anm_kcall *k, const anm_rvalue *x, const slice *s) {
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, s->rank, s->shape) : NULL;
    if (out) anm_copy_strided(s->rank, s->shape, s->stride, s->start, in, out);
}

static void slice_by_index(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    bounds b;
    slice s;
    if (x && read_bounds(k, x->rank, &b) && resolve(k, x, &b, &s)) give_slice(k, x, &s);
}

static void slice_by_size(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t begin[ANM_MAX_RANK], size[ANM_MAX_RANK];
    if (!x || !anm_k_ints(k, "begin", begin, x->rank) || !anm_k_ints(k, "size", size, x->rank))
        return;
    slice s = {.rank = x->rank};
    anm_dense_strides(x->rank, x->shape, s.stride);
    for (int i = 0; i < x->rank; i++) {
        int64_t n = x->shape[i], first = begin[i] < 0 ? begin[i] + n : begin[i];
        s.shape[i] = size[i] == -1 ? n - first : size[i];
        if (first < 0 || s.shape[i] < 0 || first + s.shape[i] > n) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "begin %lld, size %lld do not fit axis %d of %lld",
                       (long long)begin[i], (long long)size[i], i, (long long)n);
            return;
        }
        s.start += first * s.stride[i];
    }
    give_slice(k, x, &s);
}

/* The update may have the slice's shape with or without the squeezed axes. */
static bool update_fits(const anm_rvalue *update, const slice *s) {
    if (update->rank == s->rank &&
        memcmp(update->shape, s->shape, (size_t)s->rank * sizeof *s->shape) == 0)
        return true;
    return update->count == anm_shape_product(s->shape, 0, s->rank);
}

static void slice_update(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *update = anm_k_arg(k, "update");
    anm_rvalue result;
    bounds b;
    slice s;
    if (!x || !update || !read_bounds(k, x->rank, &b) || !resolve(k, x, &b, &s)) return;
    if (!update_fits(update, &s) || anm_k_is_float(update) != anm_k_is_float(x)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld elements of update do not fit the slice",
                   (long long)update->count);
        return;
    }
    const anm_word *in = anm_k_words(k, update);
    if (!in || !anm_k_take(k, "x", &result)) return;
    anm_word *to = result.f ? (anm_word *)result.f : (anm_word *)result.i;
    anm_store_strided(s.rank, s.shape, s.stride, s.start, in, to);
    /* When both were rounded alike, rounding a big tensor for a small update is spared. */
    if (!update->buffer || update->buffer->rounded != result.buffer->rounded)
        anm_k_unrounded(&result);
    anm_k_give(k, 0, &result);
}

/* Amounts to cut off the last two axes. */
static void crop(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t cut[2][2];
    if (!x || !anm_k_ints(k, "crop_height", cut[0], 2) || !anm_k_ints(k, "crop_width", cut[1], 2))
        return;
    slice s = {.rank = x->rank};
    anm_dense_strides(x->rank, x->shape, s.stride);
    memcpy(s.shape, x->shape, sizeof s.shape);
    for (int i = 0; i < 2 && x->rank >= 2; i++) {
        int axis = x->rank - 2 + i;
        s.shape[axis] -= cut[i][0] + cut[i][1];
        s.start += cut[i][0] * s.stride[axis];
        if (cut[i][0] < 0 || cut[i][1] < 0 || s.shape[axis] < 0)
            anm_k_fail(k, ANM_ERROR_MISMATCH, "cuts %lld and %lld off %lld elements",
                       (long long)cut[i][0], (long long)cut[i][1], (long long)x->shape[axis]);
    }
    if (k->status == ANM_OK) give_slice(k, x, &s);
}

const anm_kernel anm_kernels_slice[] = {
    {"crop", crop, 0, NULL},
    {"slice_by_index", slice_by_index, 0, NULL},
    {"slice_by_size", slice_by_size, 0, NULL},
    {"slice_update", slice_update, 0, NULL},
    {NULL, NULL, 0, NULL},
};

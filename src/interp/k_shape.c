/* SPDX-License-Identifier: MIT */
/* Ops that give the same elements under another shape or in another order. */
#include <string.h>

#include "src/interp/strided.h"

static void identity(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (x && x->list) {
        anm_rvalue copy;
        anm_rvalue_copy(&copy, x);
        anm_k_give(k, 0, &copy);
    } else if (x) anm_k_share(k, 0, x, x->rank, x->shape);
}

static void shape_op(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t rank = x ? x->rank : 0;
    int32_t *out = x ? anm_k_out_ints(k, 0, 1, &rank) : NULL;
    for (int64_t i = 0; out && i < rank; i++) out[i] = (int32_t)x->shape[i];
}

/* 0 takes the dimension of x counted from the right, 1 where x has none; -1 is what remains. */
static bool resolve_shape(const anm_rvalue *x, int rank, int64_t *shape) {
    int open = -1;
    int64_t known = 1;
    for (int i = 0; i < rank; i++) {
        int from = i + x->rank - rank;
        if (shape[i] == 0) shape[i] = from >= 0 ? x->shape[from] : 1;
        if (shape[i] == -1) {
            if (open >= 0) return false;
            open = i;
        } else if (shape[i] < 0 || shape[i] > ANM_VALUE_MAX_ELEMENTS) return false;
        else if (__builtin_mul_overflow(known, shape[i], &known)) return false;
    }
    if (open >= 0) shape[open] = known ? x->count / known : 0;
    return open >= 0 ? known * shape[open] == x->count : known == x->count;
}

static void reshape(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t shape[ANM_MAX_RANK];
    int rank = anm_k_int_list(k, "shape", shape, ANM_MAX_RANK);
    if (!x || rank < 0) return;
    if (resolve_shape(x, rank, shape)) anm_k_share(k, 0, x, rank, shape);
    else
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld elements cannot take the shape asked for",
                   (long long)x->count);
}

static int64_t tuple_int(anm_kcall *k, const char *name, size_t index) {
    if (index >= anm_k_arg_count(k, name)) {
        anm_k_fail(k, ANM_ERROR_FORMAT, "%s has too few elements", name);
        return 0;
    }
    const anm_rvalue *v = anm_k_arg_at(k, name, index);
    const int32_t *data = v ? anm_k_int32s(k, v) : NULL;
    return data && v->count == 1 ? data[0] : 0;
}

static int64_t slice_bound(int64_t at, int rank) {
    if (at < 0) at += rank;
    return at < 0 ? 0 : at > rank ? rank : at;
}

static void reshape_like(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t shape[ANM_MAX_RANK];
    int rank = 0;
    for (size_t n = 0; x && n < anm_k_arg_count(k, "ref_tensors"); n++) {
        const anm_rvalue *ref = anm_k_arg_at(k, "ref_tensors", n);
        if (!ref) return;
        int64_t begin = slice_bound(tuple_int(k, "begins", n), ref->rank);
        int64_t end = slice_bound(tuple_int(k, "ends", n), ref->rank);
        if (tuple_int(k, "end_masks", n)) end = ref->rank;
        for (int64_t i = begin; i < end && rank < ANM_MAX_RANK; i++) shape[rank++] = ref->shape[i];
    }
    if (x && k->status == ANM_OK) anm_k_share(k, 0, x, rank, shape);
}

static void expand_dims(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t axes[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    bool added[ANM_MAX_RANK] = {false};
    int count = anm_k_int_list(k, "axes", axes, ANM_MAX_RANK), from = 0;
    if (!x || count < 0) return;
    int rank = x->rank + count;
    if (rank > ANM_MAX_RANK) {
        anm_k_fail(k, ANM_ERROR_LIMIT, "would have rank %d", rank);
        return;
    }
    for (int i = 0; i < count; i++) added[anm_k_axis(k, axes[i], rank)] = true;
    for (int i = 0; i < rank; i++) {
        if (!added[i] && from == x->rank) anm_k_fail(k, ANM_ERROR_MISMATCH, "an axis is twice");
        shape[i] = added[i] || from == x->rank ? 1 : x->shape[from++];
    }
    if (k->status == ANM_OK) anm_k_share(k, 0, x, rank, shape);
}

/* Axes that are not 1 stay, as in PyTorch. */
static void squeeze(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    bool marked[ANM_MAX_RANK];
    int64_t shape[ANM_MAX_RANK];
    int rank = 0;
    if (!x || !anm_k_axes(k, "axes", x->rank, marked)) return;
    for (int i = 0; i < x->rank; i++)
        if (!marked[i] || x->shape[i] != 1) shape[rank++] = x->shape[i];
    anm_k_share(k, 0, x, rank, shape);
}

static void flatten2d(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t axis = anm_k_int(k, "axis");
    if (!x) return;
    if (axis < 0) axis += x->rank;
    if (axis < 0 || axis > x->rank) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "axis %lld is outside the tensor", (long long)axis);
        return;
    }
    int64_t shape[2] = {anm_shape_product(x->shape, 0, (int)axis),
                        anm_shape_product(x->shape, (int)axis, x->rank)};
    anm_k_share(k, 0, x, 2, shape);
}

static void transpose(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t perm[ANM_MAX_RANK], dense[ANM_MAX_RANK], shape[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    bool seen[ANM_MAX_RANK] = {false};
    if (!x || !anm_k_ints(k, "perm", perm, x->rank)) return;
    anm_dense_strides(x->rank, x->shape, dense);
    for (int i = 0; i < x->rank; i++) {
        int from = anm_k_axis(k, perm[i], x->rank);
        if (seen[from]) anm_k_fail(k, ANM_ERROR_MISMATCH, "perm names an axis twice");
        seen[from] = true;
        shape[i] = x->shape[from];
        stride[i] = dense[from];
    }
    const anm_word *in = k->status == ANM_OK ? anm_k_words(k, x) : NULL;
    anm_word *out = in ? anm_k_out_words(k, 0, x, x->rank, shape) : NULL;
    if (out) anm_copy_strided(x->rank, shape, stride, 0, in, out);
}

static void reverse(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    bool marked[ANM_MAX_RANK];
    int64_t stride[ANM_MAX_RANK], start = 0;
    if (!x || !anm_k_axes(k, "axes", x->rank, marked)) return;
    anm_dense_strides(x->rank, x->shape, stride);
    for (int i = 0; i < x->rank; i++) {
        if (!marked[i]) continue;
        start += (x->shape[i] - 1) * stride[i];
        stride[i] = -stride[i];
    }
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, x->rank, x->shape) : NULL;
    if (out) anm_copy_strided(x->rank, x->shape, stride, start, in, out);
}

/* Along seq_axis, the first lengths[b] positions of batch b. */
static void reverse_sequence(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *l = anm_k_arg(k, "lengths");
    if (!x || !l) return;
    int seq = anm_k_axis(k, anm_k_int(k, "seq_axis"), x->rank);
    int batch = anm_k_axis(k, anm_k_int(k, "batch_axis"), x->rank);
    const int32_t *length = anm_k_int32s(k, l);
    const anm_word *in = anm_k_words(k, x);
    if (k->status == ANM_OK && l->count != x->shape[batch])
        anm_k_fail(k, ANM_ERROR_MISMATCH, "lengths has %lld elements", (long long)l->count);
    anm_word *out = anm_k_out_words(k, 0, x, x->rank, x->shape);
    if (!out) return;
    int64_t stride[ANM_MAX_RANK];
    anm_dense_strides(x->rank, x->shape, stride);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t s = i / stride[seq] % x->shape[seq],
                n = length[i / stride[batch] % x->shape[batch]];
        if (n > x->shape[seq]) n = x->shape[seq];
        int64_t from = s < n ? n - 1 - s : s;
        out[i] = in[i + (from - s) * stride[seq]];
    }
}

static void sliding_windows(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank), n = 0;
    int64_t size = anm_k_int(k, "size"), step = anm_k_int(k, "stride");
    int64_t dense[ANM_MAX_RANK], shape[ANM_MAX_RANK + 1], stride[ANM_MAX_RANK + 1];
    if (k->status != ANM_OK) return;
    if (size < 1 || step < 1 || size > x->shape[axis] || x->rank == ANM_MAX_RANK) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "windows of %lld every %lld do not fit %lld elements",
                   (long long)size, (long long)step, (long long)x->shape[axis]);
        return;
    }
    anm_dense_strides(x->rank, x->shape, dense);
    for (int i = 0; i < x->rank; i++) {
        shape[n] = i == axis ? (x->shape[i] - size) / step + 1 : x->shape[i];
        stride[n++] = i == axis ? dense[i] * step : dense[i];
        if (i == axis) shape[n] = size, stride[n++] = dense[i];
    }
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, n, shape) : NULL;
    if (out) anm_copy_strided(n, shape, stride, 0, in, out);
}

const anm_kernel anm_kernels_shape[] = {
    {"expand_dims", expand_dims, 0, NULL},
    {"flatten2d", flatten2d, 0, NULL},
    {"identity", identity, 0, NULL},
    {"reshape", reshape, 0, NULL},
    {"reshape_like", reshape_like, 0, NULL},
    {"reverse", reverse, 0, NULL},
    {"reverse_sequence", reverse_sequence, 0, NULL},
    {"shape", shape_op, 0, NULL},
    {"sliding_windows", sliding_windows, 0, NULL},
    {"squeeze", squeeze, 0, NULL},
    {"transpose", transpose, 0, NULL},
    {NULL, NULL, 0, NULL},
};

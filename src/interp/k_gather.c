/* SPDX-License-Identifier: MIT */
/*
 * gather, gather_along_axis, gather_nd. Only the rows asked for are read, so that a table in the
 * mapping is not expanded.
 */
#include <string.h>

#include "src/interp/indices.h"

const int64_t *anm_k_indices(anm_kcall *k, const anm_rvalue *v, const int64_t *limit,
                             int64_t width) {
    const int32_t *in = anm_k_int32s(k, v);
    int64_t *out = in ? anm_k_scratch(k, v->count, sizeof *out) : NULL;
    for (int64_t i = 0; out && i < v->count; i++) {
        int64_t n = limit[i % width], at = in[i];
        out[i] = at < 0 ? at + n : at;
        if (out[i] < 0 || out[i] >= n) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "index %lld is outside 0 to %lld", (long long)at,
                       (long long)n - 1);
            return NULL;
        }
    }
    return out;
}

/* batch_dims came with iOS 17; the table may know it for older programs too. */
static int batch_dims(anm_kcall *k, int limit) {
    int64_t n = anm_k_has(k, "batch_dims") ? anm_k_int(k, "batch_dims") : 0;
    if (n < 0) n += limit;
    if (n >= 0 && n <= limit) return (int)n;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "batch_dims %lld is too large", (long long)n);
    return 0;
}

static bool same_batch(anm_kcall *k, const anm_rvalue *x, const anm_rvalue *indices, int batch) {
    for (int i = 0; i < batch; i++)
        if (x->shape[i] != indices->shape[i]) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "x and indices differ in their batch dimensions");
            return false;
        }
    return true;
}

static void gather(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *indices = anm_k_arg(k, "indices");
    if (!x || !indices) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank), rank = 0;
    int batch = batch_dims(k, indices->rank < axis ? indices->rank : axis);
    int64_t shape[2 * ANM_MAX_RANK];
    if (k->status != ANM_OK || !same_batch(k, x, indices, batch)) return;
    for (int i = 0; i < axis; i++) shape[rank++] = x->shape[i];
    for (int i = batch; i < indices->rank; i++) shape[rank++] = indices->shape[i];
    for (int i = axis + 1; i < x->rank; i++) shape[rank++] = x->shape[i];
    const int64_t *at = anm_k_indices(k, indices, &x->shape[axis], 1);
    anm_word *out = at ? anm_k_out_words(k, 0, x, rank, shape) : NULL;
    if (!out) return;
    int64_t batches = anm_shape_product(x->shape, 0, batch);
    int64_t outer = anm_shape_product(x->shape, batch, axis), n = x->shape[axis];
    int64_t inner = anm_shape_product(x->shape, axis + 1, x->rank);
    int64_t each = anm_shape_product(indices->shape, batch, indices->rank);
    for (int64_t b = 0; b < batches; b++)
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < each; i++, out += inner)
                anm_rvalue_read_words(x, ((b * outer + o) * n + at[b * each + i]) * inner, inner,
                                      out);
}

static void gather_along_axis(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *indices = anm_k_arg(k, "indices");
    if (!x || !indices) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank);
    bool fits = x->rank == indices->rank;
    for (int i = 0; fits && i < x->rank; i++) fits = i == axis || x->shape[i] == indices->shape[i];
    if (!fits) anm_k_fail(k, ANM_ERROR_MISMATCH, "x and indices do not fit each other");
    if (k->status != ANM_OK) return;
    const int64_t *at = anm_k_indices(k, indices, &x->shape[axis], 1);
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = at && in ? anm_k_out_words(k, 0, x, x->rank, indices->shape) : NULL;
    if (!out) return;
    int64_t inner = anm_shape_product(x->shape, axis + 1, x->rank), n = indices->shape[axis];
    for (int64_t i = 0; i < indices->count; i++)
        out[i] = in[(i / inner / n * x->shape[axis] + at[i]) * inner + i % inner];
}

static void gather_nd(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *indices = anm_k_arg(k, "indices");
    if (!x || !indices) return;
    int batch = batch_dims(k, indices->rank ? indices->rank - 1 : 0), rank = 0;
    int64_t width = indices->rank ? indices->shape[indices->rank - 1] : 0;
    int64_t shape[2 * ANM_MAX_RANK];
    if (indices->rank < 1 || width < 1 || batch + width > x->rank)
        anm_k_fail(k, ANM_ERROR_MISMATCH, "indices of %lld elements do not fit rank %d",
                   (long long)width, x->rank);
    if (k->status != ANM_OK || !same_batch(k, x, indices, batch)) return;
    int used = batch + (int)width;
    for (int i = 0; i < indices->rank - 1; i++) shape[rank++] = indices->shape[i];
    for (int i = used; i < x->rank; i++) shape[rank++] = x->shape[i];
    const int64_t *at = anm_k_indices(k, indices, x->shape + batch, width);
    anm_word *out = at ? anm_k_out_words(k, 0, x, rank, shape) : NULL;
    if (!out) return;
    int64_t inner = anm_shape_product(x->shape, used, x->rank);
    int64_t each = anm_shape_product(indices->shape, batch, indices->rank - 1);
    for (int64_t i = 0; i < indices->count / width; i++, at += width, out += inner) {
        int64_t offset = i / each;
        for (int64_t n = 0; n < width; n++) offset = offset * x->shape[batch + n] + at[n];
        anm_rvalue_read_words(x, offset * inner, inner, out);
    }
}

const anm_kernel anm_kernels_gather[] = {
    {"gather", gather, 0, NULL},
    {"gather_along_axis", gather_along_axis, 0, NULL},
    {"gather_nd", gather_nd, 0, NULL},
    {NULL, NULL, 0, NULL},
};

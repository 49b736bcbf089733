/* SPDX-License-Identifier: MIT */
/* Joining and dividing tensors along an axis: concat, stack, split, tile. */
#include <string.h>

#include "src/interp/strided.h"

/* Puts `v` at `position` of the axis; every `every`-th position for interleaving. */
static void place(anm_kcall *k, const anm_rvalue *v, int axis, int rank, const int64_t *v_shape,
                  const int64_t *shape, int64_t position, int64_t every, anm_word *out) {
    int64_t stride[ANM_MAX_RANK];
    const anm_word *in = anm_k_words(k, v);
    anm_dense_strides(rank, shape, stride);
    int64_t start = position * stride[axis];
    stride[axis] *= every;
    if (in) anm_store_strided(rank, v_shape, stride, start, in, out);
}

/* Shape of the result; scalars count as vectors of one element. */
static bool concat_shape(anm_kcall *k, size_t n, bool interleave, int *axis, int *rank,
                         int64_t *shape) {
    const anm_rvalue *first = anm_k_arg_at(k, "values", 0);
    if (!first) return false;
    *rank = first->rank ? first->rank : 1;
    memcpy(shape, first->shape, sizeof first->shape);
    if (first->rank == 0) shape[0] = 1;
    *axis = anm_k_axis(k, anm_k_int(k, "axis"), *rank);
    for (size_t i = 1; i < n && k->status == ANM_OK; i++) {
        const anm_rvalue *v = anm_k_arg_at(k, "values", i);
        bool fits =
            v && v->rank == first->rank && !v->list && anm_k_is_float(v) == anm_k_is_float(first);
        for (int d = 0; fits && d < v->rank; d++)
            fits = (d == *axis && !interleave) || v->shape[d] == first->shape[d];
        if (!fits) anm_k_fail(k, ANM_ERROR_MISMATCH, "value %zu does not fit the first one", i);
        else shape[*axis] += v->rank ? v->shape[*axis] : 1;
    }
    return k->status == ANM_OK;
}

static void concat(anm_kcall *k) {
    size_t n = anm_k_arg_count(k, "values");
    bool interleave = anm_k_bool(k, "interleave");
    int axis, rank;
    int64_t shape[ANM_MAX_RANK], one[1] = {1}, position = 0;
    if (n == 0) anm_k_fail(k, ANM_ERROR_FORMAT, "has no values");
    if (k->status != ANM_OK || !concat_shape(k, n, interleave, &axis, &rank, shape)) return;
    anm_word *out = anm_k_out_words(k, 0, anm_k_arg_at(k, "values", 0), rank, shape);
    for (size_t i = 0; out && i < n; i++) {
        const anm_rvalue *v = anm_k_arg_at(k, "values", i);
        if (!v) return;
        place(k, v, axis, rank, v->rank ? v->shape : one, shape, position,
              interleave ? (int64_t)n : 1, out);
        position += interleave ? 1 : v->rank ? v->shape[axis] : 1;
    }
}

static void stack(anm_kcall *k) {
    size_t n = anm_k_arg_count(k, "values");
    const anm_rvalue *first = n ? anm_k_arg_at(k, "values", 0) : NULL;
    int64_t shape[ANM_MAX_RANK], each[ANM_MAX_RANK];
    if (!first || first->rank >= ANM_MAX_RANK) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "needs values of a lower rank");
        return;
    }
    int rank = first->rank + 1, axis = anm_k_axis(k, anm_k_int(k, "axis"), rank);
    for (int i = 0; i < rank; i++)
        each[i] = shape[i] = i < axis ? first->shape[i] : i == axis ? 1 : first->shape[i - 1];
    shape[axis] = (int64_t)n;
    anm_word *out = anm_k_out_words(k, 0, first, rank, shape);
    for (size_t i = 0; out && i < n && k->status == ANM_OK; i++) {
        const anm_rvalue *v = anm_k_arg_at(k, "values", i);
        bool fits = v && v->rank == first->rank && anm_k_is_float(v) == anm_k_is_float(first) &&
                    memcmp(v->shape, first->shape, (size_t)v->rank * sizeof *v->shape) == 0;
        if (fits) place(k, v, axis, rank, each, shape, (int64_t)i, 1, out);
        else anm_k_fail(k, ANM_ERROR_MISMATCH, "value %zu does not fit the first one", i);
    }
}

/* How much of the axis each output gets. */
static bool split_sizes(anm_kcall *k, int64_t length, int64_t *sizes, size_t n) {
    int64_t sum = 0;
    if (anm_k_has(k, "split_sizes")) {
        if (!anm_k_ints(k, "split_sizes", sizes, (int)n)) return false;
    } else
        for (size_t i = 0; i < n; i++) sizes[i] = length / (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        if (sizes[i] < 0) sum = -1;
        if (sum >= 0) sum += sizes[i];
    }
    if (sum == length) return true;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "the parts do not add up to the axis of %lld elements",
               (long long)length);
    return false;
}

static void split(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    size_t n = k->op->output_count;
    if (!x || n == 0) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank);
    int64_t *sizes = anm_k_scratch(k, (int64_t)n, sizeof *sizes);
    int64_t stride[ANM_MAX_RANK], shape[ANM_MAX_RANK], position = 0;
    const anm_word *in = anm_k_words(k, x);
    if (k->status != ANM_OK || !split_sizes(k, x->shape[axis], sizes, n)) return;
    anm_dense_strides(x->rank, x->shape, stride);
    memcpy(shape, x->shape, sizeof shape);
    for (size_t i = 0; i < n; i++) {
        shape[axis] = sizes[i];
        anm_word *out = anm_k_out_words(k, i, x, x->rank, shape);
        if (!out) return;
        anm_copy_strided(x->rank, shape, stride, position * stride[axis], in, out);
        position += sizes[i];
    }
}

/* Row by row of the result; a row of x repeats within it. */
static void tile(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t reps[ANM_MAX_RANK], dense[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    if (!x || !anm_k_ints(k, "reps", reps, x->rank)) return;
    anm_dense_strides(x->rank, x->shape, dense);
    for (int i = 0; i < x->rank; i++)
        if (reps[i] < 0 || __builtin_mul_overflow(reps[i], x->shape[i], &shape[i]))
            anm_k_fail(k, ANM_ERROR_MISMATCH, "reps holds %lld", (long long)reps[i]);
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, x->rank, shape) : NULL;
    if (!out) return;
    int last = x->rank - 1;
    anm_walk w;
    anm_walk_init(&w, x->rank, shape);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), out += w.length) {
        int64_t from = 0;
        for (int i = 0; i < last; i++) from += w.index[i] % x->shape[i] * dense[i];
        int64_t width = x->rank ? x->shape[last] : 1;
        for (int64_t i = 0; i < w.length; i += width)
            memcpy(out + i, in + from, (size_t)width * sizeof *out);
    }
}

const anm_kernel anm_kernels_join[] = {
    {"concat", concat, 0, NULL}, {"split", split, 0, NULL}, {"stack", stack, 0, NULL},
    {"tile", tile, 0, NULL},     {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/* topk and argsort. Sorting is stable: of equal elements the one with the lower index is first. */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"
#include "src/interp/sort.h"

bool anm_sorts_before(const anm_sorter *s, int64_t a, int64_t b) {
    double x = s->key[a * s->stride], y = s->key[b * s->stride];
    if (isnan(x) || isnan(y)) return s->ascending ? !isnan(x) && isnan(y) : isnan(x) && !isnan(y);
    return s->ascending ? x < y : x > y;
}

/* Merge sort, bottom up: stable, and no worse on bad input. */
void anm_sort_indices(const anm_sorter *s, int64_t *index, int64_t *other, int64_t n) {
    for (int64_t i = 0; i < n; i++) index[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t low = 0; low < n; low += 2 * width) {
            int64_t middle = low + width < n ? low + width : n;
            int64_t high = low + 2 * width < n ? low + 2 * width : n;
            int64_t a = low, b = middle;
            for (int64_t to = low; to < high; to++) {
                bool left = b >= high || (a < middle && !anm_sorts_before(s, index[b], index[a]));
                other[to] = left ? index[a++] : index[b++];
            }
        }
        memcpy(index, other, (size_t)n * sizeof *index);
    }
}

static const double *keys(anm_kcall *k, const anm_rvalue *x) {
    double *key = anm_k_scratch(k, x->count, sizeof *key);
    bool floats = anm_k_is_float(x);
    const float *f = floats ? anm_k_floats(k, x) : NULL;
    const int32_t *i32 = floats ? NULL : anm_k_int32s(k, x);
    if (!key || (!f && !i32)) return NULL;
    for (int64_t i = 0; i < x->count; i++) key[i] = floats ? f[i] : i32[i];
    return key;
}

typedef struct lines {
    const double *key;
    int64_t outer, n, inner;
    int64_t *index, *other;
    bool ascending;
} lines;

/* Every line of x along an axis, ready to be sorted. */
static bool setup(anm_kcall *k, const anm_rvalue *x, int *axis, lines *l) {
    *axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank);
    l->ascending = anm_k_bool(k, "ascending");
    if (k->status != ANM_OK) return false;
    l->outer = anm_shape_product(x->shape, 0, *axis);
    l->n = x->shape[*axis];
    l->inner = anm_shape_product(x->shape, *axis + 1, x->rank);
    l->key = keys(k, x);
    l->index = anm_k_scratch(k, l->n, sizeof *l->index);
    l->other = anm_k_scratch(k, l->n, sizeof *l->other);
    return l->key && l->index && l->other;
}

static void sort_line(const lines *l, int64_t outer, int64_t inner) {
    anm_sorter s = {l->key + outer * l->n * l->inner + inner, l->inner, l->ascending};
    anm_sort_indices(&s, l->index, l->other, l->n);
}

static void argsort(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    lines l;
    int axis;
    if (!x || !setup(k, x, &axis, &l)) return;
    int32_t *out = anm_k_out_ints(k, 0, x->rank, x->shape);
    for (int64_t o = 0; out && o < l.outer; o++)
        for (int64_t i = 0; i < l.inner; i++) {
            sort_line(&l, o, i);
            for (int64_t n = 0; n < l.n; n++)
                out[(o * l.n + n) * l.inner + i] = (int32_t)l.index[n];
        }
}

static void topk(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    lines l;
    int axis;
    if (!x || !setup(k, x, &axis, &l)) return;
    int64_t count = anm_k_int(k, "k"), shape[ANM_MAX_RANK];
    if (count == -1) count = l.n;
    if (count < 0 || count > l.n) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "k is %lld, the axis has %lld elements", (long long)count,
                   (long long)l.n);
        return;
    }
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = count;
    const anm_word *in = anm_k_words(k, x);
    anm_word *values = anm_k_out_words(k, 0, x, x->rank, shape);
    int32_t *indices = k->op->output_count > 1 ? anm_k_out_ints(k, 1, x->rank, shape) : NULL;
    if (k->status != ANM_OK) return;
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t i = 0; i < l.inner; i++) {
            sort_line(&l, o, i);
            for (int64_t n = 0; n < count; n++) {
                int64_t to = (o * count + n) * l.inner + i;
                values[to] = in[(o * l.n + l.index[n]) * l.inner + i];
                if (indices) indices[to] = (int32_t)l.index[n];
            }
        }
}

const anm_kernel anm_kernels_sort[] = {
    {"argsort", argsort, 0, NULL},
    {"topk", topk, 0, NULL},
    {NULL, NULL, 0, NULL},
};

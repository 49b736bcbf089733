/* SPDX-License-Identifier: MIT */
/* scatter, scatter_along_axis, scatter_nd. Updates are applied in order; fp32 in between. */
#include <string.h>

#include "src/interp/indices.h"

enum { UPDATE, ADD, SUB, MUL, DIV, MAX, MIN };

static int scatter_mode(anm_kcall *k) {
    static const char *const names[] = {"update", "add", "sub", "mul", "div", "max", "min"};
    const char *mode = anm_k_string(k, "mode");
    for (int i = 0; i < 7; i++)
        if (strcmp(mode, names[i]) == 0) return i;
    anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "mode \"%s\" is unknown", mode);
    return UPDATE;
}

static float combine_floats(int mode, float a, float b) {
    switch (mode) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case MAX: return a > b ? a : b;
    case MIN: return a < b ? a : b;
    default: return b;
    }
}

static int32_t combine_ints(int mode, int32_t a, int32_t b) {
    switch (mode) {
    case ADD: return (int32_t)((uint32_t)a + (uint32_t)b);
    case SUB: return (int32_t)((uint32_t)a - (uint32_t)b);
    case MUL: return (int32_t)((uint32_t)a * (uint32_t)b);
    case DIV: return b == 0 ? 0 : (int32_t)(uint32_t)((int64_t)a / b);
    case MAX: return a > b ? a : b;
    case MIN: return a < b ? a : b;
    default: return b;
    }
}

typedef struct scatter {
    anm_rvalue result;
    int mode;
    const float *f; /* updates, as floats or as integers */
    const int32_t *i;
} scatter;

/* Applies n updates, from number `from` on, to the elements at `to`. */
static void apply(scatter *s, int64_t to, int64_t from, int64_t n) {
    for (int64_t k = 0; k < n && s->f; k++)
        s->result.f[to + k] = combine_floats(s->mode, s->result.f[to + k], s->f[from + k]);
    for (int64_t k = 0; k < n && s->i; k++)
        s->result.i[to + k] = combine_ints(s->mode, s->result.i[to + k], s->i[from + k]);
}

/* The updates' memory is read before data is taken: they may be the same value. */
static bool begin(anm_kcall *k, const anm_rvalue *data, const anm_rvalue *updates, scatter *s) {
    *s = (scatter){.mode = scatter_mode(k)};
    if (anm_k_is_float(data)) s->f = anm_k_floats(k, updates);
    else s->i = anm_k_int32s(k, updates);
    if (k->status != ANM_OK || !anm_k_take(k, "data", &s->result)) return false;
    anm_k_unrounded(&s->result);
    return true;
}

static void mismatch(anm_kcall *k) {
    anm_k_fail(k, ANM_ERROR_MISMATCH, "data, indices and updates do not fit each other");
}

static void scatter_op(anm_kcall *k) {
    const anm_rvalue *data = anm_k_arg(k, "data"), *indices = anm_k_arg(k, "indices");
    const anm_rvalue *updates = anm_k_arg(k, "updates");
    scatter s;
    if (!data || !indices || !updates) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), data->rank);
    if (k->status != ANM_OK) return;
    int64_t outer = anm_shape_product(data->shape, 0, axis), n = data->shape[axis];
    int64_t inner = anm_shape_product(data->shape, axis + 1, data->rank), each = indices->count;
    if (updates->count != outer * each * inner) mismatch(k);
    const int64_t *at = k->status == ANM_OK ? anm_k_indices(k, indices, &n, 1) : NULL;
    if (!at || !begin(k, data, updates, &s)) return;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < each; i++)
            apply(&s, (o * n + at[i]) * inner, (o * each + i) * inner, inner);
    anm_k_give(k, 0, &s.result);
}

static void scatter_along_axis(anm_kcall *k) {
    const anm_rvalue *data = anm_k_arg(k, "data"), *indices = anm_k_arg(k, "indices");
    const anm_rvalue *updates = anm_k_arg(k, "updates");
    scatter s;
    if (!data || !indices || !updates) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), data->rank);
    bool fits = data->rank == indices->rank && updates->rank == indices->rank;
    for (int i = 0; fits && i < data->rank; i++)
        fits = updates->shape[i] == indices->shape[i] &&
               (i == axis || indices->shape[i] == data->shape[i]);
    if (!fits) mismatch(k);
    if (k->status != ANM_OK) return;
    int64_t n = data->shape[axis], each = indices->shape[axis];
    int64_t inner = anm_shape_product(data->shape, axis + 1, data->rank);
    const int64_t *at = anm_k_indices(k, indices, &n, 1);
    if (!at || !begin(k, data, updates, &s)) return;
    for (int64_t i = 0; i < indices->count; i++)
        apply(&s, (i / inner / each * n + at[i]) * inner + i % inner, i, 1);
    anm_k_give(k, 0, &s.result);
}

static void scatter_nd(anm_kcall *k) {
    const anm_rvalue *data = anm_k_arg(k, "data"), *indices = anm_k_arg(k, "indices");
    const anm_rvalue *updates = anm_k_arg(k, "updates");
    scatter s;
    if (!data || !indices || !updates) return;
    int64_t width = indices->rank ? indices->shape[indices->rank - 1] : 0;
    if (width < 1 || width > data->rank) {
        mismatch(k);
        return;
    }
    int64_t dims[ANM_MAX_RANK];
    memcpy(dims, data->shape, sizeof dims);
    int64_t inner = anm_shape_product(dims, (int)width, data->rank);
    if (updates->count != indices->count / width * inner) mismatch(k);
    const int64_t *at = k->status == ANM_OK ? anm_k_indices(k, indices, dims, width) : NULL;
    int64_t count = indices->count / width;
    if (!at || !begin(k, data, updates, &s)) return;
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = 0;
        for (int64_t n = 0; n < width; n++) offset = offset * dims[n] + at[i * width + n];
        apply(&s, offset * inner, i * inner, inner);
    }
    anm_k_give(k, 0, &s.result);
}

const anm_kernel anm_kernels_scatter[] = {
    {"scatter", scatter_op, 0, NULL},
    {"scatter_along_axis", scatter_along_axis, 0, NULL},
    {"scatter_nd", scatter_nd, 0, NULL},
    {NULL, NULL, 0, NULL},
};

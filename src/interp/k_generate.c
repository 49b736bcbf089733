/* SPDX-License-Identifier: MIT */
/* Tensors made from few numbers, and ops that look at positions. */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"

/* Outputs here take the kind that the program declares. */
static bool declared_float(const anm_kcall *k) {
    anm_dtype dtype = k->op->outputs[0]->type->dtype;
    return dtype == ANM_DTYPE_FP16 || dtype == ANM_DTYPE_FP32 || dtype == ANM_DTYPE_FP64 ||
           dtype == ANM_DTYPE_BF16;
}

static int32_t to_int32(double x) {
    return x >= 2147483647.0    ? INT32_MAX
           : x > -2147483648.0  ? (int32_t)x
           : x <= -2147483648.0 ? INT32_MIN
                                : 0;
}

static void fill_with(anm_kcall *k, int rank, const int64_t *shape) {
    double value = anm_k_float(k, "value");
    float *f = declared_float(k) ? anm_k_out_floats(k, 0, rank, shape) : NULL;
    int32_t *i = declared_float(k) ? NULL : anm_k_out_ints(k, 0, rank, shape);
    int64_t n = f || i ? k->outputs[0].count : 0;
    for (int64_t p = 0; p < n; p++) {
        if (f) f[p] = (float)value;
        else i[p] = to_int32(value);
    }
}

static void fill(anm_kcall *k) {
    int64_t shape[ANM_MAX_RANK];
    int rank = anm_k_int_list(k, "shape", shape, ANM_MAX_RANK);
    if (rank >= 0) fill_with(k, rank, shape);
}

static void fill_like(anm_kcall *k) {
    const anm_rvalue *ref = anm_k_arg(k, "ref_tensor");
    if (ref) fill_with(k, ref->rank, ref->shape);
}

/* ceil((end - start) / step) elements, each start + i * step. */
static void range_1d(anm_kcall *k) {
    double start = anm_k_float(k, "start"), end = anm_k_float(k, "end");
    double step = anm_k_float(k, "step");
    double n = ceil((end - start) / step);
    if (!(n <= (double)ANM_VALUE_MAX_ELEMENTS)) {
        anm_k_fail(k, ANM_ERROR_LIMIT, "a range from %g to %g by %g", start, end, step);
        return;
    }
    int64_t count = n > 0 ? (int64_t)n : 0;
    float *f = declared_float(k) ? anm_k_out_floats(k, 0, 1, &count) : NULL;
    int32_t *i = declared_float(k) ? NULL : anm_k_out_ints(k, 0, 1, &count);
    for (int64_t p = 0; (f || i) && p < count; p++) {
        if (f) f[p] = (float)(start + (double)p * step);
        else i[p] = (int32_t)(start + (double)p * step);
    }
}

static void one_hot(anm_kcall *k) {
    const anm_rvalue *indices = anm_k_arg(k, "indices");
    int64_t size = anm_k_int(k, "one_hot_vector_size"), shape[ANM_MAX_RANK + 1];
    double on = anm_k_float(k, "on_value"), off = anm_k_float(k, "off_value");
    if (!indices) return;
    int rank = indices->rank + 1, axis = anm_k_axis(k, anm_k_int(k, "axis"), rank);
    for (int i = 0; i < rank; i++)
        shape[i] = i < axis ? indices->shape[i] : i == axis ? size : indices->shape[i - 1];
    const int32_t *at = anm_k_int32s(k, indices);
    float *f = declared_float(k) ? anm_k_out_floats(k, 0, rank, shape) : NULL;
    int32_t *i32 = declared_float(k) ? NULL : anm_k_out_ints(k, 0, rank, shape);
    if (!f && !i32) return;
    int64_t inner = anm_shape_product(shape, axis + 1, rank);
    for (int64_t p = 0; p < k->outputs[0].count; p++) {
        int64_t position = p / inner % size, from = p / inner / size * inner + p % inner;
        double value = at[from] == position ? on : off;
        if (f) f[p] = (float)value;
        else i32[p] = to_int32(value);
    }
}

static void non_zero(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    const float *f = anm_k_floats(k, x);
    int64_t shape[2] = {0, x->rank};
    for (int64_t i = 0; f && i < x->count; i++) shape[0] += f[i] != 0;
    int32_t *out = f ? anm_k_out_ints(k, 0, 2, shape) : NULL;
    for (int64_t i = 0; out && i < x->count; i++) {
        if (f[i] == 0) continue;
        int64_t rest = i;
        for (int d = x->rank - 1; d >= 0; d--) {
            out[d] = (int32_t)(rest % x->shape[d]);
            rest /= x->shape[d];
        }
        out += x->rank;
    }
}

/* Keeps a band of the innermost matrices, zeros elsewhere. */
static void band_part(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t lower = anm_k_int(k, "lower"), upper = anm_k_int(k, "upper");
    if (!x) return;
    if (x->rank < 2) anm_k_fail(k, ANM_ERROR_MISMATCH, "x has rank %d", x->rank);
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, x->rank, x->shape) : NULL;
    if (!out) return;
    int64_t rows = x->shape[x->rank - 2], columns = x->shape[x->rank - 1];
    for (int64_t i = 0; i < x->count; i++) {
        int64_t m = i / columns % rows, n = i % columns;
        bool keep = (lower < 0 || m - n <= lower) && (upper < 0 || n - m <= upper);
        out[i] = keep ? in[i] : 0;
    }
}

/* One line of a cumulative sum, carried in double (exact for integers, which wrap). */
static void sum_line(const float *f, const int32_t *i32, int64_t n, int64_t stride, bool exclusive,
                     bool reverse, float *of, int32_t *oi) {
    double sum = 0;
    int64_t whole = 0;
    for (int64_t p = 0; p < n; p++) {
        int64_t at = (reverse ? n - 1 - p : p) * stride;
        double before = sum;
        int64_t whole_before = whole;
        if (f) sum += f[at];
        else whole += i32[at];
        if (f) of[at] = (float)(exclusive ? before : sum);
        else oi[at] = (int32_t)(uint32_t)(uint64_t)(exclusive ? whole_before : whole);
    }
}

static void cumsum(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    if (!x) return;
    int axis = anm_k_axis(k, anm_k_int(k, "axis"), x->rank);
    bool exclusive = anm_k_bool(k, "exclusive"), reverse = anm_k_bool(k, "reverse");
    bool floats = anm_k_is_float(x);
    const float *f = floats ? anm_k_floats(k, x) : NULL;
    const int32_t *i = floats ? NULL : anm_k_int32s(k, x);
    float *of = floats ? anm_k_out_floats(k, 0, x->rank, x->shape) : NULL;
    int32_t *oi = floats ? NULL : anm_k_out_ints(k, 0, x->rank, x->shape);
    if (k->status != ANM_OK) return;
    int64_t outer = anm_shape_product(x->shape, 0, axis), n = x->shape[axis];
    int64_t inner = anm_shape_product(x->shape, axis + 1, x->rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t p = 0; p < inner; p++) {
            int64_t at = o * n * inner + p;
            sum_line(f ? f + at : NULL, i ? i + at : NULL, n, inner, exclusive, reverse,
                     of ? of + at : NULL, oi ? oi + at : NULL);
        }
}

const anm_kernel anm_kernels_generate[] = {
    {"band_part", band_part, 0, NULL}, {"cumsum", cumsum, 0, NULL},
    {"fill", fill, 0, NULL},           {"fill_like", fill_like, 0, NULL},
    {"non_zero", non_zero, 0, NULL},   {"one_hot", one_hot, 0, NULL},
    {"range_1d", range_1d, 0, NULL},   {NULL, NULL, 0, NULL},
};

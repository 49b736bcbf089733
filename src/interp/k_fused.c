/* SPDX-License-Identifier: MIT */
/*
 * The optimiser's own ops (src/mil/optable_fused.c): the meaning that the fast engine's kernels are
 * held against. Sums in fp32 in order, as dot.h specifies; norms carry double.
 */
#include <math.h>
#include <string.h>

#include "src/interp/dot.h"
#include "src/interp/scalar.h"
#include "src/interp/softmax.h"
#include "src/interp/sort.h"

static int64_t last_dim(const anm_rvalue *v) {
    return v->shape[v->rank - 1];
}

static void multiply(anm_kcall *k, const anm_rvalue *x, const anm_rvalue *w, const float *bias,
                     float *out) {
    anm_rows rows;
    int64_t columns = last_dim(x), M = x->count / columns;
    const float *in = anm_k_floats(k, x);
    if (!in || !anm_rows_init(k, &rows, w, columns, M)) return;
    anm_product(in, M, &rows, w->shape[0], bias, out, w->shape[0], 1);
}

/* The shape of x with another last dimension. */
static void with_last(const anm_rvalue *x, int64_t last, int64_t *shape) {
    memcpy(shape, x->shape, sizeof x->shape);
    shape[x->rank - 1] = last;
}

static float *linear_output(anm_kcall *k, const anm_rvalue *x, const anm_rvalue *w) {
    int64_t shape[ANM_MAX_RANK];
    with_last(x, w->shape[0], shape);
    return anm_k_out_floats(k, 0, x->rank, shape);
}

static void linear(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *w = anm_k_arg(k, "weight");
    const anm_rvalue *bias = anm_k_opt(k, "bias"), *residual = anm_k_opt(k, "residual");
    if (k->status != ANM_OK) return;
    const float *b = bias ? anm_k_floats(k, bias) : NULL;
    const float *r = residual ? anm_k_floats(k, residual) : NULL;
    float *out = linear_output(k, x, w);
    if (!out) return;
    multiply(k, x, w, b, out);
    for (int64_t i = 0; r && i < k->outputs[0].count; i++) out[i] += r[i];
}

/* As topk orders them: of equals the first, NaN before all. */
static void pick_largest(const float *line, int64_t n, int64_t count, double *key, int64_t *index,
                         float *values, int32_t *places) {
    anm_sorter s = {key, 1, false};
    for (int64_t i = 0; i < n; i++) key[i] = line[i];
    anm_sort_indices(&s, index, index + n, n);
    for (int64_t i = 0; i < count; i++) {
        values[i] = line[index[i]];
        places[i] = (int32_t)index[i];
    }
}

static void linear_topk(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *w = anm_k_arg(k, "weight");
    const anm_rvalue *bias = anm_k_opt(k, "bias");
    int64_t count = anm_k_int(k, "k"), shape[ANM_MAX_RANK];
    if (k->status != ANM_OK) return;
    int64_t n = w->shape[0], lines = x->count / last_dim(x);
    const float *b = bias ? anm_k_floats(k, bias) : NULL;
    float *all = anm_k_scratch(k, lines * n, sizeof *all);
    double *key = anm_k_scratch(k, n, sizeof *key);
    int64_t *index = anm_k_scratch(k, 2 * n, sizeof *index);
    with_last(x, count, shape);
    float *values = anm_k_out_floats(k, 0, x->rank, shape);
    int32_t *places = anm_k_out_ints(k, 1, x->rank, shape);
    if (k->status != ANM_OK) return;
    multiply(k, x, w, b, all);
    for (int64_t i = 0; k->status == ANM_OK && i < lines; i++)
        pick_largest(all + i * n, n, count, key, index, values + i * count, places + i * count);
}

static double activate(const char *name, double x) {
    if (strcmp(name, "silu") == 0) return (float)x / (1 + anm_expf(-(float)x));
    if (strcmp(name, "gelu") == 0) return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static void gated_linear(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *gate = anm_k_arg(k, "gate"), *up = anm_k_arg(k, "up");
    const char *name = anm_k_string(k, "activation");
    if (k->status != ANM_OK) return;
    if (strcmp(name, "silu") && strcmp(name, "gelu") && strcmp(name, "gelu_tanh")) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "activation \"%s\" is not known", name);
        return;
    }
    float *out = linear_output(k, x, gate);
    int64_t count = out ? k->outputs[0].count : 0;
    float *other = out ? anm_k_scratch(k, count, sizeof *other) : NULL;
    if (!other) return;
    multiply(k, x, gate, NULL, out);
    multiply(k, x, up, NULL, other);
    for (int64_t i = 0; i < count; i++) out[i] = (float)activate(name, out[i]) * other[i];
}

static void rms_norm(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *gamma = anm_k_opt(k, "gamma");
    const float *in = x ? anm_k_floats(k, x) : NULL, *g = gamma ? anm_k_floats(k, gamma) : NULL;
    double epsilon = anm_k_float(k, "epsilon");
    float *out = in ? anm_k_out_floats(k, 0, x->rank, x->shape) : NULL;
    if (!out) return;
    int64_t n = last_dim(x);
    for (int64_t at = 0; at < x->count; at += n) {
        double squares = 0;
        for (int64_t i = 0; i < n; i++) squares += (double)in[at + i] * in[at + i];
        double scale = 1 / sqrt(squares / (double)n + epsilon);
        for (int64_t i = 0; i < n; i++)
            out[at + i] = (float)(in[at + i] * scale * (g ? g[i] : 1));
    }
}

/* One row of x; the tables may have half its width, being the same for both halves. */
static void turn(const float *x, const float *cosine, const float *sine, int64_t half,
                 int64_t cos_second, int64_t sin_second, float *out) {
    for (int64_t i = 0; i < half; i++) {
        out[i] = x[i] * cosine[i] - x[half + i] * sine[i];
        out[half + i] = x[half + i] * cosine[cos_second + i] + x[i] * sine[sin_second + i];
    }
}

/* Offsets of a table's rows under the rows of x. */
static void add_table(anm_walk *w, const anm_rvalue *table, const anm_rvalue *x) {
    int64_t stride[ANM_MAX_RANK], width = last_dim(table);
    anm_broadcast_strides(table->rank - 1, table->shape, x->rank - 1, stride);
    for (int i = 0; i < x->rank - 1; i++) stride[i] *= width;
    anm_walk_add(w, stride, 0);
}

static void rope(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *c = anm_k_arg(k, "cos"), *s = anm_k_arg(k, "sin");
    if (k->status != ANM_OK) return;
    const float *in = anm_k_floats(k, x), *cosine = anm_k_floats(k, c), *sine = anm_k_floats(k, s);
    float *out = k->status == ANM_OK ? anm_k_out_floats(k, 0, x->rank, x->shape) : NULL;
    if (!out) return;
    int64_t width = last_dim(x), half = width / 2;
    int64_t cos_second = last_dim(c) == width ? half : 0;
    int64_t sin_second = last_dim(s) == width ? half : 0;
    anm_walk w;
    anm_walk_init(&w, x->rank - 1, x->shape);
    add_table(&w, c, x);
    add_table(&w, s, x);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++, in += width, out += width)
            turn(in, cosine + w.at[0] + i * w.step[0], sine + w.at[1] + i * w.step[1], half,
                 cos_second, sin_second, out);
}

/* One query row against the keys of its group; scores has a value for each column. */
static void attend(const anm_rvalue *key, const anm_rvalue *value, const float *keys,
                   const float *values, const float *q, const float *mask, float scale,
                   float *scores, float *out) {
    int64_t columns = key->shape[2], dim = key->shape[3], width = value->shape[3];
    for (int64_t c = 0; c < columns; c++) {
        scores[c] = anm_dot(q, keys + c * dim, dim) * scale;
        if (mask) scores[c] += mask[c];
    }
    anm_softmax(scores, columns, 1);
    memset(out, 0, (size_t)width * sizeof *out);
    for (int64_t c = 0; c < columns; c++)
        for (int64_t i = 0; i < width; i++) out[i] += scores[c] * values[c * width + i];
}

static void attention(anm_kcall *k) {
    const anm_rvalue *q = anm_k_arg(k, "query"), *key = anm_k_arg(k, "key");
    const anm_rvalue *value = anm_k_arg(k, "value"), *mask = anm_k_opt(k, "mask");
    float scale = (float)anm_k_float(k, "scale");
    if (k->status != ANM_OK) return;
    int64_t heads = q->shape[1], rows = q->shape[2], columns = key->shape[2];
    int64_t dim = q->shape[3], width = value->shape[3], group = heads / key->shape[1];
    const float *qs = anm_k_floats(k, q), *ks = anm_k_floats(k, key);
    const float *vs = anm_k_floats(k, value), *ms = mask ? anm_k_floats(k, mask) : NULL;
    float *scores = anm_k_scratch(k, columns, sizeof *scores);
    float *out = anm_k_out_floats(k, 0, 4, (const int64_t[]){1, heads, rows, width});
    for (int64_t h = 0; out && h < heads; h++)
        for (int64_t r = 0; r < rows; r++)
            attend(key, value, ks + h / group * columns * dim, vs + h / group * columns * width,
                   qs + (h * rows + r) * dim, ms ? ms + r * columns : NULL, scale, scores,
                   out + (h * rows + r) * width);
}

const anm_kernel anm_kernels_fused[] = {
    {"anm_attention", attention, 0, NULL},
    {"anm_gated_linear", gated_linear, 0, NULL},
    {"anm_linear", linear, 0, NULL},
    {"anm_linear_topk", linear_topk, 0, NULL},
    {"anm_rms_norm", rms_norm, 0, NULL},
    {"anm_rope", rope, 0, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Type rules of convolutions, matrix products and pools. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

typedef struct window {
    int64_t size[3], stride[3], dilation[3], pad[6];
    int dims;
    const char *pad_type;
} window;

static bool read_ints(const anm_mil_op *op, anm_mil_infer *infer, const char *name, int64_t *out,
                      int wanted) {
    int count = wanted;
    if (!anm_mil_op_get_ints(op, name, out, wanted, &count) || count != wanted)
        return anm_mil_refuse(infer, "%s has not %d constant entries", name, wanted);
    return true;
}

/* Numbers that sizes are computed from; within these bounds nothing overflows. */
static bool in_range(anm_mil_infer *infer, const char *name, const int64_t *values, int count,
                     int64_t low) {
    for (int i = 0; i < count; i++)
        if (values[i] < low || values[i] > INT32_MAX)
            return anm_mil_refuse(infer, "%s holds %lld", name, (long long)values[i]);
    return true;
}

static bool read_window(const anm_mil_op *op, anm_mil_infer *infer, window *w) {
    if (!anm_mil_op_get_string(op, "pad_type", &w->pad_type))
        return anm_mil_refuse(infer, "pad_type is not constant");
    if (strcmp(w->pad_type, "custom") == 0) {
        if (!read_ints(op, infer, "pad", w->pad, 2 * w->dims) ||
            !in_range(infer, "pad", w->pad, 2 * w->dims, 0))
            return false;
    } else if (strcmp(w->pad_type, "valid") != 0 && strcmp(w->pad_type, "same") != 0 &&
               strcmp(w->pad_type, "same_lower") != 0) {
        return anm_mil_refuse(infer, "there is no pad_type \"%.40s\"", w->pad_type);
    }
    return read_ints(op, infer, "strides", w->stride, w->dims) &&
           in_range(infer, "strides", w->stride, w->dims, 1);
}

static bool is_same(const window *w) {
    return strncmp(w->pad_type, "same", 4) == 0;
}

/* Input elements under one window; -1 when the kernel's size is not known. */
static int64_t reach(const window *w, int d) {
    if (w->size[d] < 0 || w->size[d] > INT32_MAX) return -1;
    return w->dilation[d] * (w->size[d] - 1) + 1;
}

/*
 * Output length of one spatial dimension; "same" keeps ceil(n / stride). With ceil_mode a window
 * that would begin in the padding behind the data is left out.
 */
static bool window_length(anm_mil_infer *infer, const window *w, int d, int64_t n, bool ceil_mode,
                          int64_t *out) {
    int64_t stride = w->stride[d], before = w->pad[2 * d], after = w->pad[2 * d + 1];
    int64_t span = reach(w, d);
    *out = ANM_DIM_UNKNOWN;
    if (n < 0 || n > INT64_MAX / 4) return true;
    if (is_same(w)) {
        *out = (n + stride - 1) / stride;
        return true;
    }
    if (span < 0) return true;
    int64_t room = before + n + after - span;
    if (room < 0)
        return anm_mil_refuse(infer, "a window of %lld does not fit %lld elements",
                              (long long)span, (long long)(before + n + after));
    *out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (ceil_mode && before + after > 0 && (*out - 1) * stride >= before + n) --*out;
    return true;
}

/* Fills shape[2 ..] and gives the output. */
static bool give_windows(const anm_mil_op *op, anm_mil_infer *infer, const window *w,
                         bool ceil_mode, int64_t channels) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[5] = {x->shape[0], channels};
    for (int i = 0; i < w->dims; i++)
        if (!window_length(infer, w, i, x->shape[2 + i], ceil_mode, &shape[2 + i])) return false;
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* A bias has one number for each output. */
static bool check_bias(const anm_mil_op *op, anm_mil_infer *infer, int64_t outputs) {
    const anm_mil_type *bias = anm_mil_type_of(op, "bias");
    if (!bias || bias->rank < 0) return true;
    if (bias->rank == 1 && anm_mil_same_dim(bias->shape[0], outputs)) return true;
    char shape[ANM_SHAPE_TEXT];
    return anm_mil_refuse(infer, "bias has shape %s for %lld outputs",
                          anm_shape_format(bias->shape, bias->rank, shape, sizeof shape),
                          (long long)outputs);
}

/* What conv and conv_transpose share. */
static bool read_conv(const anm_mil_op *op, anm_mil_infer *infer, window *w, int64_t *groups) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *weight = anm_mil_type_of(op, "weight");
    if (x->rank < 3 || x->rank > 5 || weight->rank != x->rank)
        return anm_mil_refuse(infer, "x and weight need the same rank, 3 to 5");
    *w = (window){.dims = x->rank - 2};
    for (int i = 0; i < w->dims; i++) {
        w->size[i] = weight->shape[2 + i];
        if (w->size[i] == 0) return anm_mil_refuse(infer, "the weight is empty");
    }
    if (!anm_mil_op_get_int(op, "groups", groups) || *groups <= 0 || *groups > INT32_MAX)
        return anm_mil_refuse(infer, "groups must be positive");
    return read_ints(op, infer, "dilations", w->dilation, w->dims) &&
           in_range(infer, "dilations", w->dilation, w->dims, 1) && read_window(op, infer, w);
}

/* The product, unknown where a factor is or where it is beyond all memory. */
static int64_t times(int64_t dim, int64_t by) {
    int64_t product;
    return dim < 0 || __builtin_mul_overflow(dim, by, &product) ? ANM_DIM_UNKNOWN : product;
}

bool anm_mil_rule_conv(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *weight = anm_mil_type_of(op, "weight");
    int64_t groups;
    window w;
    if (!read_conv(op, infer, &w, &groups)) return false;
    if (!anm_mil_same_dim(x->shape[1], times(weight->shape[1], groups)))
        return anm_mil_refuse(infer, "x has %lld channels, the weight takes %lld in %lld groups",
                              (long long)x->shape[1], (long long)times(weight->shape[1], groups),
                              (long long)groups);
    if (weight->shape[0] >= 0 && weight->shape[0] % groups != 0)
        return anm_mil_refuse(infer, "%lld outputs do not divide into %lld groups",
                              (long long)weight->shape[0], (long long)groups);
    return check_bias(op, infer, weight->shape[0]) &&
           give_windows(op, infer, &w, false, weight->shape[0]);
}

/* Without padding each input element starts a kernel; "same" gives stride outputs per input. */
static bool transposed_length(anm_mil_infer *infer, const window *w, int d, int64_t n,
                              int64_t *out) {
    int64_t span = reach(w, d), cut = w->pad[2 * d] + w->pad[2 * d + 1];
    *out = is_same(w) ? times(n, w->stride[d]) : ANM_DIM_UNKNOWN;
    if (is_same(w) || n < 0 || span < 0 || n > INT64_MAX / 4 / w->stride[d]) return true;
    int64_t full = n ? (n - 1) * w->stride[d] + span : 0;
    if (full < cut) return anm_mil_refuse(infer, "pad takes more than there is");
    *out = full - cut;
    return true;
}

/* The output's shape as an argument; batch and channels follow from x and weight. */
static bool given_shape(const anm_mil_op *op, anm_mil_infer *infer, const int64_t *computed) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[5];
    if (!read_ints(op, infer, "output_shape", shape, x->rank) ||
        !in_range(infer, "output_shape", shape, x->rank, 0))
        return false;
    if (!anm_mil_same_dim(shape[0], computed[0]) || !anm_mil_same_dim(shape[1], computed[1]))
        return anm_mil_refuse(infer, "output_shape begins with %lld, %lld instead of %lld, %lld",
                              (long long)shape[0], (long long)shape[1], (long long)computed[0],
                              (long long)computed[1]);
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* weight is [channels in, channels out per group, kernel...]. */
bool anm_mil_rule_conv_transpose(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *weight = anm_mil_type_of(op, "weight");
    int64_t groups, shape[5];
    window w;
    if (!read_conv(op, infer, &w, &groups)) return false;
    if (!anm_mil_same_dim(x->shape[1], weight->shape[0]))
        return anm_mil_refuse(infer, "x has %lld channels, the weight takes %lld",
                              (long long)x->shape[1], (long long)weight->shape[0]);
    if (weight->shape[0] >= 0 && weight->shape[0] % groups != 0)
        return anm_mil_refuse(infer, "%lld channels do not divide into %lld groups",
                              (long long)weight->shape[0], (long long)groups);
    shape[0] = x->shape[0];
    shape[1] = times(weight->shape[1], groups);
    if (!check_bias(op, infer, shape[1])) return false;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "output_shape")))
        return given_shape(op, infer, shape);
    for (int i = 0; i < w.dims; i++)
        if (!transposed_length(infer, &w, i, x->shape[2 + i], &shape[2 + i])) return false;
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

bool anm_mil_rule_pool(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    window w = {.dilation = {1, 1, 1}};
    bool ceil_mode;
    if (x->rank < 3 || x->rank > 5) return anm_mil_refuse(infer, "x needs rank 3 to 5");
    w.dims = x->rank - 2;
    if (!read_ints(op, infer, "kernel_sizes", w.size, w.dims) ||
        !in_range(infer, "kernel_sizes", w.size, w.dims, 1) || !read_window(op, infer, &w))
        return false;
    if (!anm_mil_op_get_bool(op, "ceil_mode", &ceil_mode))
        return anm_mil_refuse(infer, "ceil_mode is not constant");
    return give_windows(op, infer, &w, ceil_mode, x->shape[1]);
}

bool anm_mil_rule_linear(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *weight = anm_mil_type_of(op, "weight");
    int64_t shape[ANM_MAX_RANK];
    if (x->rank == 0 || weight->rank != 2)
        return anm_mil_refuse(infer, "x needs rank 1 or more and weight rank 2");
    if (!check_bias(op, infer, weight->shape[0])) return false;
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, -1);
    int last = x->rank - 1;
    if (x->shape[last] >= 0 && weight->shape[1] >= 0 && x->shape[last] != weight->shape[1])
        return anm_mil_refuse(infer, "x has %lld features, the weight takes %lld",
                              (long long)x->shape[last], (long long)weight->shape[1]);
    for (int i = 0; i < last; i++) shape[i] = x->shape[i];
    shape[last] = weight->shape[0];
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

static void swap_last(anm_mil_type *t, bool transpose) {
    if (!transpose || t->rank < 2) return;
    int64_t kept = t->shape[t->rank - 1];
    t->shape[t->rank - 1] = t->shape[t->rank - 2];
    t->shape[t->rank - 2] = kept;
}

static bool is_constant(anm_mil_operand operand) {
    if (anm_mil_operand_constant(operand)) return true;
    const anm_mil_op *def = operand.value ? operand.value->def : NULL;
    return def && def->spec && (def->spec->flags & ANM_OP_CONSTEXPR);
}

/* From iOS 17 on a constant may have another float type. */
static bool may_multiply(const anm_mil_op *op, const anm_mil_type *x, const anm_mil_type *y) {
    if (x->dtype == y->dtype) return true;
    return anm_dtype_is_float(x->dtype) && anm_dtype_is_float(y->dtype) &&
           (is_constant(anm_mil_op_operand(op, "x")) || is_constant(anm_mil_op_operand(op, "y")));
}

bool anm_mil_rule_matmul(const anm_mil_op *op, anm_mil_infer *infer) {
    anm_mil_type x = *anm_mil_type_of(op, "x"), y = *anm_mil_type_of(op, "y");
    bool tx = false, ty = false;
    int rank;
    int64_t shape[ANM_MAX_RANK];
    if (!anm_mil_op_get_bool(op, "transpose_x", &tx) ||
        !anm_mil_op_get_bool(op, "transpose_y", &ty))
        return anm_mil_refuse(infer, "transpose_x or transpose_y is not constant");
    if (!may_multiply(op, &x, &y))
        return anm_mil_refuse(infer, "x and y differ in element type");
    if (x.rank == 0 || y.rank == 0) return anm_mil_refuse(infer, "x and y need rank 1 or more");
    if (x.rank < 0 || y.rank < 0) return anm_mil_give_unknown(infer, x.dtype, -1);
    bool vector_x = x.rank == 1, vector_y = y.rank == 1;
    if (vector_x) x = (anm_mil_type){.rank = 2, .dtype = x.dtype, .shape = {1, x.shape[0]}};
    if (vector_y) y = (anm_mil_type){.rank = 2, .dtype = y.dtype, .shape = {y.shape[0], 1}};
    if (!vector_x) swap_last(&x, tx);
    if (!vector_y) swap_last(&y, ty);
    int64_t rows = x.shape[x.rank - 2], inner = x.shape[x.rank - 1];
    int64_t other = y.shape[y.rank - 2], columns = y.shape[y.rank - 1];
    if (inner >= 0 && other >= 0 && inner != other)
        return anm_mil_refuse(infer, "inner dimensions are %lld and %lld", (long long)inner,
                              (long long)other);
    x.shape[x.rank - 2] = x.shape[x.rank - 1] = y.shape[y.rank - 2] = y.shape[y.rank - 1] = 1;
    if (!anm_mil_broadcast(&x, &y, &rank, shape))
        return anm_mil_refuse(infer, "batch dimensions do not broadcast");
    shape[rank - 2] = rows;
    shape[rank - 1] = columns;
    if (vector_x) shape[rank - 2] = columns;
    rank -= vector_x + vector_y;
    return anm_mil_give(infer, 0, x.dtype, rank, shape);
}

/* Where the letters of an equation's terms lie: "nchw,nwhu->nchu". */
typedef struct equation {
    char terms[3][ANM_MAX_RANK + 1];
} equation;

static bool parse_equation(const char *p, equation *e) {
    for (int t = 0; t < 3; t++) {
        int n = 0;
        for (; *p && *p != ',' && *p != '-'; p++) {
            if (*p == ' ') continue;
            if (n == ANM_MAX_RANK || strchr("->.", *p)) return false;
            e->terms[t][n++] = *p;
        }
        e->terms[t][n] = '\0';
        if (t == 0 && *p++ != ',') return false;
        if (t == 1 && (*p++ != '-' || *p++ != '>')) return false;
    }
    return *p == '\0';
}

/* The size of a letter from both operands, a dimension of 1 being broadcast. */
static bool letter_size(const equation *e, const anm_mil_type *const types[2], char letter,
                        int64_t *size) {
    anm_mil_type found[2];
    int rank;
    for (int t = 0; t < 2; t++) {
        const char *at = strchr(e->terms[t], letter);
        found[t] = (anm_mil_type){.rank = 1, .shape = {at ? types[t]->shape[at - e->terms[t]] : 1}};
    }
    return anm_mil_broadcast(&found[0], &found[1], &rank, size);
}

bool anm_mil_rule_einsum(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_arg *values = anm_mil_op_arg(op, "values");
    const char *text = "";
    equation e;
    if (values->count != 2)
        return anm_mil_refuse(infer, "has %zu values instead of 2", values->count);
    if (!anm_mil_op_get_string(op, "equation", &text) || !parse_equation(text, &e))
        return anm_mil_refuse(infer, "the equation \"%s\" is not understood", text);
    const anm_mil_type *const types[2] = {anm_mil_operand_type(values->operands[0]),
                                          anm_mil_operand_type(values->operands[1])};
    if (types[0]->dtype != types[1]->dtype)
        return anm_mil_refuse(infer, "the values differ in element type");
    int64_t shape[ANM_MAX_RANK], size;
    for (int t = 0; t < 2; t++) {
        if (types[t]->rank != (int)strlen(e.terms[t]))
            return anm_mil_refuse(infer, "value %d has rank %d for \"%s\"", t, types[t]->rank,
                                  e.terms[t]);
        for (const char *c = e.terms[t]; *c; c++)
            if (!letter_size(&e, types, *c, &size))
                return anm_mil_refuse(infer, "the values differ in dimension \"%c\"", *c);
    }
    int rank = (int)strlen(e.terms[2]);
    for (int i = 0; i < rank; i++) {
        if (!strchr(e.terms[0], e.terms[2][i]) && !strchr(e.terms[1], e.terms[2][i]))
            return anm_mil_refuse(infer, "dimension \"%c\" is in no value", e.terms[2][i]);
        letter_size(&e, types, e.terms[2][i], &shape[i]);
    }
    return anm_mil_give(infer, 0, types[0]->dtype, rank, shape);
}

static bool mask_fits(const anm_mil_type *mask, const anm_mil_type *scores) {
    int64_t shape[ANM_MAX_RANK];
    int rank;
    if (!mask || mask->rank < 0) return true;
    if (mask->rank > scores->rank || !anm_mil_broadcast(mask, scores, &rank, shape)) return false;
    for (int i = 0; i < rank; i++)
        if (!anm_mil_same_dim(shape[i], scores->shape[i])) return false;
    return true;
}

/* query [..., L, E], key [..., S, E], value [..., S, V], mask broadcast to [..., L, S]. */
bool anm_mil_rule_attention(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *q = anm_mil_type_of(op, "query"), *k = anm_mil_type_of(op, "key");
    const anm_mil_type *v = anm_mil_type_of(op, "value"), *mask = anm_mil_type_of(op, "attn_mask");
    if (q->rank < 0 || k->rank < 0 || v->rank < 0)
        return anm_mil_give(infer, 0, q->dtype, -1, NULL);
    int r = q->rank;
    if (r < 3 || k->rank != r || v->rank != r)
        return anm_mil_refuse(infer, "query, key and value need the same rank, 3 or more");
    if (q->dtype != k->dtype || q->dtype != v->dtype)
        return anm_mil_refuse(infer, "query, key and value differ in element type");
    for (int i = 0; i < r - 2; i++)
        if (!anm_mil_same_dim(q->shape[i], k->shape[i]) ||
            !anm_mil_same_dim(q->shape[i], v->shape[i]))
            return anm_mil_refuse(infer, "query, key and value differ in dimension %d", i);
    if (!anm_mil_same_dim(q->shape[r - 1], k->shape[r - 1]) ||
        !anm_mil_same_dim(k->shape[r - 2], v->shape[r - 2]))
        return anm_mil_refuse(infer, "query, key and value do not fit each other");
    anm_mil_type scores = *q;
    scores.shape[r - 1] = k->shape[r - 2];
    if (!mask_fits(mask, &scores)) return anm_mil_refuse(infer, "attn_mask does not broadcast");
    scores.shape[r - 1] = v->shape[r - 1];
    return anm_mil_give(infer, 0, q->dtype, r, scores.shape);
}

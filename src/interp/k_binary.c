/* SPDX-License-Identifier: MIT */
/*
 * Elementwise ops of two tensors with NumPy broadcasting, and select. Integers wrap; an integer
 * division by zero gives zero.
 */
#include <math.h>

#include "src/interp/kernels.h"
#include "src/interp/scalar.h"

enum { ADD, SUB, MUL, REAL_DIV, FLOOR_DIV, MOD, MAXIMUM, MINIMUM, POW };
enum { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, AND, OR, XOR };

static float float_floor_div(float a, float b) {
    return floorf(a / b);
}

/* The sign of the divisor, as in Python. */
static float float_mod(float a, float b) {
    double r = fmod(a, b);
    return (float)(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

static float float_max(float a, float b) {
    return a > b || isnan(a) ? a : b;
}

static float float_min(float a, float b) {
    return a < b || isnan(a) ? a : b;
}

static int32_t int_floor_div(int32_t a, int32_t b) {
    if (b == 0) return 0;
    int64_t q = (int64_t)a / b;
    if (a % (int64_t)b != 0 && (a < 0) != (b < 0)) q--;
    return (int32_t)(uint32_t)q;
}

static int32_t int_mod(int32_t a, int32_t b) {
    if (b == 0) return 0;
    int64_t r = (int64_t)a % b;
    return (int32_t)(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

/* Truncated towards zero. */
static int32_t int_div(int32_t a, int32_t b) {
    return b == 0 ? 0 : (int32_t)(uint32_t)((int64_t)a / b);
}

static int32_t int_pow(int32_t a, int32_t b) {
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
    uint32_t result = 1, x = (uint32_t)a;
    for (uint32_t n = (uint32_t)b; n; n >>= 1, x *= x)
        if (n & 1) result *= x;
    return (int32_t)result;
}

#define EACH(expr)                                                                                 \
    for (int64_t i = 0; i < w->length; i++) {                                                      \
        const float a = pa[i * sa], b = pb[i * sb];                                                \
        out[i] = (expr);                                                                           \
    }                                                                                              \
    break

static void float_row(int variant, const anm_walk *w, float *out, const float *pa,
                      const float *pb) {
    int64_t sa = w->step[0], sb = w->step[1];
    switch (variant) {
    case ADD: EACH(a + b);
    case SUB: EACH(a - b);
    case MUL: EACH(a * b);
    case REAL_DIV: EACH(a / b);
    case FLOOR_DIV: EACH(float_floor_div(a, b));
    case MOD: EACH(float_mod(a, b));
    case MAXIMUM: EACH(float_max(a, b));
    case MINIMUM: EACH(float_min(a, b));
    case POW: EACH((float)anm_pow(a, b));
    }
}
#undef EACH

#define EACH(expr)                                                                                 \
    for (int64_t i = 0; i < w->length; i++) {                                                      \
        const int32_t a = pa[i * sa], b = pb[i * sb];                                              \
        out[i] = (expr);                                                                           \
    }                                                                                              \
    break

static void int_row(int variant, const anm_walk *w, int32_t *out, const int32_t *pa,
                    const int32_t *pb) {
    int64_t sa = w->step[0], sb = w->step[1];
    switch (variant) {
    case ADD: EACH((int32_t)((uint32_t)a + (uint32_t)b));
    case SUB: EACH((int32_t)((uint32_t)a - (uint32_t)b));
    case MUL: EACH((int32_t)((uint32_t)a * (uint32_t)b));
    case REAL_DIV: EACH(int_div(a, b));
    case FLOOR_DIV: EACH(int_floor_div(a, b));
    case MOD: EACH(int_mod(a, b));
    case MAXIMUM: EACH(a > b ? a : b);
    case MINIMUM: EACH(a < b ? a : b);
    case POW: EACH(int_pow(a, b));
    }
}
#undef EACH

#define EACH(expr)                                                                                 \
    for (int64_t i = 0; i < w->length; i++) {                                                      \
        const double a = (double)pa[i * sa], b = (double)pb[i * sb];                               \
        out[i] = (expr);                                                                           \
    }                                                                                              \
    break
#define COMPARE_ROW(name, type)                                                                    \
    static void name(int variant, const anm_walk *w, int32_t *out, const type *pa,                 \
                     const type *pb) {                                                             \
        int64_t sa = w->step[0], sb = w->step[1];                                                  \
        switch (variant) {                                                                         \
        case EQUAL: EACH(a == b);                                                                  \
        case NOT_EQUAL: EACH(a != b);                                                              \
        case LESS: EACH(a < b);                                                                    \
        case LESS_EQUAL: EACH(a <= b);                                                             \
        case GREATER: EACH(a > b);                                                                 \
        case GREATER_EQUAL: EACH(a >= b);                                                          \
        case AND: EACH(a != 0 && b != 0);                                                          \
        case OR: EACH(a != 0 || b != 0);                                                           \
        case XOR: EACH((a != 0) != (b != 0));                                                      \
        }                                                                                          \
    }
COMPARE_ROW(compare_float_row, float)
COMPARE_ROW(compare_int_row, int32_t)
#undef EACH

static bool walk_pair(anm_kcall *k, const anm_rvalue *x, const anm_rvalue *y, int *rank,
                      int64_t *shape, anm_walk *w) {
    int64_t stride[ANM_MAX_RANK];
    if (!anm_k_broadcast(k, x, y, rank, shape)) return false;
    anm_walk_init(w, *rank, shape);
    anm_broadcast_strides(x->rank, x->shape, *rank, stride);
    anm_walk_add(w, stride, 0);
    anm_broadcast_strides(y->rank, y->shape, *rank, stride);
    anm_walk_add(w, stride, 0);
    return true;
}

static void binary(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *y = anm_k_arg(k, "y");
    anm_walk w;
    int rank, variant = k->kernel->variant;
    int64_t shape[ANM_MAX_RANK];
    if (!x || !y || !walk_pair(k, x, y, &rank, shape, &w)) return;
    if (anm_k_is_float(x) || anm_k_is_float(y)) {
        const float *a = anm_k_floats(k, x), *b = anm_k_floats(k, y);
        float *out = anm_k_out_floats(k, 0, rank, shape);
        for (bool more = out && anm_walk_begin(&w); more; more = anm_walk_next(&w), out += w.length)
            float_row(variant, &w, out, a + w.at[0], b + w.at[1]);
    } else {
        const int32_t *a = anm_k_int32s(k, x), *b = anm_k_int32s(k, y);
        int32_t *out = anm_k_out_ints(k, 0, rank, shape);
        for (bool more = out && anm_walk_begin(&w); more; more = anm_walk_next(&w), out += w.length)
            int_row(variant, &w, out, a + w.at[0], b + w.at[1]);
    }
}

static void compare(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *y = anm_k_arg(k, "y");
    anm_walk w;
    int rank, variant = k->kernel->variant;
    int64_t shape[ANM_MAX_RANK];
    if (!x || !y || !walk_pair(k, x, y, &rank, shape, &w)) return;
    bool floats = anm_k_is_float(x) || anm_k_is_float(y);
    const float *fa = floats ? anm_k_floats(k, x) : NULL, *fb = floats ? anm_k_floats(k, y) : NULL;
    const int32_t *ia = floats ? NULL : anm_k_int32s(k, x);
    const int32_t *ib = floats ? NULL : anm_k_int32s(k, y);
    int32_t *out = anm_k_out_ints(k, 0, rank, shape);
    for (bool more = out && anm_walk_begin(&w); more; more = anm_walk_next(&w), out += w.length) {
        if (floats) compare_float_row(variant, &w, out, fa + w.at[0], fb + w.at[1]);
        else compare_int_row(variant, &w, out, ia + w.at[0], ib + w.at[1]);
    }
}

/* The shape of three broadcast operands: of two, then of that with the third. */
static bool broadcast_three(anm_kcall *k, const anm_rvalue *const v[3], int *rank, int64_t *shape) {
    anm_rvalue pair = {0};
    if (!anm_k_broadcast(k, v[1], v[2], &pair.rank, pair.shape)) return false;
    return anm_k_broadcast(k, v[0], &pair, rank, shape);
}

static void choose(anm_walk *w, const int32_t *cond, const anm_word *a, const anm_word *b,
                   anm_word *out) {
    for (bool more = anm_walk_begin(w); more; more = anm_walk_next(w), out += w->length)
        for (int64_t i = 0; i < w->length; i++)
            out[i] = cond[w->at[0] + i * w->step[0]] ? a[w->at[1] + i * w->step[1]]
                                                     : b[w->at[2] + i * w->step[2]];
}

static void select(anm_kcall *k) {
    const anm_rvalue *v[3] = {anm_k_arg(k, "cond"), anm_k_arg(k, "a"), anm_k_arg(k, "b")};
    anm_walk w;
    int rank;
    int64_t shape[ANM_MAX_RANK], stride[ANM_MAX_RANK];
    if (!v[0] || !v[1] || !v[2] || !broadcast_three(k, v, &rank, shape)) return;
    if (anm_k_is_float(v[1]) != anm_k_is_float(v[2])) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "a and b differ in type");
        return;
    }
    anm_walk_init(&w, rank, shape);
    for (int i = 0; i < 3; i++) {
        anm_broadcast_strides(v[i]->rank, v[i]->shape, rank, stride);
        anm_walk_add(&w, stride, 0);
    }
    const int32_t *cond = anm_k_int32s(k, v[0]);
    const anm_word *a = anm_k_words(k, v[1]), *b = anm_k_words(k, v[2]);
    anm_word *out = anm_k_out_words(k, 0, v[1], rank, shape);
    if (out) choose(&w, cond, a, b, out);
}

const anm_kernel anm_kernels_binary[] = {
    {"add", binary, ADD, NULL},
    {"equal", compare, EQUAL, NULL},
    {"floor_div", binary, FLOOR_DIV, NULL},
    {"greater", compare, GREATER, NULL},
    {"greater_equal", compare, GREATER_EQUAL, NULL},
    {"less", compare, LESS, NULL},
    {"less_equal", compare, LESS_EQUAL, NULL},
    {"logical_and", compare, AND, NULL},
    {"logical_or", compare, OR, NULL},
    {"logical_xor", compare, XOR, NULL},
    {"maximum", binary, MAXIMUM, NULL},
    {"minimum", binary, MINIMUM, NULL},
    {"mod", binary, MOD, NULL},
    {"mul", binary, MUL, NULL},
    {"not_equal", compare, NOT_EQUAL, NULL},
    {"pow", binary, POW, NULL},
    {"real_div", binary, REAL_DIV, NULL},
    {"select", select, 0, NULL},
    {"sub", binary, SUB, NULL},
    {NULL, NULL, 0, NULL},
};

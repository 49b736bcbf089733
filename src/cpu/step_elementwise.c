/* SPDX-License-Identifier: MIT */
/*
 * Elementwise ops with broadcasting: floats by the row kernels, integers and comparisons by plain
 * loops (they are positions, sizes and masks).
 */
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/cpu/planner.h"

typedef int32_t (*int_fn)(int32_t a, int32_t b);
typedef int32_t (*compare_fn)(float a, float b);

typedef struct element_step {
    anm_lie in[3], out;
    int inputs;
    anm_binary_kind binary;
    anm_unary_kind unary;
    float a, b; /* of unary */
    int_fn ints;
    compare_fn compare;
    int rank; /* outer dimensions: all but the innermost, which is the output's contiguous one */
    int64_t shape[ANM_MAX_RANK], stride[4][ANM_MAX_RANK]; /* [3]: of the output */
    int64_t n, step[4], rows;
} element_step;

/* Broadcast strides of an operand over the output's dimensions. */
static void operand_strides(const anm_view *v, const anm_view *out, int64_t *stride) {
    for (int i = 0; i < out->rank; i++) {
        int k = i - (out->rank - v->rank);
        stride[i] = k < 0 || v->shape[k] == 1 ? 0 : v->stride[k];
    }
}

/* Neighbouring dimensions that all operands pass through evenly become one. */
static void join(element_step *e) {
    for (int i = e->rank - 1; i > 0; i--) {
        bool even = true;
        for (int o = 0; o < 4; o++)
            even = even && e->stride[o][i - 1] == e->stride[o][i] * e->shape[i];
        if (!even) continue;
        e->shape[i - 1] *= e->shape[i];
        for (int o = 0; o < 4; o++) e->stride[o][i - 1] = e->stride[o][i];
        for (int k = i; k + 1 < e->rank; k++) {
            e->shape[k] = e->shape[k + 1];
            for (int o = 0; o < 4; o++) e->stride[o][k] = e->stride[o][k + 1];
        }
        e->rank--;
    }
}

/* Dimensions in the order of the output's strides, the narrowest taken as the inner loop. */
static void lay_out(element_step *e) {
    const anm_view *out = &e->out.view;
    int64_t strides[4][ANM_MAX_RANK] = {{0}};
    bool done[ANM_MAX_RANK] = {false};
    for (int o = 0; o < e->inputs; o++) operand_strides(&e->in[o].view, out, strides[o]);
    for (int i = 0; i < out->rank; i++) strides[3][i] = out->stride[i];
    e->rank = 0;
    for (int k = 0; k < out->rank; k++) {
        int best = -1;
        for (int i = 0; i < out->rank; i++)
            if (!done[i] && (best < 0 || out->stride[i] > out->stride[best])) best = i;
        done[best] = true;
        if (out->shape[best] == 1) continue;
        e->shape[e->rank] = out->shape[best];
        for (int o = 0; o < 4; o++) e->stride[o][e->rank] = strides[o][best];
        e->rank++;
    }
    join(e);
    e->n = 1;
    if (e->rank) {
        e->rank--;
        e->n = e->shape[e->rank];
        for (int o = 0; o < 4; o++) e->step[o] = e->stride[o][e->rank];
    }
    e->rows = 1;
    for (int i = 0; i < e->rank; i++) e->rows *= e->shape[i];
}

static void offsets(const element_step *e, int64_t row, int64_t *at) {
    memset(at, 0, 4 * sizeof *at);
    for (int i = e->rank - 1; i >= 0; i--) {
        int64_t index = row % e->shape[i];
        row /= e->shape[i];
        for (int o = 0; o < 4; o++) at[o] += index * e->stride[o][i];
    }
}

/* A range of rows, and of the inner dimension when there is one row only. */
static void share(const element_step *e, int thread, int threads, int64_t *row0, int64_t *row1,
                  int64_t *from, int64_t *to) {
    *row0 = 0, *row1 = 1, *from = 0, *to = e->n;
    if (e->rows > 1) anm_share(e->rows, 1, thread, threads, row0, row1);
    else anm_share(e->n, 1024, thread, threads, from, to);
}

static void run_binary(const anm_step *s, anm_exec *x, int thread, int threads) {
    const element_step *e = s->data;
    const float *a = anm_exec_at(x, &e->in[0]), *b = anm_exec_at(x, &e->in[1]);
    float *y = anm_exec_at(x, &e->out);
    int64_t row0, row1, from, to, at[4];
    share(e, thread, threads, &row0, &row1, &from, &to);
    for (int64_t row = row0; row < row1 && from < to; row++) {
        offsets(e, row, at);
        x->plan->rows->binary(e->binary, a + at[0] + from * e->step[0], (int)e->step[0],
                              b + at[1] + from * e->step[1], (int)e->step[1], to - from,
                              y + at[3] + from);
    }
}

static void run_unary(const anm_step *s, anm_exec *x, int thread, int threads) {
    const element_step *e = s->data;
    const float *a = anm_exec_at(x, &e->in[0]);
    float *y = anm_exec_at(x, &e->out);
    int64_t row0, row1, from, to, at[4];
    share(e, thread, threads, &row0, &row1, &from, &to);
    for (int64_t row = row0; row < row1 && from < to; row++) {
        offsets(e, row, at);
        x->plan->rows->parametric(e->unary, e->a, e->b, a + at[0] + from, to - from,
                                  y + at[3] + from);
    }
}

static void run_small(const anm_step *s, anm_exec *x, int thread, int threads) {
    const element_step *e = s->data;
    int64_t row0, row1, from, to, at[4];
    share(e, thread, threads, &row0, &row1, &from, &to);
    const char *in[3];
    int32_t *y = anm_exec_at(x, &e->out);
    for (int o = 0; o < e->inputs; o++) in[o] = anm_exec_at(x, &e->in[o]);
    for (int64_t row = row0; row < row1; row++) {
        offsets(e, row, at);
        for (int64_t i = from; i < to; i++) {
            int32_t v[3] = {0};
            float f[3] = {0};
            for (int o = 0; o < e->inputs; o++) {
                memcpy(&v[o], in[o] + 4 * (at[o] + i * e->step[o]), 4);
                memcpy(&f[o], &v[o], 4);
            }
            y[at[3] + i * e->step[3]] = e->compare ? e->compare(f[0], f[1])
                                        : e->ints  ? e->ints(v[0], v[1])
                                                   : (v[0] ? v[1] : v[2]);
        }
    }
}

/* Plans the step; operands are there already. The result is dense, or ordered as operand `like`. */
static bool add_step(anm_planner *p, const anm_mil_op *op, element_step *e, anm_step_fn run,
                     anm_dtype dtype, int like) {
    const anm_mil_type *type = op->outputs[0]->type;
    bool same = like >= 0 && e->in[like].view.rank == type->rank &&
                anm_view_elements(&e->in[like].view) == anm_type_elements(type);
    e->out = same ? anm_lie_new_like(p, dtype, &e->in[like].view)
                  : anm_lie_new(p, dtype, type->rank, type->shape);
    if (e->out.block < 0) return true;
    lay_out(e);
    int reads[4] = {-1, -1, -1, -1};
    for (int o = 0; o < e->inputs; o++) reads[o] = e->in[o].block;
    anm_step_add(p, run, op->type, e, reads, ANM_BLOCKS(e->out.block));
    anm_lie_set(p, op->outputs[0], e->out);
    return true;
}

static int32_t floor_div_int(int32_t a, int32_t b) {
    int64_t q = b ? (int64_t)a / b : 0;
    return (int32_t)(uint32_t)(b && a % (int64_t)b && (a < 0) != (b < 0) ? q - 1 : q);
}
static int32_t mod_int(int32_t a, int32_t b) {
    int64_t r = b ? (int64_t)a % b : 0;
    return (int32_t)(r && (r < 0) != (b < 0) ? r + b : r);
}
static int32_t div_int(int32_t a, int32_t b) {
    return b ? (int32_t)(uint32_t)((int64_t)a / b) : 0;
}
static int32_t and_int(int32_t a, int32_t b) { return a && b; }
static int32_t or_int(int32_t a, int32_t b) { return a || b; }
static int32_t xor_int(int32_t a, int32_t b) { return !a != !b; }
static int32_t add_int(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static int32_t sub_int(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
static int32_t mul_int(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
static int32_t max_int(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t min_int(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t ge_int(int32_t a, int32_t b) { return a >= b; }
static int32_t gt_int(int32_t a, int32_t b) { return a > b; }
static int32_t le_int(int32_t a, int32_t b) { return a <= b; }
static int32_t lt_int(int32_t a, int32_t b) { return a < b; }
static int32_t eq_int(int32_t a, int32_t b) { return a == b; }
static int32_t ne_int(int32_t a, int32_t b) { return a != b; }
static int32_t ge_float(float a, float b) { return a >= b; }
static int32_t gt_float(float a, float b) { return a > b; }
static int32_t le_float(float a, float b) { return a <= b; }
static int32_t lt_float(float a, float b) { return a < b; }
static int32_t eq_float(float a, float b) { return a == b; }
static int32_t ne_float(float a, float b) { return a != b; }

static const struct {
    const char *op;
    anm_binary_kind floats; /* KINDS: none */
    int_fn ints;
    compare_fn compare;
} binaries[] = {
    {"add", ANM_BINARY_ADD, add_int, NULL},
    {"sub", ANM_BINARY_SUB, sub_int, NULL},
    {"mul", ANM_BINARY_MUL, mul_int, NULL},
    {"real_div", ANM_BINARY_DIV, div_int, NULL},
    {"floor_div", ANM_BINARY_FLOOR_DIV, floor_div_int, NULL},
    {"mod", ANM_BINARY_MOD, mod_int, NULL},
    {"pow", ANM_BINARY_POW, NULL, NULL},
    {"logical_and", ANM_BINARY_KINDS, and_int, NULL},
    {"logical_or", ANM_BINARY_KINDS, or_int, NULL},
    {"logical_xor", ANM_BINARY_KINDS, xor_int, NULL},
    {"maximum", ANM_BINARY_MAX, max_int, NULL},
    {"minimum", ANM_BINARY_MIN, min_int, NULL},
    {"greater_equal", ANM_BINARY_KINDS, ge_int, ge_float},
    {"greater", ANM_BINARY_KINDS, gt_int, gt_float},
    {"less_equal", ANM_BINARY_KINDS, le_int, le_float},
    {"less", ANM_BINARY_KINDS, lt_int, lt_float},
    {"equal", ANM_BINARY_KINDS, eq_int, eq_float},
    {"not_equal", ANM_BINARY_KINDS, ne_int, ne_float},
};

static bool take(anm_planner *p, const anm_mil_op *op, const char *name, element_step *e) {
    anm_lie lie = anm_lie_plain(p, anm_arg_lie(p, op, name));
    e->in[e->inputs] = lie;
    return lie.block >= 0 && (e->inputs++, true);
}

/* An integer result narrower than int32 would have to wrap: left to the interpreter. */
static bool is_plain_int(const anm_mil_op *op) {
    anm_dtype dtype = op->outputs[0]->type->dtype;
    return dtype == ANM_DTYPE_INT32 || dtype == ANM_DTYPE_BOOL;
}

static bool build_select(anm_planner *p, const anm_mil_op *op, element_step *e) {
    if (!take(p, op, "cond", e) || !take(p, op, "a", e) || !take(p, op, "b", e)) return false;
    if (e->in[1].dtype != e->in[2].dtype) return false;
    return add_step(p, op, e, run_small, e->in[1].dtype, -1);
}

bool anm_build_binary(anm_planner *p, const anm_mil_op *op) {
    size_t k = 0;
    if (anm_type_elements(op->outputs[0]->type) < 1) return false;
    bool select = anm_is_op(op, "select");
    while (k < sizeof binaries / sizeof binaries[0] && !anm_is_op(op, binaries[k].op)) k++;
    if (!select && k == sizeof binaries / sizeof binaries[0]) return false;
    element_step *e = anm_plan_alloc(p, sizeof *e);
    if (!e) return true;
    if (select) return build_select(p, op, e);
    if (!take(p, op, "x", e) || !take(p, op, "y", e) || e->in[0].dtype != e->in[1].dtype)
        return p->status != ANM_OK;
    e->binary = binaries[k].floats;
    bool floats = e->in[0].dtype == ANM_DTYPE_FP32;
    int64_t most = anm_type_elements(op->outputs[0]->type);
    int like = anm_view_elements(&e->in[0].view) == most ? 0 : 1;
    if (floats && e->binary != ANM_BINARY_KINDS)
        return add_step(p, op, e, run_binary, ANM_DTYPE_FP32, like);
    if (!is_plain_int(op)) return false;
    e->compare = floats ? binaries[k].compare : NULL;
    e->ints = floats ? NULL : binaries[k].ints;
    return (e->compare || e->ints) && add_step(p, op, e, run_small, ANM_DTYPE_INT32, -1);
}

static int32_t to_int16(int32_t a, int32_t b) { return (void)b, (int16_t)a; }
static int32_t to_uint16(int32_t a, int32_t b) { return (void)b, (uint16_t)a; }
static int32_t to_int8(int32_t a, int32_t b) { return (void)b, (int8_t)a; }
static int32_t to_uint8(int32_t a, int32_t b) { return (void)b, (uint8_t)a; }
static int32_t to_bool(int32_t a, int32_t b) { return (void)b, a != 0; }

/* Of the bits of a float, towards zero, no further than the type goes; NaN is 0. */
static int32_t saturate(int32_t bits, double low, double high) {
    double x = (double)anm_float_from_bits((uint32_t)bits);
    return x != x ? 0 : x <= low ? (int32_t)low : x >= high ? (int32_t)high : (int32_t)x;
}

static int32_t float_to_int32(int32_t a, int32_t b) {
    return (void)b, saturate(a, INT32_MIN, INT32_MAX);
}
static int32_t float_to_int16(int32_t a, int32_t b) {
    return (void)b, saturate(a, INT16_MIN, INT16_MAX);
}
static int32_t float_to_uint16(int32_t a, int32_t b) { return (void)b, saturate(a, 0, UINT16_MAX); }
static int32_t float_to_int8(int32_t a, int32_t b) {
    return (void)b, saturate(a, INT8_MIN, INT8_MAX);
}
static int32_t float_to_uint8(int32_t a, int32_t b) { return (void)b, saturate(a, 0, UINT8_MAX); }
static int32_t float_to_bool(int32_t a, int32_t b) {
    return (void)b, anm_float_from_bits((uint32_t)a) != 0;
}
static int32_t to_float(int32_t a, int32_t b) { return (void)b, (int32_t)anm_float_bits((float)a); }

/* Integers wrap, floats saturate; an integer of 32 bits from another is a view. */
bool anm_build_cast(anm_planner *p, const anm_mil_op *op) {
    static const struct {
        anm_dtype to;
        int_fn of_int, of_float;
    } casts[] = {{ANM_DTYPE_INT32, NULL, float_to_int32},
                 {ANM_DTYPE_INT16, to_int16, float_to_int16},
                 {ANM_DTYPE_UINT16, to_uint16, float_to_uint16},
                 {ANM_DTYPE_INT8, to_int8, float_to_int8},
                 {ANM_DTYPE_UINT8, to_uint8, float_to_uint8},
                 {ANM_DTYPE_BOOL, to_bool, float_to_bool},
                 {ANM_DTYPE_FP32, to_float, NULL},
                 {ANM_DTYPE_FP16, to_float, NULL}};
    size_t k = 0, count = sizeof casts / sizeof casts[0];
    anm_dtype to = op->outputs[0]->type->dtype;
    if (!anm_is_op(op, "cast") || anm_type_elements(op->outputs[0]->type) < 1) return false;
    while (k < count && casts[k].to != to) k++;
    element_step *e = k < count ? anm_plan_alloc(p, sizeof *e) : NULL;
    if (!e || !take(p, op, "x", e)) return p->status != ANM_OK;
    e->ints = e->in[0].dtype == ANM_DTYPE_FP32 ? casts[k].of_float : casts[k].of_int;
    if (!e->ints) return false;
    return add_step(p, op, e, run_small,
                    anm_dtype_is_float(to) ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32, -1);
}

static int32_t not_int(int32_t a, int32_t b) { return (void)b, !a; }

static bool build_not(anm_planner *p, const anm_mil_op *op) {
    element_step *e = anm_plan_alloc(p, sizeof *e);
    if (!e || !take(p, op, "x", e) || e->in[0].dtype != ANM_DTYPE_INT32)
        return p->status != ANM_OK;
    e->ints = not_int;
    return add_step(p, op, e, run_small, ANM_DTYPE_INT32, -1);
}

/* With the names of the arguments that are a and b; without: constants. */
typedef struct unary_form {
    const char *op;
    anm_unary_kind kind;
    const char *a_name, *b_name;
    float a, b;
} unary_form;

static const unary_form unaries[] = {
    {"silu", ANM_UNARY_SILU},
    {"sigmoid", ANM_UNARY_SIGMOID},
    {"exp", ANM_UNARY_EXP},
    {"relu", ANM_UNARY_RELU},
    {"square", ANM_UNARY_SQUARE},
    {"tanh", ANM_UNARY_TANH},
    {"gelu", ANM_UNARY_GELU},
    {"erf", ANM_UNARY_ERF},
    {"abs", ANM_UNARY_ABS},
    {"sqrt", ANM_UNARY_SQRT},
    {"floor", ANM_UNARY_FLOOR},
    {"ceil", ANM_UNARY_CEIL},
    {"round", ANM_UNARY_ROUND},
    {"sign", ANM_UNARY_SIGN},
    {"softsign", ANM_UNARY_SOFTSIGN},
    {"softplus", ANM_UNARY_SOFTPLUS},
    {"sin", ANM_UNARY_SIN},
    {"cos", ANM_UNARY_COS},
    {"relu6", ANM_UNARY_CLIP, .b = 6},
    {"clip", ANM_UNARY_CLIP, "alpha", "beta"},
    {"threshold", ANM_UNARY_CLIP, "alpha", .b = INFINITY},
    {"linear_activation", ANM_UNARY_LINEAR, "alpha", "beta"},
    {"leaky_relu", ANM_UNARY_LEAKY, "alpha"},
    {"prelu", ANM_UNARY_LEAKY, "alpha"},
    {"sigmoid_hard", ANM_UNARY_HARD, "alpha", "beta"},
    {"thresholded_relu", ANM_UNARY_THRESHOLDED, "alpha"},
    {"clamped_relu", ANM_UNARY_CLAMPED, "alpha", "beta"},
    {"elu", ANM_UNARY_ELU, "alpha"},
    {"scaled_tanh", ANM_UNARY_SCALED_TANH, "alpha", "beta"},
    {"log", ANM_UNARY_LOG, "epsilon"},
    {"rsqrt", ANM_UNARY_RSQRT, "epsilon"},
    {"inverse", ANM_UNARY_INVERSE, "epsilon"},
};

/* One number for all elements: given, or the op's default. */
static bool read_parameter(const anm_mil_op *op, const char *name, float *out) {
    double number;
    anm_mil_operand o = anm_mil_op_operand(op, name);
    bool known = anm_mil_operand_present(o) ? anm_operand_number(o, &number)
                                            : anm_mil_op_get_float(op, name, &number);
    if (known) *out = (float)number;
    return known;
}

static bool gelu_kind(const anm_mil_op *op, anm_unary_kind *kind) {
    const char *mode = "EXACT";
    anm_mil_op_get_string(op, "mode", &mode);
    if (strcmp(mode, "TANH_APPROXIMATION") == 0) *kind = ANM_UNARY_GELU_TANH;
    else if (strcmp(mode, "SIGMOID_APPROXIMATION") == 0) *kind = ANM_UNARY_GELU_SIGMOID;
    return *kind != ANM_UNARY_GELU || strcmp(mode, "EXACT") == 0;
}

static bool read_form(const anm_mil_op *op, const unary_form *form, element_step *e) {
    e->unary = form->kind;
    e->a = form->a;
    e->b = form->b;
    if (form->kind == ANM_UNARY_GELU) return gelu_kind(op, &e->unary);
    return (!form->a_name || read_parameter(op, form->a_name, &e->a)) &&
           (!form->b_name || read_parameter(op, form->b_name, &e->b));
}

bool anm_build_unary(anm_planner *p, const anm_mil_op *op) {
    size_t k = 0, count = sizeof unaries / sizeof unaries[0];
    while (k < count && !anm_is_op(op, unaries[k].op)) k++;
    if (anm_is_op(op, "logical_not") && anm_type_elements(op->outputs[0]->type) > 0)
        return build_not(p, op);
    if (k == count || anm_type_elements(op->outputs[0]->type) < 1) return false;
    element_step *e = anm_plan_alloc(p, sizeof *e);
    if (!e || !read_form(op, &unaries[k], e) || !take(p, op, "x", e) ||
        e->in[0].dtype != ANM_DTYPE_FP32)
        return p->status != ANM_OK;
    /* The kernel reads contiguously: the operand must lie as the result will. */
    anm_lie like = anm_lie_new_like(p, ANM_DTYPE_FP32, &e->in[0].view);
    anm_view packed = e->in[0].view;
    packed.offset = 0;
    if (!anm_view_equal(&like.view, &packed)) e->in[0] = anm_lie_dense(p, e->in[0]);
    return add_step(p, op, e, run_unary, ANM_DTYPE_FP32, 0);
}

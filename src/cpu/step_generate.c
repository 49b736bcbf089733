/* SPDX-License-Identifier: MIT */
/* one_hot, cumsum, band_part, and fills too large to be made with the plan. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/cpu/step_axes.h"

typedef struct generate_step {
    anm_lie x, out;             /* dense; fill has no x */
    int64_t outer, n, inner;    /* around the axis of the output */
    uint32_t on, off;           /* 4-byte elements of the output's kind */
    bool exclusive, reverse;
    int64_t lower, upper;       /* band_part; below 0: all */
} generate_step;

static void run_fill(const anm_step *step, anm_exec *e, int thread, int threads) {
    const generate_step *s = step->data;
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(anm_view_elements(&s->out.view), 64, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++) memcpy(out + 4 * i, &s->on, 4);
}

static void run_one_hot(const anm_step *step, anm_exec *e, int thread, int threads) {
    const generate_step *s = step->data;
    const int32_t *x = anm_exec_at(e, &s->x);
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->outer * s->n, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++)
        for (int64_t i = 0; i < s->inner; i++) {
            bool here = x[row / s->n * s->inner + i] == row % s->n;
            memcpy(out + 4 * (row * s->inner + i), here ? &s->on : &s->off, 4);
        }
}

/* Sums are carried in double, of integers exactly, which wrap in the end. */
static void sum_line(const generate_step *s, const char *x, char *out) {
    double sum = 0;
    int64_t whole = 0;
    bool floats = s->x.dtype == ANM_DTYPE_FP32;
    for (int64_t i = 0; i < s->n; i++) {
        int64_t at = (s->reverse ? s->n - 1 - i : i) * s->inner;
        double before = sum;
        int64_t whole_before = whole;
        if (floats) sum += (double)((const float *)x)[at];
        else whole += ((const int32_t *)x)[at];
        if (floats) ((float *)out)[at] = (float)(s->exclusive ? before : sum);
        else ((int32_t *)out)[at] = (int32_t)(uint32_t)(s->exclusive ? whole_before : whole);
    }
}

static void run_cumsum(const anm_step *step, anm_exec *e, int thread, int threads) {
    const generate_step *s = step->data;
    const char *x = anm_exec_at(e, &s->x);
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->outer * s->inner, 1, thread, threads, &from, &to);
    for (int64_t line = from; line < to; line++) {
        int64_t at = 4 * (line / s->inner * s->n * s->inner + line % s->inner);
        sum_line(s, x + at, out + at);
    }
}

/* Rows of the last two axes: n columns, inner rows. */
static void run_band(const anm_step *step, anm_exec *e, int thread, int threads) {
    const generate_step *s = step->data;
    const char *x = anm_exec_at(e, &s->x);
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->outer * s->inner, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t m = row % s->inner, first = s->lower < 0 || m < s->lower ? 0 : m - s->lower;
        int64_t end = s->upper < 0 || m + s->upper >= s->n ? s->n : m + s->upper + 1;
        if (first > s->n) first = s->n;
        memset(out + 4 * row * s->n, 0, (size_t)s->n * 4);
        if (first < end)
            memcpy(out + 4 * (row * s->n + first), x + 4 * (row * s->n + first),
                   (size_t)(end - first) * 4);
    }
}

/* A constant number as an element of the output. */
static bool read_number(const anm_mil_op *op, const char *name, bool floats, uint32_t *out) {
    double number;
    anm_mil_operand operand = anm_mil_op_operand(op, name);
    bool known = anm_mil_operand_present(operand) ? anm_operand_number(operand, &number)
                                                  : anm_mil_op_get_float(op, name, &number);
    if (!known) return false;
    float f = (float)number;
    int32_t i = number >= 2147483647.0 ? INT32_MAX : number > -2147483648.0 ? (int32_t)number
                                                                            : INT32_MIN;
    memcpy(out, floats ? (const void *)&f : (const void *)&i, sizeof *out);
    return true;
}

static bool read_axis(const anm_mil_op *op, const anm_mil_type *type, generate_step *s) {
    int64_t axis;
    if (!anm_axis_read(op, type->rank, &axis)) return false;
    s->outer = anm_shape_elements(type->shape, (int)axis);
    s->inner = anm_shape_elements(type->shape + axis + 1, type->rank - (int)axis - 1);
    s->n = type->shape[axis];
    return true;
}

typedef struct form {
    const char *op, *x; /* the argument that is read; NULL: none */
    anm_step_fn run;
} form;

static bool read_form(const anm_mil_op *op, const form *f, bool floats, generate_step *s) {
    const anm_mil_type *type = op->outputs[0]->type;
    if (!f->x) return read_number(op, "value", floats, &s->on);
    if (f->run == run_one_hot)
        return s->x.dtype == ANM_DTYPE_INT32 && read_axis(op, type, s) &&
               read_number(op, "on_value", floats, &s->on) &&
               read_number(op, "off_value", floats, &s->off);
    if (f->run == run_cumsum)
        return read_axis(op, type, s) && anm_mil_op_get_bool(op, "exclusive", &s->exclusive) &&
               anm_mil_op_get_bool(op, "reverse", &s->reverse);
    if (type->rank < 2 || !anm_mil_op_get_int(op, "lower", &s->lower) ||
        !anm_mil_op_get_int(op, "upper", &s->upper))
        return false;
    s->n = type->shape[type->rank - 1];
    s->inner = type->shape[type->rank - 2];
    s->outer = anm_type_elements(type) / (s->n * s->inner);
    return true;
}

/* What is read is there. */
static bool has_room(const generate_step *s, anm_step_fn run) {
    if (s->x.block < 0) return true;
    int64_t n = s->outer * s->inner * (run == run_one_hot ? 1 : s->n);
    return anm_view_elements(&s->x.view) == n;
}

/* Integers narrower than 32 bits would have to wrap: left to the interpreter. */
static bool is_wide(anm_dtype dtype) {
    return anm_dtype_is_float(dtype) || dtype == ANM_DTYPE_INT32 || dtype == ANM_DTYPE_BOOL;
}

bool anm_build_generate(anm_planner *p, const anm_mil_op *op) {
    static const form forms[] = {{"fill", NULL, run_fill},
                                 {"fill_like", NULL, run_fill},
                                 {"one_hot", "indices", run_one_hot},
                                 {"cumsum", "x", run_cumsum},
                                 {"band_part", "x", run_band}};
    const anm_mil_type *type = op->outputs[0]->type;
    size_t k = 0, count = sizeof forms / sizeof forms[0];
    while (k < count && !anm_is_op(op, forms[k].op)) k++;
    if (k == count || anm_type_elements(type) < 1 || !is_wide(type->dtype)) return false;
    generate_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return true;
    bool floats = anm_dtype_is_float(type->dtype);
    s->x.block = -1;
    if (forms[k].x) {
        s->x = anm_lie_dense(p, anm_lie_plain(p, anm_arg_lie(p, op, forms[k].x)));
        if (s->x.block < 0) return p->status != ANM_OK;
    }
    if (!read_form(op, &forms[k], floats, s) || !has_room(s, forms[k].run))
        return p->status != ANM_OK;
    s->out = anm_lie_new(p, floats ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, forms[k].run, op->type, s, ANM_BLOCKS(s->x.block), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * quantize and dequantize at run time: one scale and zero point, or one a place of an axis. What is
 * quantized only to be dequantized, as models do that were trained to bear it, is one step over
 * floats: the quantize leaves its argument where it is.
 */
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/cpu/planner.h"

enum { PIECE = 512 };

typedef struct quantize_step {
    anm_lie in, out; /* dense [rows, n], rows going through the scales */
    const float *scale, *zero;
    const float *back_scale, *back_zero; /* of the dequantize behind; NULL: there is none */
    int64_t rows, n, scales;
    float low, high; /* of the integers; quantize */
} quantize_step;

/* clip(round(x / scale) + zero); NaN gives 0. */
static void quantize_piece(const quantize_step *s, const anm_row_kernels *k, const float *x,
                           int64_t n, int64_t at, int32_t *y) {
    float q[PIECE];
    k->binary(ANM_BINARY_DIV, x, 1, &s->scale[at], 0, n, q);
    k->unary(ANM_UNARY_ROUND, q, n, q);
    for (int64_t i = 0; i < n; i++) {
        float v = q[i] + s->zero[at];
        v = v < s->low ? s->low : v > s->high ? s->high : v;
        y[i] = v == v ? (int32_t)v : 0;
    }
}

static void dequantize_piece(const quantize_step *s, const int32_t *x, int64_t n, int64_t at,
                             float *y) {
    float scale = s->scale[at], zero = s->zero[at];
    for (int64_t i = 0; i < n; i++) y[i] = scale * ((float)x[i] - zero);
}

/* Both, one after the other. */
static void round_trip_piece(const quantize_step *s, const anm_row_kernels *k, const float *x,
                             int64_t n, int64_t at, float *y) {
    float zero = s->zero[at], scale = s->back_scale[at];
    k->binary(ANM_BINARY_DIV, x, 1, &s->scale[at], 0, n, y);
    k->unary(ANM_UNARY_ROUND, y, n, y);
    k->parametric(ANM_UNARY_CLIP, s->low - zero, s->high - zero, y, n, y);
    k->parametric(ANM_UNARY_LINEAR, scale, (zero - s->back_zero[at]) * scale, y, n, y);
}

/* Pieces of rows, so that a tensor with one scale is shared out as well. */
static void run_quantize(const anm_step *step, anm_exec *e, int thread, int threads) {
    const quantize_step *s = step->data;
    const char *in = anm_exec_at(e, &s->in);
    char *out = anm_exec_at(e, &s->out);
    int64_t pieces = (s->n + PIECE - 1) / PIECE, from, to;
    anm_share(s->rows * pieces, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++) {
        int64_t row = i / pieces, begin = i % pieces * PIECE, at = row % s->scales;
        int64_t n = s->n - begin < PIECE ? s->n - begin : PIECE, first = 4 * (row * s->n + begin);
        if (s->back_scale)
            round_trip_piece(s, e->plan->rows, (const float *)(in + first), n, at,
                             (float *)(out + first));
        else if (s->out.dtype == ANM_DTYPE_INT32)
            quantize_piece(s, e->plan->rows, (const float *)(in + first), n, at,
                           (int32_t *)(out + first));
        else dequantize_piece(s, (const int32_t *)(in + first), n, at, (float *)(out + first));
    }
}

/* The numbers of a constant argument as floats; `absent` for all where there is none. */
static const float *numbers(anm_planner *p, const anm_mil_op *op, const char *name, int64_t count,
                            float absent) {
    anm_mil_operand operand = anm_mil_op_operand(op, name);
    const anm_mil_literal *literal = anm_mil_operand_constant(operand);
    bool present = anm_mil_operand_present(operand);
    if (present && (!literal || !literal->data || literal->type->kind != ANM_MIL_TENSOR ||
                    anm_dtype_bits(literal->type->dtype) < 8 ||
                    anm_type_elements(literal->type) != count))
        return NULL;
    float *out = anm_plan_alloc(p, (size_t)count * sizeof *out + 1);
    for (int64_t i = 0; out && i < count; i++)
        out[i] = present ? (float)anm_element_get(literal->type->dtype, literal->data, i) : absent;
    return out;
}

static bool read_rows(const anm_mil_op *op, const anm_mil_type *type, quantize_step *s) {
    const anm_mil_type *scale = anm_mil_operand_type(anm_mil_op_operand(op, "scale"));
    int64_t axis = -1;
    s->scales = anm_type_elements(scale);
    s->rows = s->n = 1;
    if (s->scales != 1 && !anm_mil_op_get_int(op, "axis", &axis)) return false;
    if (s->scales != 1 && axis < 0) axis += type->rank;
    for (int i = 0; i < type->rank; i++) *(i <= axis ? &s->rows : &s->n) *= type->shape[i];
    return s->scales == 1 || (axis >= 0 && axis < type->rank && type->shape[axis] == s->scales);
}

static bool read_range(anm_dtype dtype, quantize_step *s) {
    if (dtype != ANM_DTYPE_INT8 && dtype != ANM_DTYPE_UINT8) return false;
    s->low = dtype == ANM_DTYPE_INT8 ? -128 : 0;
    s->high = s->low + 255;
    return true;
}

/* The only op that sees the value, if it is a dequantize; else NULL. */
static const anm_mil_op *only_dequantize(const anm_planner *p, const anm_mil_op *op) {
    const anm_mil_value *value = op->outputs[0];
    const anm_mil_block *body = p->plan->flow.function->body;
    const anm_mil_op *by = NULL;
    size_t uses = 0;
    for (size_t i = 0; i < body->output_count; i++) uses += body->outputs[i] == value;
    for (const anm_mil_op *next = op->next; next; next = next->next)
        for (size_t i = 0; i < next->arg_count; i++)
            for (size_t n = 0; n < next->args[i].count; n++) {
                if (next->args[i].operands[n].value != value) continue;
                uses++;
                by = next;
            }
    return uses == 1 && anm_is_op(by, "dequantize") ? by : NULL;
}

static bool read_scales(anm_planner *p, const anm_mil_op *op, const anm_mil_type *type,
                        quantize_step *s) {
    if (!read_rows(op, type, s)) return false;
    s->scale = numbers(p, op, "scale", s->scales, 1);
    s->zero = numbers(p, op, "zero_point", s->scales, 0);
    return s->scale && s->zero;
}

/* Leaves the argument for the dequantize behind, which sees floats then. */
static bool leave_to_dequantize(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    anm_lie x = anm_arg_lie(p, op, "input");
    quantize_step s = {0}, back = {0};
    const anm_mil_op *by = only_dequantize(p, op);
    if (!by || x.block < 0 || x.dtype != ANM_DTYPE_FP32 ||
        p->blocks.data[x.block].place != ANM_PLACE_WORK || !read_scales(p, op, type, &s) ||
        !read_scales(p, by, type, &back) || s.scales != back.scales || s.rows != back.rows)
        return false;
    anm_lie_set(p, op->outputs[0], x);
    return true;
}

/* Behind a quantize that left its argument: its scales come first. */
static bool read_before(anm_planner *p, const anm_mil_op *op, quantize_step *s) {
    const anm_mil_value *value = anm_mil_op_operand(op, "input").value;
    s->back_scale = s->scale;
    s->back_zero = s->zero;
    return read_range(value->type->dtype, s) && read_scales(p, value->def, value->type, s);
}

bool anm_build_quantize(anm_planner *p, const anm_mil_op *op) {
    bool quantize = anm_is_op(op, "quantize");
    const anm_mil_type *type = op->outputs[0]->type;
    if ((!quantize && !anm_is_op(op, "dequantize")) || anm_type_elements(type) < 1) return false;
    quantize_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s || (quantize && !read_range(type->dtype, s)) || !read_scales(p, op, type, s))
        return p->status != ANM_OK;
    if (quantize && leave_to_dequantize(p, op)) return true;
    s->in = anm_lie_dense(p, anm_arg_lie(p, op, "input"));
    if (s->in.block < 0) return p->status != ANM_OK;
    bool floats = s->in.dtype == ANM_DTYPE_FP32;
    if (quantize ? !floats : floats && !read_before(p, op, s)) return p->status != ANM_OK;
    s->out = anm_lie_new(p, quantize ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_quantize, op->type, s, ANM_BLOCKS(s->in.block), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

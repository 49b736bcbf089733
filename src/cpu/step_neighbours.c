/* SPDX-License-Identifier: MIT */
/* Ops on lines of an axis: reverse_sequence and local_response_norm. */
#include <string.h>

#include "src/cpu/planner.h"
#include "src/interp/scalar.h"

/* Dense [outer, n, inner] around the axis. */
typedef struct line_step {
    anm_lie x, out, lengths;
    int64_t n, inner;
    int64_t batch_size, batch_stride; /* of the lengths' axis, in elements */
    int64_t size;                     /* of the channels that are summed */
    double alpha, beta, add;
} line_step;

/* Position `from` of the line that position `s` shows; the first `length` are backwards. */
static int64_t mirrored(int64_t s, int64_t length, int64_t n) {
    if (length > n) length = n;
    return s < length ? length - 1 - s : s;
}

static void run_reverse(const anm_step *step, anm_exec *e, int thread, int threads) {
    const line_step *l = step->data;
    const int32_t *lengths = anm_exec_at(e, &l->lengths);
    const char *x = anm_exec_at(e, &l->x);
    char *out = anm_exec_at(e, &l->out);
    int64_t from, to;
    anm_share(anm_view_elements(&l->out.view) / l->inner, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t s = row % l->n, line = (row - s) * l->inner, at = line + s * l->inner;
        if (l->batch_stride >= l->inner) { /* one batch a row */
            int64_t b = at / l->batch_stride % l->batch_size;
            memcpy(out + 4 * at, x + 4 * (line + mirrored(s, lengths[b], l->n) * l->inner),
                   (size_t)l->inner * 4);
            continue;
        }
        for (int64_t i = 0; i < l->inner; i++) {
            int64_t b = (at + i) / l->batch_stride % l->batch_size;
            memcpy(out + 4 * (at + i),
                   x + 4 * (line + mirrored(s, lengths[b], l->n) * l->inner + i), 4);
        }
    }
}

/* The interpreter's sums, channel by channel. */
static void run_response(const anm_step *step, anm_exec *e, int thread, int threads) {
    const line_step *l = step->data;
    const float *x = anm_exec_at(e, &l->x);
    float *out = anm_exec_at(e, &l->out);
    int64_t from, to;
    anm_share(anm_view_elements(&l->out.view) / l->inner, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t c = row % l->n, first = c - l->size / 2, end = first + l->size;
        if (first < 0) first = 0;
        if (end > l->n) end = l->n;
        for (int64_t i = row * l->inner; i < (row + 1) * l->inner; i++) {
            double sum = 0;
            for (int64_t k = first; k < end; k++) {
                double neighbour = x[i + (k - c) * l->inner];
                sum += neighbour * neighbour;
            }
            out[i] = (float)(x[i] / anm_pow(l->add + l->alpha / (double)l->size * sum, l->beta));
        }
    }
}

/* Strides of axes of one element say nothing. */
static int64_t product_behind(const anm_view *v, int64_t axis) {
    int64_t n = 1;
    for (int i = (int)axis + 1; i < v->rank; i++) n *= v->shape[i];
    return n;
}

/* Dense x with the line's axis, and an output like it. False: not planned, or a failure. */
static bool place(anm_planner *p, const anm_mil_op *op, int64_t axis, line_step *l) {
    l->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (l->x.block < 0) return false;
    const anm_view *v = &l->x.view;
    l->n = v->shape[axis];
    l->inner = product_behind(v, axis);
    l->out = anm_lie_new(p, l->x.dtype, v->rank, v->shape);
    return l->out.block >= 0;
}

static bool read_axis(const anm_mil_op *op, const char *name, int rank, int64_t *axis) {
    if (!anm_mil_op_get_int(op, name, axis)) return false;
    if (*axis < 0) *axis += rank;
    return *axis >= 0 && *axis < rank;
}

static bool build_reverse(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    int64_t axis, batch;
    if (!read_axis(op, "seq_axis", type->rank, &axis) ||
        !read_axis(op, "batch_axis", type->rank, &batch))
        return false;
    line_step *l = anm_plan_alloc(p, sizeof *l);
    if (!l || !place(p, op, axis, l)) return p->status != ANM_OK;
    l->lengths = anm_lie_dense(p, anm_arg_lie(p, op, "lengths"));
    l->batch_size = type->shape[batch];
    l->batch_stride = product_behind(&l->x.view, batch);
    if (l->lengths.block < 0 || l->lengths.dtype != ANM_DTYPE_INT32 ||
        anm_view_elements(&l->lengths.view) != l->batch_size)
        return p->status != ANM_OK;
    anm_step_add(p, run_reverse, op->type, l, ANM_BLOCKS(l->x.block, l->lengths.block),
                 ANM_BLOCKS(l->out.block));
    anm_lie_set(p, op->outputs[0], l->out);
    return true;
}

static bool build_response(anm_planner *p, const anm_mil_op *op) {
    line_step *l = anm_plan_alloc(p, sizeof *l);
    if (!l || op->outputs[0]->type->rank < 2) return p->status != ANM_OK;
    if (!anm_mil_op_get_int(op, "size", &l->size) || l->size < 1 ||
        !anm_mil_op_get_float(op, "alpha", &l->alpha) ||
        !anm_mil_op_get_float(op, "beta", &l->beta) || !anm_mil_op_get_float(op, "k", &l->add) ||
        !place(p, op, 1, l) || l->x.dtype != ANM_DTYPE_FP32)
        return p->status != ANM_OK;
    anm_step_add(p, run_response, op->type, l, ANM_BLOCKS(l->x.block), ANM_BLOCKS(l->out.block));
    anm_lie_set(p, op->outputs[0], l->out);
    return true;
}

bool anm_build_neighbours(anm_planner *p, const anm_mil_op *op) {
    if (anm_is_op(op, "reverse_sequence")) return build_reverse(p, op);
    return anm_is_op(op, "local_response_norm") && build_response(p, op);
}

/* SPDX-License-Identifier: MIT */
/* Reductions over any axes, which are brought last. Integers are few (shapes): one thread. */
#include <math.h>
#include <string.h>

#include "src/cpu/step_axes.h"

typedef struct reduction {
    const char *op;
    anm_reduce_kind kind;
    bool mean, root, log; /* of the result */
    bool of_integers;
} reduction;

static const reduction reductions[] = {
    {"reduce_sum", ANM_REDUCE_SUM, .of_integers = true},
    {"reduce_mean", ANM_REDUCE_SUM, .mean = true},
    {"reduce_max", ANM_REDUCE_MAX, .of_integers = true},
    {"reduce_min", ANM_REDUCE_MIN, .of_integers = true},
    {"reduce_prod", ANM_REDUCE_PROD, .of_integers = true},
    {"reduce_sum_square", ANM_REDUCE_SUM_SQUARE},
    {"reduce_l1_norm", ANM_REDUCE_SUM_ABS},
    {"reduce_l2_norm", ANM_REDUCE_SUM_SQUARE, .root = true},
    {"reduce_log_sum", ANM_REDUCE_SUM, .log = true},
    {"reduce_log_sum_exp", ANM_REDUCE_LOG_SUM_EXP},
};

typedef struct reduce_step {
    anm_lie x, y; /* x dense [outer, inner] */
    const reduction *how;
    bool least; /* of reduce_argmin */
    int64_t outer, inner;
} reduce_step;

static void run_reduce(const anm_step *s, anm_exec *e, int thread, int threads) {
    const reduce_step *r = s->data;
    const float *x = anm_exec_at(e, &r->x);
    float *y = anm_exec_at(e, &r->y);
    int64_t from, to;
    anm_share(r->outer, 16, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        float v = e->plan->rows->reduce(r->how->kind, x + row * r->inner, r->inner);
        if (r->how->mean) v /= (float)r->inner;
        if (r->how->root) v = sqrtf(v);
        if (r->how->log) v = logf(v);
        y[row] = v;
    }
}

static int32_t combine(anm_reduce_kind kind, int32_t a, int32_t b) {
    switch (kind) {
    case ANM_REDUCE_MAX: return a > b ? a : b;
    case ANM_REDUCE_MIN: return a < b ? a : b;
    case ANM_REDUCE_PROD: return (int32_t)((uint32_t)a * (uint32_t)b);
    default: return (int32_t)((uint32_t)a + (uint32_t)b);
    }
}

static void run_integers(const anm_step *s, anm_exec *e, int thread, int threads) {
    const reduce_step *r = s->data;
    const int32_t *x = anm_exec_at(e, &r->x);
    int32_t *y = anm_exec_at(e, &r->y);
    for (int64_t row = 0; thread == 0 && row < r->outer; row++, x += r->inner) {
        y[row] = x[0];
        for (int64_t i = 1; i < r->inner; i++) y[row] = combine(r->how->kind, y[row], x[i]);
    }
}

/* The first of equals; NaN counts as the extreme. */
static int32_t place_of_extreme(const float *x, int64_t n, bool least) {
    int64_t best = 0;
    for (int64_t i = 1; i < n && x[best] == x[best]; i++)
        if (x[i] != x[i] || (least ? x[i] < x[best] : x[i] > x[best])) best = i;
    return (int32_t)best;
}

static void run_place(const anm_step *s, anm_exec *e, int thread, int threads) {
    const reduce_step *r = s->data;
    const float *x = anm_exec_at(e, &r->x);
    int32_t *y = anm_exec_at(e, &r->y);
    int64_t from, to;
    anm_share(r->outer, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++)
        y[row] = place_of_extreme(x + row * r->inner, r->inner, r->least);
}

/* The result is dense, whatever is kept of the axes. */
static bool add_step(anm_planner *p, const anm_mil_op *op, const bool *marked, anm_lie x,
                     reduce_step *r, anm_step_fn run, anm_dtype dtype) {
    const anm_mil_type *type = op->outputs[0]->type;
    anm_axes_last a = anm_axes_move_last(p, x, marked);
    if (a.inner < 1) return false;
    r->y = anm_lie_new(p, dtype, type->rank, type->shape);
    if (a.x.block < 0 || r->y.block < 0) return true;
    r->x = a.x;
    r->outer = a.outer;
    r->inner = a.inner;
    anm_step_add(p, run, op->type, r, ANM_BLOCKS(r->x.block), ANM_BLOCKS(r->y.block));
    anm_lie_set(p, op->outputs[0], r->y);
    return true;
}

/* Of floats, whose place fits the declared type. */
static bool build_place(anm_planner *p, const anm_mil_op *op) {
    bool marked[ANM_MAX_RANK] = {false};
    int64_t axis;
    anm_lie x = anm_arg_lie(p, op, "x");
    if (x.block < 0 || x.dtype == ANM_DTYPE_INT32 || !anm_axis_read(op, x.view.rank, &axis) ||
        !anm_holds_places(op->outputs[0]->type->dtype, x.view.shape[axis]))
        return false;
    marked[axis] = true;
    reduce_step *r = anm_plan_alloc(p, sizeof *r);
    if (!r) return true;
    r->least = anm_is_op(op, "reduce_argmin");
    return add_step(p, op, marked, x, r, run_place, ANM_DTYPE_INT32);
}

bool anm_build_reduce(anm_planner *p, const anm_mil_op *op) {
    bool marked[ANM_MAX_RANK];
    size_t k = 0, count = sizeof reductions / sizeof reductions[0];
    if (anm_is_op(op, "reduce_argmax") || anm_is_op(op, "reduce_argmin")) return build_place(p, op);
    while (k < count && !anm_is_op(op, reductions[k].op)) k++;
    if (k == count) return false;
    anm_lie x = anm_arg_lie(p, op, "x");
    if (x.block < 0 || !anm_axes_read(op, "axes", x.view.rank, true, marked))
        return p->status != ANM_OK;
    bool integers = x.dtype == ANM_DTYPE_INT32;
    if (integers && (!reductions[k].of_integers || op->outputs[0]->type->dtype != ANM_DTYPE_INT32))
        return false;
    reduce_step *r = anm_plan_alloc(p, sizeof *r);
    if (!r) return true;
    r->how = &reductions[k];
    return add_step(p, op, marked, x, r, integers ? run_integers : run_reduce,
                    integers ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32);
}

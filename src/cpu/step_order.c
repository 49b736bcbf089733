/* SPDX-License-Identifier: MIT */
/*
 * topk and argsort, a line at a time, the axis brought last. The first few of many are kept in
 * order as the line is walked; more than that are sorted.
 */
#include <string.h>

#include "src/cpu/step_axes.h"
#include "src/interp/sort.h"

enum { FEW = 64 };

typedef struct order_step {
    anm_lie x;               /* dense [lines, n] */
    anm_lie values, indices; /* dense [lines, count]; block -1: not wanted */
    int64_t lines, n, count;
    bool ascending;
} order_step;

/* The first `count` of n places; a place behind stands behind those that are equal. */
static void keep_first(const anm_sorter *s, int64_t n, int64_t count, int64_t *index) {
    int64_t have = 0;
    for (int64_t i = 0; i < n; i++) {
        if (have == count && !anm_sorts_before(s, i, index[count - 1])) continue;
        int64_t at = have < count ? have++ : count - 1;
        for (; at > 0 && anm_sorts_before(s, i, index[at - 1]); at--) index[at] = index[at - 1];
        index[at] = i;
    }
}

static void order_line(const order_step *o, const char *x, double *key, int64_t *index) {
    anm_sorter s = {key, 1, o->ascending};
    for (int64_t i = 0; i < o->n; i++) {
        float f;
        int32_t n;
        memcpy(&f, x + 4 * i, 4);
        memcpy(&n, x + 4 * i, 4);
        key[i] = o->x.dtype == ANM_DTYPE_FP32 ? (double)f : (double)n;
    }
    if (o->count <= FEW && o->count > 0) keep_first(&s, o->n, o->count, index);
    else anm_sort_indices(&s, index, index + o->n, o->n);
}

static void run_order(const anm_step *s, anm_exec *e, int thread, int threads) {
    const order_step *o = s->data;
    const char *x = anm_exec_at(e, &o->x);
    char *values = o->values.block >= 0 ? anm_exec_at(e, &o->values) : NULL;
    int32_t *indices = o->indices.block >= 0 ? anm_exec_at(e, &o->indices) : NULL;
    double *key = anm_exec_scratch(e, thread);
    int64_t *index = (int64_t *)(key + o->n), from, to;
    anm_share(o->lines, 1, thread, threads, &from, &to);
    for (int64_t line = from; line < to; line++) {
        const char *in = x + 4 * line * o->n;
        order_line(o, in, key, index);
        for (int64_t i = 0; i < o->count; i++) {
            int64_t at = line * o->count + i;
            if (values) memcpy(values + 4 * at, in + 4 * index[i], 4);
            if (indices) indices[at] = (int32_t)index[i];
        }
    }
}

/* The output, which lies as the lines do. */
static anm_lie place_output(anm_planner *p, const anm_axes_last *a, const anm_mil_value *value,
                            anm_dtype dtype) {
    int64_t shape[ANM_MAX_RANK];
    int rank = value->type->rank;
    for (int i = 0; i < rank; i++) shape[i] = value->type->shape[a->perm[i]];
    anm_lie lie = anm_lie_new(p, dtype, rank, shape);
    anm_lie seen = lie;
    seen.view = anm_axes_view_back(a, &lie.view);
    if (lie.block >= 0) anm_lie_set(p, value, seen);
    return lie;
}

static void plan_outputs(anm_planner *p, const anm_mil_op *op, const anm_axes_last *a,
                         bool values_too, order_step *o) {
    size_t places = values_too ? 1 : 0;
    o->values.block = o->indices.block = -1;
    if (values_too) o->values = place_output(p, a, op->outputs[0], o->x.dtype);
    if (op->output_count > places)
        o->indices = place_output(p, a, op->outputs[places], ANM_DTYPE_INT32);
}

bool anm_build_order(anm_planner *p, const anm_mil_op *op) {
    bool marked[ANM_MAX_RANK] = {false}, topk = anm_is_op(op, "topk");
    int64_t axis;
    if ((!topk && !anm_is_op(op, "argsort")) || anm_type_elements(op->outputs[0]->type) < 1)
        return false;
    anm_lie x = anm_arg_lie(p, op, "x");
    order_step *o = anm_plan_alloc(p, sizeof *o);
    if (!o || x.block < 0 || !anm_axis_read(op, x.view.rank, &axis) ||
        !anm_mil_op_get_bool(op, "ascending", &o->ascending))
        return p->status != ANM_OK;
    const anm_mil_value *last = op->outputs[op->output_count - 1];
    if ((!topk || op->output_count > 1) && !anm_holds_places(last->type->dtype, x.view.shape[axis]))
        return false;
    if (op->outputs[0]->type->shape[axis] > x.view.shape[axis]) return false;
    marked[axis] = true;
    anm_axes_last a = anm_axes_move_last(p, x, marked);
    o->x = a.x;
    o->lines = a.outer;
    o->n = a.inner;
    o->count = op->outputs[0]->type->shape[axis];
    plan_outputs(p, op, &a, topk, o);
    if (p->status != ANM_OK) return true;
    anm_step_scratch(p, (size_t)o->n * (sizeof(double) + 2 * sizeof(int64_t)));
    int writes[3] = {-1, -1, -1}, w = 0;
    if (o->values.block >= 0) writes[w++] = o->values.block;
    if (o->indices.block >= 0) writes[w++] = o->indices.block;
    anm_step_add(p, run_order, op->type, o, ANM_BLOCKS(o->x.block), writes);
    return true;
}

/* SPDX-License-Identifier: MIT */
/* gather along one axis: rows of an embedding (palettized or not), of RoPE tables, of values. */
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/step_axes.h"
#include "src/cpu/step_matrix.h"

typedef struct gather_step {
    anm_matrix table; /* rows 0: gathered from `x` instead */
    anm_lie x, indices, y;
    int64_t outer, count, inner; /* y is dense [outer, count, inner] */
    int64_t axis_size, outer_stride, axis_stride;
} gather_step;

static void gather_row(const gather_step *g, anm_exec *e, int64_t outer, int64_t index,
                       float *y) {
    if (g->table.rows) {
        anm_matrix_row(&g->table, index, 0, g->inner, y);
        return;
    }
    int64_t at = outer * g->outer_stride + index * g->axis_stride;
    if (g->x.dtype == ANM_DTYPE_FP16)
        e->plan->rows->half_to_float((const uint16_t *)anm_exec_at(e, &g->x) + at, g->inner, y);
    else memcpy(y, (const char *)anm_exec_at(e, &g->x) + 4 * at, (size_t)g->inner * sizeof *y);
}

static void run_gather(const anm_step *s, anm_exec *e, int thread, int threads) {
    const gather_step *g = s->data;
    const int32_t *indices = anm_exec_at(e, &g->indices);
    float *y = anm_exec_at(e, &g->y);
    int64_t from, to;
    anm_share(g->outer * g->count, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t index = indices[row % g->count];
        if (index < 0) index += g->axis_size;
        if (index < 0 || index >= g->axis_size) continue;
        gather_row(g, e, row / g->count, index, y + row * g->inner);
    }
}

/* Thread 0 looks at all indices: an error is its to report. */
static void run_checked(const anm_step *s, anm_exec *e, int thread, int threads) {
    const gather_step *g = s->data;
    const int32_t *indices = anm_exec_at(e, &g->indices);
    for (int64_t i = 0; thread == 0 && i < g->count; i++)
        if (indices[i] < -g->axis_size || indices[i] >= g->axis_size)
            anm_exec_fail(e, s, ANM_ERROR_MISMATCH, "index %d is outside the %lld there are",
                          (int)indices[i], (long long)g->axis_size);
    run_gather(s, e, thread, threads);
}

static bool from_table(anm_planner *p, const anm_mil_op *op, gather_step *g) {
    const anm_mil_value *x = anm_arg_value(op, "x");
    if (!x || x->constant || !anm_is_constant(x) || x->type->rank != 2 ||
        !anm_matrix_of(p, op, "x", &g->table))
        return false;
    g->axis_size = g->table.rows;
    g->inner = g->table.columns;
    g->outer = 1;
    return true;
}

static bool from_value(anm_planner *p, const anm_mil_op *op, int64_t axis, gather_step *g) {
    g->x = anm_arg_lie(p, op, "x");
    if (g->x.block < 0) return false;
    if (!anm_view_is_dense(&g->x.view)) g->x = anm_lie_dense(p, g->x);
    const anm_view *v = &g->x.view;
    g->outer = g->inner = 1;
    for (int i = 0; i < axis; i++) g->outer *= v->shape[i];
    for (int i = (int)axis + 1; i < v->rank; i++) g->inner *= v->shape[i];
    g->axis_size = v->shape[axis];
    g->axis_stride = g->inner;
    g->outer_stride = g->inner * g->axis_size;
    return p->status == ANM_OK;
}

bool anm_build_gather(anm_planner *p, const anm_mil_op *op) {
    int64_t axis, batch = 0;
    const anm_mil_type *type = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    if (!anm_is_op(op, "gather") || !anm_axis_read(op, type->rank, &axis)) return false;
    if (anm_mil_op_get_int(op, "batch_dims", &batch) && batch != 0) return false;
    gather_step *g = anm_plan_alloc(p, sizeof *g);
    if (!g) return true;
    g->x.block = -1;
    if (!(axis == 0 && from_table(p, op, g)) && !from_value(p, op, axis, g))
        return p->status != ANM_OK;
    g->indices = anm_lie_dense(p, anm_arg_lie(p, op, "indices"));
    if (g->indices.block < 0 || g->indices.dtype != ANM_DTYPE_INT32) return p->status != ANM_OK;
    const anm_mil_type *out = op->outputs[0]->type;
    g->count = anm_view_elements(&g->indices.view);
    bool integers = !g->table.rows && g->x.dtype == ANM_DTYPE_INT32;
    g->y = anm_lie_new(p, integers ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32, out->rank, out->shape);
    if (g->y.block < 0) return true;
    int reads[] = {g->indices.block, g->x.block, -1};
    anm_step_add(p, run_checked, op->type, g, reads, ANM_BLOCKS(g->y.block));
    anm_lie_set(p, op->outputs[0], g->y);
    return true;
}

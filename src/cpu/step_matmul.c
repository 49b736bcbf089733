/* SPDX-License-Identifier: MIT */
/*
 * matmul of two values, batches broadcast. Transposes are looked through: x may lie in any way, y
 * is copied where its columns are not contiguous.
 */
#include <string.h>

#include "src/cpu/planner.h"

typedef struct matmul_step {
    anm_lie x, y, out; /* as matrices behind broadcast batches */
    anm_product shape; /* without the pointers */
    int batch_rank;
    int64_t batch[ANM_MAX_RANK], x_stride[ANM_MAX_RANK], y_stride[ANM_MAX_RANK];
    int64_t batches;
    int64_t row_piece, column_piece; /* of one unit of work */
} matmul_step;

static void run_unit(const matmul_step *m, const anm_exec *e, int64_t batch, int64_t row,
                     int64_t column) {
    anm_product p = m->shape;
    int64_t x = 0, y = 0, rest = batch;
    for (int i = m->batch_rank - 1; i >= 0; i--) {
        x += rest % m->batch[i] * m->x_stride[i];
        y += rest % m->batch[i] * m->y_stride[i];
        rest /= m->batch[i];
    }
    p.a = (const float *)anm_exec_at(e, &m->x) + x + row * p.a_row;
    p.b = (const float *)anm_exec_at(e, &m->y) + y + column;
    p.c = (float *)anm_exec_at(e, &m->out) + batch * p.m * p.n + row * p.c_row + column;
    p.m = p.m - row < m->row_piece ? p.m - row : m->row_piece;
    p.n = p.n - column < m->column_piece ? p.n - column : m->column_piece;
    e->plan->rows->product(&p);
}

static void run_matmul(const anm_step *s, anm_exec *e, int thread, int threads) {
    const matmul_step *m = s->data;
    int64_t rows = (m->shape.m + m->row_piece - 1) / m->row_piece;
    int64_t columns = (m->shape.n + m->column_piece - 1) / m->column_piece, from, to;
    anm_share(m->batches * rows * columns, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++)
        run_unit(m, e, i / (rows * columns), i / columns % rows * m->row_piece,
                 i % columns * m->column_piece);
}

/* At least a matrix; a vector is a row on the left and a column on the right. */
static bool as_matrix(anm_lie *lie, bool left) {
    int64_t row[2] = {1, lie->view.shape[0]}, column[2] = {lie->view.shape[0], 1};
    if (lie->view.rank >= 2) return true;
    return lie->view.rank == 1 && anm_view_reshape(&lie->view, 2, left ? row : column);
}

static void swap_last(anm_view *v) {
    int64_t perm[ANM_MAX_RANK];
    for (int i = 0; i < v->rank; i++) perm[i] = i;
    perm[v->rank - 1] = v->rank - 2;
    perm[v->rank - 2] = v->rank - 1;
    anm_view_transpose(v, perm);
}

static bool read_operand(anm_planner *p, const anm_mil_op *op, const char *name, const char *turned,
                         bool left, anm_lie *out) {
    bool turn = false;
    const anm_mil_type *type = anm_mil_operand_type(anm_mil_op_operand(op, name));
    anm_mil_op_get_bool(op, turned, &turn);
    *out = anm_lie_plain(p, anm_arg_lie(p, op, name));
    if (out->block < 0 || out->dtype != ANM_DTYPE_FP32 || !as_matrix(out, left)) return false;
    if (turn && type->rank >= 2) swap_last(&out->view);
    return true;
}

/* Strides over the batches of the result, broadcast. */
static bool batch_strides(const anm_view *v, matmul_step *m, int64_t *stride) {
    for (int i = 0; i < m->batch_rank; i++) {
        int k = i - (m->batch_rank - (v->rank - 2));
        stride[i] = k < 0 || v->shape[k] == 1 ? 0 : v->stride[k];
    }
    return true;
}

static void read_batches(matmul_step *m) {
    const anm_view *x = &m->x.view, *y = &m->y.view;
    m->batch_rank = (x->rank > y->rank ? x->rank : y->rank) - 2;
    m->batches = 1;
    for (int i = 0; i < m->batch_rank; i++) {
        int a = i - (m->batch_rank - (x->rank - 2)), b = i - (m->batch_rank - (y->rank - 2));
        int64_t of_x = a < 0 ? 1 : x->shape[a], of_y = b < 0 ? 1 : y->shape[b];
        m->batch[i] = of_x > 1 ? of_x : of_y;
        m->batches *= m->batch[i];
    }
    batch_strides(x, m, m->x_stride);
    batch_strides(y, m, m->y_stride);
}

static void read_shape(matmul_step *m) {
    const anm_view *x = &m->x.view, *y = &m->y.view;
    anm_product *p = &m->shape;
    p->m = x->shape[x->rank - 2];
    p->k = x->shape[x->rank - 1];
    p->n = y->shape[y->rank - 1];
    p->a_row = x->stride[x->rank - 2];
    p->a_step = x->stride[x->rank - 1];
    p->b_row = y->stride[y->rank - 2];
    p->c_row = p->n;
    m->row_piece = p->m > p->n ? 16 : p->m;
    m->column_piece = p->m > p->n ? p->n : 128;
}

bool anm_build_matmul(anm_planner *p, const anm_mil_op *op) {
    if (!anm_is_op(op, "matmul") || anm_type_elements(op->outputs[0]->type) < 1) return false;
    matmul_step *m = anm_plan_alloc(p, sizeof *m);
    if (!m || !read_operand(p, op, "x", "transpose_x", true, &m->x) ||
        !read_operand(p, op, "y", "transpose_y", false, &m->y))
        return p->status != ANM_OK;
    int last = m->y.view.rank - 1;
    if (m->y.view.stride[last] != 1 && m->y.view.shape[last] != 1) m->y = anm_lie_dense(p, m->y);
    if (m->y.block < 0) return true;
    read_batches(m);
    read_shape(m);
    const anm_mil_type *type = op->outputs[0]->type;
    m->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (m->out.block < 0) return true;
    anm_step *s = anm_step_add(p, run_matmul, op->type, m, ANM_BLOCKS(m->x.block, m->y.block),
                               ANM_BLOCKS(m->out.block));
    s->flops = 2u * (uint64_t)(m->batches * m->shape.m * m->shape.n * m->shape.k);
    anm_lie_set(p, op->outputs[0], m->out);
    return true;
}

/* SPDX-License-Identifier: MIT */
/* Norms and rotary embeddings: row by row over the last dimension. */
#include <string.h>

#include "src/cpu/row_walk.h"
#include "src/cpu/step_axes.h"

typedef struct norm_step {
    anm_lie x, y;
    const float *gamma;
    float epsilon;
    int64_t n;
    anm_row_walk walk;
} norm_step;

static void run_norm(const anm_step *s, anm_exec *e, int thread, int threads) {
    const norm_step *n = s->data;
    const float *x = anm_exec_at(e, &n->x);
    float *y = anm_exec_at(e, &n->y);
    int64_t from, to, at[2];
    anm_share(n->walk.rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        anm_row_offsets(&n->walk, 2, row, at);
        e->plan->rows->rms_norm(x + at[0], n->gamma, n->epsilon, n->n, y + at[1]);
    }
}

/* gamma as fp32 in the plan's memory. */
static const float *constant_floats(anm_planner *p, const anm_mil_op *op, const char *name) {
    anm_lie lie = anm_arg_lie(p, op, name);
    return lie.block >= 0 && lie.dtype == ANM_DTYPE_FP32 ? p->blocks.data[lie.block].data : NULL;
}

bool anm_build_norm(anm_planner *p, const anm_mil_op *op) {
    double epsilon;
    if (!anm_is_op(op, "anm_rms_norm") || !anm_mil_op_get_float(op, "epsilon", &epsilon))
        return false;
    norm_step *n = anm_plan_alloc(p, sizeof *n);
    anm_lie x = anm_lie_rows(p, anm_arg_lie(p, op, "x"));
    if (!n || x.block < 0) return p->status != ANM_OK;
    bool has_gamma = anm_mil_op_arg(op, "gamma") != NULL;
    *n = (norm_step){.x = x, .epsilon = (float)epsilon, .n = x.view.shape[x.view.rank - 1]};
    n->gamma = has_gamma ? constant_floats(p, op, "gamma") : NULL;
    if (has_gamma && !n->gamma) return p->status != ANM_OK;
    n->y = anm_lie_new_like(p, ANM_DTYPE_FP32, &x.view);
    anm_row_walk_begin(&n->walk, &x.view);
    anm_row_walk_add(&n->walk, 0, &x.view);
    anm_row_walk_add(&n->walk, 1, &n->y.view);
    if (n->y.block >= 0)
        anm_step_add_rows(p, run_norm, op->type, n, ANM_BLOCKS(x.block), ANM_BLOCKS(n->y.block),
                          anm_step_rows(p, n->walk.rows, &x, &n->y), false);
    anm_lie_set(p, op->outputs[0], n->y);
    return true;
}

typedef struct rope_step {
    anm_lie x, cosine, sine, y;
    int64_t half, cos_second, sin_second; /* where the tables of the second half begin */
    const norm_step *norm; /* done to x first; NULL: no norm */
    anm_row_walk walk;
} rope_step;

static void run_rope(const anm_step *s, anm_exec *e, int thread, int threads) {
    const rope_step *r = s->data;
    const norm_step *n = r->norm;
    const anm_row_kernels *rows = e->plan->rows;
    const float *x = anm_exec_at(e, &r->x), *c = anm_exec_at(e, &r->cosine);
    const float *sine = anm_exec_at(e, &r->sine);
    float *y = anm_exec_at(e, &r->y);
    int64_t from, to, at[4];
    anm_share(r->walk.rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        anm_row_offsets(&r->walk, 4, row, at);
        const float *c1 = c + at[1], *s1 = sine + at[2], *in = x + at[0];
        if (n) rows->rms_norm(in, n->gamma, n->epsilon, n->n, y + at[3]);
        if (n) in = y + at[3];
        rows->rope(in, c1, s1, c1 + r->cos_second, s1 + r->sin_second, r->half, y + at[3]);
    }
}

/*
 * The norm that was planned last does the rotation, too, where its result lies, if nothing else
 * wants that: so rows are read once.
 */
static bool join_norm(anm_planner *p, rope_step *r) {
    const anm_step *last = p->steps.len ? &p->steps.data[p->steps.len - 1] : NULL;
    if (!last || last->run != run_norm || !anm_lie_is_spare(p, &r->x)) return false;
    const norm_step *norm = last->data;
    if (norm->y.block != r->x.block || r->cosine.block == r->x.block ||
        r->sine.block == r->x.block || !anm_view_equal(&norm->y.view, &r->x.view))
        return false;
    anm_step *s = anm_step_extend(p, ANM_BLOCKS(r->cosine.block, r->sine.block));
    if (!s) return false;
    r->norm = norm;
    r->y = norm->y;
    r->x = norm->x;
    s->run = run_rope;
    s->kind = p->at->type;
    s->data = r;
    return true;
}

static void add_rope(anm_planner *p, rope_step *r) {
    bool joined = join_norm(p, r);
    if (!joined) r->y = anm_lie_new_like(p, ANM_DTYPE_FP32, &r->x.view);
    anm_row_walk_begin(&r->walk, &r->x.view);
    const anm_view *views[] = {&r->x.view, &r->cosine.view, &r->sine.view, &r->y.view};
    for (int i = 0; i < 4; i++) anm_row_walk_add(&r->walk, i, views[i]);
    if (joined || r->y.block < 0) return;
    anm_step_add_rows(p, run_rope, p->at->type, r,
                      ANM_BLOCKS(r->x.block, r->cosine.block, r->sine.block),
                      ANM_BLOCKS(r->y.block),
                      anm_step_rows(p, r->walk.rows, &r->x, &r->y), false);
}

bool anm_build_rope(anm_planner *p, const anm_mil_op *op) {
    if (!anm_is_op(op, "anm_rope")) return false;
    rope_step *r = anm_plan_alloc(p, sizeof *r);
    anm_lie x = anm_lie_rows(p, anm_arg_lie(p, op, "x"));
    anm_lie c = anm_lie_rows(p, anm_arg_lie(p, op, "cos"));
    anm_lie s = anm_lie_rows(p, anm_arg_lie(p, op, "sin"));
    if (!r || x.block < 0 || c.block < 0 || s.block < 0) return p->status != ANM_OK;
    int64_t width = x.view.shape[x.view.rank - 1];
    *r = (rope_step){.x = x, .cosine = c, .sine = s, .half = width / 2};
    if (c.view.shape[c.view.rank - 1] == width) r->cos_second = width / 2;
    if (s.view.shape[s.view.rank - 1] == width) r->sin_second = width / 2;
    add_rope(p, r);
    anm_lie_set(p, op->outputs[0], r->y);
    return true;
}

/* Softmax over the last dimension. */

typedef struct softmax_step {
    anm_lie x, y;
    int64_t n;
    anm_row_walk walk;
} softmax_step;

static void run_softmax(const anm_step *s, anm_exec *e, int thread, int threads) {
    const softmax_step *m = s->data;
    const float *x = anm_exec_at(e, &m->x);
    float *y = anm_exec_at(e, &m->y);
    int64_t from, to, at[2];
    anm_share(m->walk.rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        anm_row_offsets(&m->walk, 2, row, at);
        e->plan->rows->softmax(x + at[0], m->n, y + at[1]);
    }
}

/* Along another axis, which is brought last for it. */
bool anm_build_softmax(anm_planner *p, const anm_mil_op *op) {
    int64_t axis;
    bool marked[ANM_MAX_RANK] = {false};
    if (!anm_is_op(op, "softmax")) return false;
    anm_lie x = anm_arg_lie(p, op, "x");
    if (x.block < 0 || x.dtype == ANM_DTYPE_INT32 || x.view.rank < 1) return p->status != ANM_OK;
    if (!anm_axis_read(op, x.view.rank, &axis)) return false;
    bool last = axis == x.view.rank - 1;
    marked[axis] = true;
    anm_axes_last a = {.x = last ? anm_lie_rows(p, x) : (anm_lie){.block = -1}};
    if (!last) a = anm_axes_move_last(p, x, marked);
    softmax_step *m = anm_plan_alloc(p, sizeof *m);
    if (!m || a.x.block < 0) return p->status != ANM_OK;
    *m = (softmax_step){.x = a.x, .n = a.x.view.shape[a.x.view.rank - 1]};
    m->y = anm_lie_new_like(p, ANM_DTYPE_FP32, &a.x.view);
    anm_row_walk_begin(&m->walk, &a.x.view);
    anm_row_walk_add(&m->walk, 0, &a.x.view);
    anm_row_walk_add(&m->walk, 1, &m->y.view);
    if (m->y.block >= 0)
        anm_step_add(p, run_softmax, op->type, m, ANM_BLOCKS(a.x.block), ANM_BLOCKS(m->y.block));
    anm_lie y = m->y;
    if (!last) y.view = anm_axes_view_back(&a, &m->y.view);
    anm_lie_set(p, op->outputs[0], y);
    return true;
}

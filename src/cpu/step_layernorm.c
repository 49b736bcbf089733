/* SPDX-License-Identifier: MIT */
/* layer_norm over any axes, which are brought last. */
#include "src/cpu/step_axes.h"

typedef struct layer_norm_step {
    anm_lie x, y; /* dense [outer, inner] */
    const float *gamma, *beta;
    float epsilon;
    int64_t outer, inner;
} layer_norm_step;

static void run_layer_norm(const anm_step *s, anm_exec *e, int thread, int threads) {
    const layer_norm_step *n = s->data;
    const float *x = anm_exec_at(e, &n->x);
    float *y = anm_exec_at(e, &n->y);
    int64_t from, to;
    anm_share(n->outer, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++)
        e->plan->rows->layer_norm(x + row * n->inner, n->gamma, n->beta, n->epsilon, n->inner,
                                  y + row * n->inner);
}

/* A constant of `count` floats, or NULL in *out if the argument is absent. */
static bool read_floats(anm_planner *p, const anm_mil_op *op, const char *name, int64_t count,
                        const float **out) {
    *out = NULL;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) return true;
    anm_lie lie = anm_arg_lie(p, op, name);
    if (lie.block < 0 || lie.dtype != ANM_DTYPE_FP32 || anm_view_elements(&lie.view) != count)
        return false;
    *out = p->blocks.data[lie.block].data;
    return p->blocks.data[lie.block].place == ANM_PLACE_CONST;
}

bool anm_build_layer_norm(anm_planner *p, const anm_mil_op *op) {
    bool marked[ANM_MAX_RANK];
    double epsilon;
    if (!anm_is_op(op, "layer_norm") || !anm_mil_op_get_float(op, "epsilon", &epsilon))
        return false;
    anm_lie x = anm_arg_lie(p, op, "x");
    if (x.block < 0 || x.dtype == ANM_DTYPE_INT32 ||
        !anm_axes_read(op, "axes", x.view.rank, true, marked))
        return p->status != ANM_OK;
    int64_t inner = 1;
    for (int i = 0; i < x.view.rank; i++) inner *= marked[i] ? x.view.shape[i] : 1;
    layer_norm_step *n = anm_plan_alloc(p, sizeof *n);
    if (!n || inner < 1 || !read_floats(p, op, "gamma", inner, &n->gamma) ||
        !read_floats(p, op, "beta", inner, &n->beta))
        return p->status != ANM_OK;
    anm_axes_last a = anm_axes_move_last(p, x, marked);
    n->y = anm_lie_new(p, ANM_DTYPE_FP32, a.x.view.rank, a.x.view.shape);
    if (a.x.block < 0 || n->y.block < 0) return true;
    n->x = a.x;
    n->epsilon = (float)epsilon;
    n->outer = a.outer;
    n->inner = a.inner;
    anm_step_add(p, run_layer_norm, op->type, n, ANM_BLOCKS(n->x.block), ANM_BLOCKS(n->y.block));
    anm_lie y = n->y;
    y.view = anm_axes_view_back(&a, &n->y.view);
    anm_lie_set(p, op->outputs[0], y);
    return true;
}

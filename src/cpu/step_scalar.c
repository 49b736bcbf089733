/* SPDX-License-Identifier: MIT */
/* Functions of one number that have no row kernel, by those of the interpreter. */
#include "src/cpu/planner.h"
#include "src/interp/kernels.h"

typedef struct scalar_step {
    anm_lie x, out; /* dense */
    double (*f)(double);
} scalar_step;

static void run_scalar(const anm_step *step, anm_exec *e, int thread, int threads) {
    const scalar_step *s = step->data;
    const float *x = anm_exec_at(e, &s->x);
    float *y = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(anm_view_elements(&s->out.view), 64, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++) y[i] = (float)s->f((double)x[i]);
}

bool anm_build_scalar(anm_planner *p, const anm_mil_op *op) {
    static const char *const names[] = {"acos", "acosh", "asin", "asinh", "atan", "atanh",
                                        "cosh", "exp2",  "sinh", "tan"};
    size_t k = 0, count = sizeof names / sizeof names[0];
    const anm_mil_type *type = op->outputs[0]->type;
    while (k < count && !anm_is_op(op, names[k])) k++;
    const anm_kernel *kernel = k < count ? anm_kernel_find(op->type) : NULL;
    if (!kernel || !kernel->scalar || anm_type_elements(type) < 1) return false;
    scalar_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return true;
    s->f = kernel->scalar;
    s->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (s->x.block < 0 || s->x.dtype != ANM_DTYPE_FP32) return p->status != ANM_OK;
    s->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_scalar, op->type, s, ANM_BLOCKS(s->x.block), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "src/cpu/product_input.h"

static void run_prepare(const anm_step *s, anm_exec *x, int thread, int threads) {
    const anm_product_input *p = s->data;
    const float *in = anm_exec_at(x, &p->x);
    void *out = anm_exec_at(x, &p->to);
    if (p->gemm)
        p->gemm->prepare(in, p->ldx, p->columns, p->tokens, out, thread, threads);
    else if (anm_has_share(1, thread, threads)) p->gemv->prepare(in, p->columns, out);
}

/* Of the inputs made so far; the last few are enough. */
static const anm_product_input *find_prepared(const anm_planner *p,
                                               const anm_product_input *wanted) {
    enum { RECENT = 8 };
    for (size_t i = p->steps.len, n = 0; i-- > 0 && n < RECENT;) {
        const anm_product_input *q = p->steps.data[i].data;
        if (p->steps.data[i].run != run_prepare) continue;
        n++;
        bool same = q->x.block == wanted->x.block && anm_view_equal(&q->x.view, &wanted->x.view);
        if (wanted->gemm && q->gemm) same = same && q->gemm->prepare == wanted->gemm->prepare;
        else if (wanted->gemv && q->gemv) same = same && q->gemv->prepare == wanted->gemv->prepare;
        else same = false;
        if (same) return q;
    }
    return NULL;
}

bool anm_product_input_read(anm_planner *p, const anm_mil_op *op, int64_t columns,
                            anm_product_input *in) {
    anm_lie x = anm_lie_plain(p, anm_arg_lie(p, op, "x"));
    if (x.block < 0 || x.dtype != ANM_DTYPE_FP32) return false;
    int64_t shape[2] = {anm_view_elements(&x.view) / columns, columns};
    anm_view v = x.view;
    if (!anm_view_reshape(&v, 2, shape) || (columns > 1 && v.stride[1] != 1)) {
        x = anm_lie_dense(p, x);
        v = x.view;
        if (!anm_view_reshape(&v, 2, shape)) return false;
    }
    x.view = v;
    in->x = x;
    in->tokens = shape[0];
    in->columns = columns;
    in->ldx = shape[0] > 1 ? v.stride[0] : columns;
    return true;
}

const anm_product_input *anm_product_input_add(anm_planner *p, const anm_product_input *wanted) {
    const anm_product_input *shared = find_prepared(p, wanted);
    if (shared) return shared;
    anm_product_input *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return NULL;
    *s = *wanted;
    size_t bytes = s->gemm ? s->gemm->input_bytes(s->columns, s->tokens)
                           : s->gemv->input_bytes(s->columns);
    s->to = anm_lie_new(p, ANM_DTYPE_FP32, 1, (const int64_t[]){(int64_t)(bytes + 3) / 4});
    if (s->to.block >= 0)
        anm_step_add_rows(p, run_prepare, "prepare", s, ANM_BLOCKS(s->x.block),
                          ANM_BLOCKS(s->to.block), s->gemv ? 1 : 0, false);
    return s;
}

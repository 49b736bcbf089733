/* SPDX-License-Identifier: MIT */
/*
 * Pooling over one to three spatial axes, a plane at a time. Padding takes no part in a maximum;
 * in a mean it counts unless it is excluded, but what lies beyond the padding never does.
 */
#include <math.h>
#include <string.h>

#include "src/cpu/step_window.h"

typedef enum pool_kind { POOL_MAX, POOL_MEAN, POOL_L2 } pool_kind;

typedef struct pool_step {
    anm_lie x, out; /* dense [planes, depth, height, width] */
    anm_windows w;
    pool_kind kind;
    bool exclude;
    int64_t planes;
} pool_step;

/* Window `o` of axis i: [from, to) within the input, and how long with padding. */
static int64_t window(const anm_windows *w, int i, int64_t o, int64_t *from, int64_t *to) {
    int64_t start = o * w->stride[i] - w->before[i], end = start + w->kernel[i];
    int64_t limit = w->in[i] + w->after[i];
    *from = start < 0 ? 0 : start;
    *to = end > w->in[i] ? w->in[i] : end;
    return (end > limit ? limit : end) - start;
}

typedef struct pooled {
    float top, sum;
} pooled;

static void take_row(const pool_step *s, const float *in, int64_t from, int64_t to, pooled *p) {
    for (int64_t x = from; x < to; x++) {
        float v = in[x];
        p->top = v > p->top || v != v ? v : p->top;
        p->sum += s->kind == POOL_L2 ? v * v : v;
    }
}

/* `row` counts planes of the depth and rows of each. */
static float pool_window(const pool_step *s, const float *in, int64_t row, int64_t column) {
    const anm_windows *w = &s->w;
    int64_t z0, z1, y0, y1, x0, x1;
    int64_t padded = window(w, 0, row / w->out[1], &z0, &z1) *
                     window(w, 1, row % w->out[1], &y0, &y1) * window(w, 2, column, &x0, &x1);
    pooled p = {.top = -INFINITY};
    for (int64_t z = z0; z < z1; z++)
        for (int64_t y = y0; y < y1; y++)
            take_row(s, in + (z * w->in[1] + y) * w->in[2], x0, x1, &p);
    if (s->kind == POOL_MAX) return p.top;
    if (s->kind == POOL_L2) return sqrtf(p.sum);
    bool empty = z1 <= z0 || y1 <= y0 || x1 <= x0;
    int64_t inside = empty ? 0 : (z1 - z0) * (y1 - y0) * (x1 - x0);
    int64_t n = s->exclude ? inside : padded;
    return n > 0 ? p.sum / (float)n : 0;
}

static void run_pool(const anm_step *s, anm_exec *e, int thread, int threads) {
    const pool_step *p = s->data;
    const float *x = anm_exec_at(e, &p->x);
    float *out = anm_exec_at(e, &p->out);
    int64_t from, to, rows = p->w.out[0] * p->w.out[1], columns = p->w.out[2];
    anm_share(p->planes * rows, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++)
        for (int64_t c = 0; c < columns; c++)
            out[i * columns + c] =
                pool_window(p, x + i / rows * anm_window_volume(p->w.in), i % rows, c);
}

bool anm_build_pool(anm_planner *p, const anm_mil_op *op) {
    static const char *const names[] = {"max_pool", "avg_pool", "l2_pool"};
    int64_t kernel[ANM_WINDOW_AXES];
    int count = ANM_WINDOW_AXES, k = 0;
    const anm_mil_type *type = op->outputs[0]->type;
    while (k < 3 && !anm_is_op(op, names[k])) k++;
    if (k == 3 || type->rank < 3 || anm_type_elements(type) < 1) return false;
    pool_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s || !anm_mil_op_get_ints(op, "kernel_sizes", kernel, count, &count) ||
        count != type->rank - 2 || !anm_windows_read(op, count, kernel, &s->w))
        return p->status != ANM_OK;
    s->kind = (pool_kind)k;
    if (s->kind == POOL_MEAN) anm_mil_op_get_bool(op, "exclude_padding_from_average", &s->exclude);
    s->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (s->x.block < 0 || s->x.dtype != ANM_DTYPE_FP32) return p->status != ANM_OK;
    s->planes = type->shape[0] * type->shape[1];
    s->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_pool, op->type, s, ANM_BLOCKS(s->x.block), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

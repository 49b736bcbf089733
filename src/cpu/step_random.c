/* SPDX-License-Identifier: MIT */
/* Random numbers, the interpreter's own: any part of them can be made by itself. */
#include <string.h>

#include "src/cpu/planner.h"
#include "src/interp/random.h"

typedef void (*make_fn)(anm_random_key key, int64_t from, int64_t to, double a, double b,
                        float *out);

typedef struct random_step {
    anm_lie out; /* dense */
    make_fn make;
    int64_t seed;
    double a, b;
} random_step;

static void run_random(const anm_step *step, anm_exec *e, int thread, int threads) {
    const random_step *s = step->data;
    int64_t from, to;
    anm_share(anm_view_elements(&s->out.view), 64, thread, threads, &from, &to);
    s->make(anm_random_key_of(s->seed), from, to, s->a, s->b, anm_exec_at(e, &s->out));
}

static void make_bernoulli(anm_random_key key, int64_t from, int64_t to, double prob, double b,
                           float *out) {
    (void)b;
    anm_random_bernoulli(key, from, to, prob, out);
}

static const struct {
    const char *type, *a, *b;
    make_fn make;
} kinds[] = {
    {"random_uniform", "low", "high", anm_random_uniform},
    {"random_normal", "mean", "stddev", anm_random_normal},
    {"random_bernoulli", "prob", NULL, make_bernoulli},
};

static bool read_arguments(const anm_mil_op *op, size_t kind, random_step *s) {
    s->make = kinds[kind].make;
    return anm_mil_op_get_int(op, "seed", &s->seed) &&
           anm_mil_op_get_float(op, kinds[kind].a, &s->a) &&
           (!kinds[kind].b || anm_mil_op_get_float(op, kinds[kind].b, &s->b));
}

bool anm_build_random(anm_planner *p, const anm_mil_op *op) {
    size_t kind = 0, count = sizeof kinds / sizeof kinds[0];
    while (kind < count && !anm_is_op(op, kinds[kind].type)) kind++;
    const anm_mil_type *type = op->outputs[0]->type;
    random_step *s = kind < count ? anm_plan_alloc(p, sizeof *s) : NULL;
    if (!s || !read_arguments(op, kind, s)) return p->status != ANM_OK;
    s->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_random, op->type, s, ANM_BLOCKS(-1), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

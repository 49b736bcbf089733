/* SPDX-License-Identifier: MIT */
/*
 * The k largest results of a matrix product, the product itself never being written as a whole:
 * each thread has some hundred results in its cache at a time and keeps the best of each token;
 * after a barrier the threads' best are merged. Of equals the first row stands before the others
 * and NaN before all, so that it does not matter which thread had which rows.
 */
#include <math.h>

#include "src/cpu/matmul.h"
#include "src/cpu/product_input.h"
#include "src/cpu/step_matrix.h"
#include "src/cpu/stream_walk.h"

enum { GEMV_PIECE = 1024, GEMM_PIECE = 128 };

typedef struct topk_step {
    const anm_product_input *input;
    anm_matrix weight;
    const anm_gemv_kernel *gemv;
    const anm_gemm_kernel *gemm;
    const float *bias; /* NULL: none */
    int64_t k;
    size_t kernel_scratch;  /* results lie behind it */
    anm_lie best;           /* of each thread [tokens, k], ranked */
    int64_t best_each;      /* of a thread, in whole cache lines */
    anm_lie values, places; /* dense [tokens, k] */
} topk_step;

typedef struct ranked {
    float value;
    int32_t row;
} ranked;

static bool is_before(ranked a, ranked b) {
    if (isnan(a.value) || isnan(b.value)) {
        if (isnan(a.value) != isnan(b.value)) return isnan(a.value);
    } else if (a.value != b.value) {
        return a.value > b.value;
    }
    return a.row < b.row;
}

static void clear(ranked *best, int64_t count) {
    for (int64_t i = 0; i < count; i++) best[i] = (ranked){-INFINITY, INT32_MAX};
}

static void insert(ranked *best, int64_t k, ranked one) {
    int64_t at = k - 1;
    if (!is_before(one, best[at])) return;
    for (; at > 0 && is_before(one, best[at - 1]); at--) best[at] = best[at - 1];
    best[at] = one;
}

/* n results from a row on: most pieces have none that is good enough. */
static void keep_best(const topk_step *t, const anm_exec *x, float *y, int64_t row, int64_t n,
                      ranked *best) {
    for (int64_t i = 0; t->bias && i < n; i++) y[i] += t->bias[row + i];
    ranked most = {x->plan->rows->reduce(ANM_REDUCE_MAX, y, n), (int32_t)row};
    if (!is_before(most, best[t->k - 1])) return;
    for (int64_t i = 0; i < n; i++)
        if (!(y[i] < best[t->k - 1].value)) insert(best, t->k, (ranked){y[i], (int32_t)(row + i)});
}

static ranked *best_of(const topk_step *t, const anm_exec *x, int thread) {
    return (ranked *)anm_exec_at(x, &t->best) + t->best_each * thread;
}

static bool streams(const anm_step *s, int part, int thread, int threads, anm_ahead_range *out) {
    const topk_step *t = s->data;
    int64_t from, to;
    if (part > 0) return false;
    anm_share(t->weight.rows, t->gemv->row_step, thread, threads, &from, &to);
    *out = anm_gemv_range(&t->weight, from, to);
    return true;
}

static void run_gemv(const anm_step *s, anm_exec *x, int thread, int threads) {
    const topk_step *t = s->data;
    const void *input = anm_exec_at(x, &t->input->to);
    float *y = anm_exec_scratch(x, thread);
    ranked *best = best_of(t, x, thread);
    int64_t begin, end;
    clear(best, t->k);
    anm_share(t->weight.rows, t->gemv->row_step, thread, threads, &begin, &end);
    for (int64_t from = begin; from < end; from += GEMV_PIECE) {
        int64_t to = from + GEMV_PIECE < end ? from + GEMV_PIECE : end;
        /* The kernel writes y[row] for row >= from: let that be the scratch's beginning. */
        anm_gemv_multiply(t->gemv, &t->weight, input, from, to, y - from,
                          anm_stream_ahead(x, thread));
        keep_best(t, x, y, from, to - from, best);
    }
}

static void run_gemm(const anm_step *s, anm_exec *x, int thread, int threads) {
    const topk_step *t = s->data;
    const void *input = anm_exec_at(x, &t->input->to);
    char *scratch = anm_exec_scratch(x, thread);
    float *y = (float *)(scratch + t->kernel_scratch);
    ranked *best = best_of(t, x, thread);
    int64_t begin, end, tokens = t->input->tokens;
    clear(best, tokens * t->k);
    anm_share(t->weight.rows, t->gemm->row_step, thread, threads, &begin, &end);
    for (int64_t from = begin; from < end; from += GEMM_PIECE) {
        int64_t to = from + GEMM_PIECE < end ? from + GEMM_PIECE : end;
        t->gemm->run(&t->weight, input, tokens, from, to, y - from, GEMM_PIECE, scratch);
        for (int64_t i = 0; i < tokens; i++)
            keep_best(t, x, y + i * GEMM_PIECE, from, to - from, best + i * t->k);
    }
}

/* Into the first thread's. */
static void run_merge(const anm_step *s, anm_exec *x, int thread, int threads) {
    const topk_step *t = s->data;
    float *values = anm_exec_at(x, &t->values);
    int32_t *places = anm_exec_at(x, &t->places);
    int64_t from, to;
    anm_share(t->input->tokens, 1, thread, threads, &from, &to);
    for (int64_t i = from * t->k; i < to * t->k; i += t->k) {
        ranked *best = best_of(t, x, 0) + i;
        for (int other = 1; other < threads; other++)
            for (int64_t n = 0; n < t->k; n++) insert(best, t->k, best_of(t, x, other)[i + n]);
        for (int64_t n = 0; n < t->k; n++) {
            values[i + n] = best[n].value;
            places[i + n] = best[n].row;
        }
    }
}

static void choose_kernel(anm_planner *p, topk_step *t, anm_product_input *in) {
    if (in->tokens == 1) {
        in->gemv = t->gemv = anm_matmul_gemv(p->plan->matmul, &t->weight, p->plan->isa);
        anm_step_scratch(p, GEMV_PIECE * sizeof(float));
        return;
    }
    in->gemm = t->gemm = anm_gemm_find(&t->weight, p->plan->isa, false);
    t->kernel_scratch = (t->gemm->scratch_bytes(&t->weight, in->tokens) + 63) / 64 * 64;
    anm_step_scratch(p, t->kernel_scratch + (size_t)in->tokens * GEMM_PIECE * sizeof(float));
}

static void place_results(anm_planner *p, const anm_mil_op *op, topk_step *t, int64_t tokens) {
    const anm_mil_type *type = op->outputs[0]->type;
    enum { LINE = 64 / sizeof(ranked) };
    t->best_each = (tokens * t->k + LINE - 1) / LINE * LINE;
    const int64_t words[1] = {t->best_each * p->plan->threads * 2};
    t->best = anm_lie_new(p, ANM_DTYPE_FP32, 1, words);
    t->values = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    t->places = anm_lie_new(p, ANM_DTYPE_INT32, type->rank, type->shape);
}

static void add_steps(anm_planner *p, const anm_mil_op *op, topk_step *t) {
    anm_step *s = anm_step_add(p, t->gemv ? run_gemv : run_gemm, op->type, t,
                               ANM_BLOCKS(t->input->to.block), ANM_BLOCKS(t->best.block));
    s->streams = t->gemv && t->gemv->run_ahead ? streams : NULL;
    s->bytes = anm_matrix_bytes(&t->weight, 0, t->weight.rows);
    s->flops = 2u * (uint64_t)t->input->tokens * (uint64_t)t->weight.columns *
               (uint64_t)t->weight.rows;
    anm_step_add(p, run_merge, "merge best", t, ANM_BLOCKS(t->best.block),
                 ANM_BLOCKS(t->values.block, t->places.block));
    anm_lie_set(p, op->outputs[0], t->values);
    anm_lie_set(p, op->outputs[1], t->places);
}

bool anm_build_linear_topk(anm_planner *p, const anm_mil_op *op) {
    anm_product_input in = {0};
    if (!anm_is_op(op, "anm_linear_topk")) return false;
    topk_step *t = anm_plan_alloc(p, sizeof *t);
    if (!t || !anm_matrix_of(p, op, "weight", &t->weight) ||
        !anm_bias_of(p, op, &t->bias) || !anm_mil_op_get_int(op, "k", &t->k) ||
        t->weight.rows > INT32_MAX || !anm_product_input_read(p, op, t->weight.columns, &in))
        return p->status != ANM_OK;
    choose_kernel(p, t, &in);
    t->input = anm_product_input_add(p, &in);
    if (t->input) place_results(p, op, t, in.tokens);
    if (p->status == ANM_OK) add_steps(p, op, t);
    return true;
}

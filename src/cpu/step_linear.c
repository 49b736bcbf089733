/* SPDX-License-Identifier: MIT */
/*
 * Matrix products: one token by GEMV, several by GEMM. Bias, residual and activation are applied to
 * rows of the result while they are hot.
 */
#include <string.h>

#include "src/cpu/product_input.h"
#include "src/cpu/step_matrix.h"
#include "src/cpu/stream_walk.h"

typedef struct linear_step {
    const anm_product_input *input;
    anm_matrix weight, up; /* up.rows 0: not gated */
    const anm_gemv_kernel *gemv, *up_gemv;
    const anm_gemm_kernel *gemm, *up_gemm;
    const float *bias;
    anm_lie residual, out; /* dense [tokens, rows]; residual.block -1: none */
    anm_unary_kind activation;
    size_t kernel_scratch; /* the gated product's second half lies behind it */
} linear_step;

static void add_bias(const linear_step *l, int64_t from, int64_t to, float *y) {
    for (int64_t i = from; l->bias && i < to; i++) y[i] += l->bias[i];
}

static void finish_rows(const linear_step *l, const anm_exec *x, int64_t from, int64_t to,
                        float *out) {
    const anm_row_kernels *rows = x->plan->rows;
    const float *residual = l->residual.block >= 0 ? anm_exec_at(x, &l->residual) : NULL;
    for (int64_t t = 0; t < l->input->tokens; t++) {
        float *y = out + t * l->weight.rows;
        add_bias(l, from, to, y);
        if (!residual) continue;
        const float *r = residual + t * l->weight.rows;
        rows->binary(ANM_BINARY_ADD, y + from, 1, r + from, 1, to - from, y + from);
    }
}

/* What run_gemv() reads: the thread's rows, and in a gated product those of the second half. */
static bool gemv_streams(const anm_step *s, int part, int thread, int threads,
                         anm_ahead_range *out) {
    const linear_step *l = s->data;
    const anm_matrix *w = part == 0 ? &l->weight : &l->up;
    int64_t from, to;
    if (part > 1 || !w->rows) return false;
    anm_share(l->weight.rows, l->gemv->row_step, thread, threads, &from, &to);
    *out = anm_gemv_range(w, from, to);
    return true;
}

/* One token: pieces small enough that the second half's stay near. */
static void run_gemv(const anm_step *s, anm_exec *x, int thread, int threads) {
    const linear_step *l = s->data;
    const void *input = anm_exec_at(x, &l->input->to);
    float *out = anm_exec_at(x, &l->out);
    int64_t from, to;
    anm_share(l->weight.rows, l->gemv->row_step, thread, threads, &from, &to);
    if (from == to) return;
    anm_ahead *ahead = anm_stream_ahead(x, thread);
    anm_gemv_multiply(l->gemv, &l->weight, input, from, to, out, ahead);
    if (l->up.rows) {
        float *up = (float *)anm_exec_scratch(x, thread);
        anm_gemv_multiply(l->up_gemv, &l->up, input, from, to, up, ahead);
        x->plan->rows->gated(l->activation, out + from, up + from, to - from, out + from);
    }
    finish_rows(l, x, from, to, out);
}

static void run_gated_rows(const linear_step *l, anm_exec *x, const void *input, int64_t from,
                           int64_t to, float *out, char *scratch) {
    int64_t tokens = l->input->tokens, n = to - from;
    float *up = (float *)(scratch + l->kernel_scratch);
    /* The kernel writes y[t * ldy + row] for row >= from: let that be the scratch's beginning. */
    l->up_gemm->run(&l->up, input, tokens, from, to, up - from, n, scratch);
    for (int64_t t = 0; t < tokens; t++) {
        float *y = out + t * l->weight.rows + from;
        x->plan->rows->gated(l->activation, y, up + t * n, n, y);
    }
}

/*
 * Rows of weights at a time: results stay in the cache, but an input of megabytes passes through
 * it for each piece.
 */
enum { GEMM_PIECE = 256, GATED_PIECE = 128 };

static void run_gemm(const anm_step *s, anm_exec *x, int thread, int threads) {
    const linear_step *l = s->data;
    const void *input = anm_exec_at(x, &l->input->to);
    float *out = anm_exec_at(x, &l->out);
    char *scratch = anm_exec_scratch(x, thread);
    int64_t begin, end, tokens = l->input->tokens, rows = l->weight.rows;
    int64_t piece = l->up.rows ? GATED_PIECE : GEMM_PIECE;
    anm_share(rows, l->gemm->row_step, thread, threads, &begin, &end);
    for (int64_t from = begin; from < end; from += piece) {
        int64_t to = from + piece < end ? from + piece : end;
        l->gemm->run(&l->weight, input, tokens, from, to, out, rows, scratch);
        if (l->up.rows) run_gated_rows(l, x, input, from, to, out, scratch);
        finish_rows(l, x, from, to, out);
    }
}

static void choose_kernels(anm_planner *p, anm_product_input *in, linear_step *l) {
    anm_matmul matmul = p->plan->matmul;
    bool int8 = anm_matmul_int8(matmul, &l->weight, in->tokens) &&
                (!l->up.rows || anm_matmul_int8(matmul, &l->up, in->tokens));
    if (in->tokens == 1) {
        in->gemv = l->gemv = anm_matmul_gemv(matmul, &l->weight, p->plan->isa);
        if (l->up.rows) l->up_gemv = anm_matmul_gemv(matmul, &l->up, p->plan->isa);
    } else {
        in->gemm = l->gemm = anm_gemm_find(&l->weight, p->plan->isa, int8);
        if (l->up.rows) l->up_gemm = anm_gemm_find(&l->up, p->plan->isa, int8);
    }
}

/* Both halves of a gated product must read the same prepared input. */
static bool halves_agree(const linear_step *l) {
    if (!l->up.rows) return true;
    if (l->gemv) return l->gemv->prepare == l->up_gemv->prepare;
    return l->gemm->prepare == l->up_gemm->prepare && l->gemm->row_step == l->up_gemm->row_step;
}

static void reserve_scratch(anm_planner *p, linear_step *l, int64_t tokens) {
    if (l->gemv) {
        anm_step_scratch(p, l->up.rows ? (size_t)l->up.rows * sizeof(float) : 0);
        return;
    }
    size_t a = l->gemm->scratch_bytes(&l->weight, tokens);
    size_t b = l->up.rows ? l->up_gemm->scratch_bytes(&l->up, tokens) : 0;
    l->kernel_scratch = ((a > b ? a : b) + 63) / 64 * 64;
    size_t second = l->up.rows ? (size_t)(tokens * GATED_PIECE) * sizeof(float) : 0;
    anm_step_scratch(p, l->kernel_scratch + second);
}

static bool add_product(anm_planner *p, const anm_mil_op *op, const anm_product_input *in,
                        linear_step *l) {
    const anm_mil_type *type = op->outputs[0]->type;
    l->input = anm_product_input_add(p, in);
    l->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (!l->input || l->out.block < 0) return true;
    reserve_scratch(p, l, in->tokens);
    int reads[] = {l->input->to.block, l->residual.block, -1};
    anm_step *s = anm_step_add(p, l->gemv ? run_gemv : run_gemm, op->type, l, reads,
                               ANM_BLOCKS(l->out.block));
    bool ahead = l->gemv && l->gemv->run_ahead && (!l->up.rows || l->up_gemv->run_ahead);
    s->streams = ahead ? gemv_streams : NULL;
    s->kernel = l->gemv ? l->gemv->name : l->gemm->name;
    s->bytes = anm_matrix_bytes(&l->weight, 0, l->weight.rows) +
               (l->up.rows ? anm_matrix_bytes(&l->up, 0, l->up.rows) : 0);
    s->flops = 2u * (uint64_t)in->tokens * (uint64_t)in->columns *
               (uint64_t)(l->weight.rows + l->up.rows);
    anm_lie_set(p, op->outputs[0], l->out);
    return true;
}

bool anm_build_linear(anm_planner *p, const anm_mil_op *op) {
    anm_product_input in = {0};
    if (!anm_is_op(op, "anm_linear")) return false;
    linear_step *l = anm_plan_alloc(p, sizeof *l);
    if (!l || !anm_matrix_of(p, op, "weight", &l->weight) || !anm_bias_of(p, op, &l->bias))
        return p->status != ANM_OK;
    l->residual.block = -1;
    anm_lie residual = anm_arg_lie(p, op, "residual");
    if (residual.block >= 0) l->residual = anm_lie_dense(p, residual);
    if (!anm_product_input_read(p, op, l->weight.columns, &in)) return p->status != ANM_OK;
    choose_kernels(p, &in, l);
    return add_product(p, op, &in, l);
}

bool anm_build_gated(anm_planner *p, const anm_mil_op *op) {
    const char *name;
    anm_product_input in = {0};
    if (!anm_is_op(op, "anm_gated_linear")) return false;
    linear_step *l = anm_plan_alloc(p, sizeof *l);
    if (!l || !anm_matrix_of(p, op, "gate", &l->weight) || !anm_matrix_of(p, op, "up", &l->up) ||
        !anm_mil_op_get_string(op, "activation", &name))
        return p->status != ANM_OK;
    l->residual.block = -1;
    l->activation = strcmp(name, "silu") == 0   ? ANM_UNARY_SILU
                    : strcmp(name, "gelu") == 0 ? ANM_UNARY_GELU
                                                : ANM_UNARY_GELU_TANH;
    if (!anm_product_input_read(p, op, l->weight.columns, &in)) return p->status != ANM_OK;
    choose_kernels(p, &in, l);
    return halves_agree(l) && add_product(p, op, &in, l);
}

/* SPDX-License-Identifier: MIT */
/* space_to_batch and batch_to_space: blocks of pixels into the batch, padded, and back, cropped. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/cpu/planner.h"

typedef struct batchspace_step {
    anm_lie x, out;     /* 4-byte elements; out is dense [n, c, h, w] */
    bool into_batch;
    int64_t block[2];   /* rows and columns of a block */
    int64_t before[2];  /* rows and columns added, or cut off, in front */
    int64_t images;     /* of the side without blocks */
} batchspace_step;

/* Into the batch: image `n` of the output has pixel (row, column) of each block of one image. */
static bool row_in_space(const batchspace_step *s, int64_t n, int64_t y, int64_t *offset) {
    const anm_view *x = &s->x.view;
    int64_t row = y * s->block[0] + n / s->images / s->block[1] - s->before[0];
    *offset = n % s->images * x->stride[0] + row * x->stride[2];
    return row >= 0 && row < x->shape[2];
}

static void take_blocks(const batchspace_step *s, const char *x, int64_t n, int64_t y, int64_t c,
                        int64_t width, char *out) {
    const anm_view *v = &s->x.view;
    int64_t offset, first = n / s->images % s->block[1] - s->before[1];
    bool inside = row_in_space(s, n, y, &offset);
    offset += c * v->stride[1];
    for (int64_t i = 0; i < width; i++) {
        int64_t column = i * s->block[1] + first;
        if (!inside || column < 0 || column >= v->shape[3]) memset(out + 4 * i, 0, 4);
        else memcpy(out + 4 * i, x + 4 * (offset + column * v->stride[3]), 4);
    }
}

/* Out of the batch: a pixel's place in its block says which image has it. */
static void put_blocks(const batchspace_step *s, const char *x, int64_t n, int64_t y, int64_t c,
                       int64_t width, char *out) {
    const anm_view *v = &s->x.view;
    int64_t row = y + s->before[0];
    int64_t offset = c * v->stride[1] + row / s->block[0] * v->stride[2];
    for (int64_t i = 0; i < width; i++) {
        int64_t column = i + s->before[1];
        int64_t in_block = row % s->block[0] * s->block[1] + column % s->block[1];
        int64_t at = offset + (in_block * s->images + n) * v->stride[0] +
                     column / s->block[1] * v->stride[3];
        memcpy(out + 4 * i, x + 4 * at, 4);
    }
}

static void run_batchspace(const anm_step *step, anm_exec *e, int thread, int threads) {
    const batchspace_step *s = step->data;
    const char *x = anm_exec_at(e, &s->x);
    char *out = anm_exec_at(e, &s->out);
    const int64_t *shape = s->out.view.shape;
    int64_t from, to;
    anm_share(shape[0] * shape[1] * shape[2], 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++) {
        int64_t y = i % shape[2], c = i / shape[2] % shape[1], n = i / shape[2] / shape[1];
        (s->into_batch ? take_blocks : put_blocks)(s, x, n, y, c, shape[3],
                                                   out + 4 * i * shape[3]);
    }
}

static bool read_constants(const anm_mil_op *op, const char *name, int count, int64_t *out) {
    const anm_mil_literal *l = anm_mil_operand_constant(anm_mil_op_operand(op, name));
    if (!l || !l->data || anm_mil_literal_elements(l) != count) return false;
    for (int i = 0; i < count; i++) {
        out[i] = (int64_t)anm_element_get(l->type->dtype, l->data, i);
        if (out[i] < 0 || out[i] > 1 << 24) return false;
    }
    return true;
}

/* What the interpreter refuses is left to it. */
static bool read_blocks(const anm_mil_op *op, batchspace_step *s) {
    const anm_view *x = &s->x.view;
    int64_t margin[4], each;
    if (!read_constants(op, "block_shape", 2, s->block) ||
        !read_constants(op, s->into_batch ? "paddings" : "crops", 4, margin) || x->rank != 4 ||
        op->outputs[0]->type->rank != 4 || s->block[0] < 1 || s->block[1] < 1)
        return false;
    each = s->block[0] * s->block[1];
    for (int i = 0; i < 2; i++) {
        int64_t all = margin[2 * i] + margin[2 * i + 1], n = x->shape[2 + i];
        int64_t size = s->into_batch ? (n + all) / s->block[i] : n * s->block[i] - all;
        if (s->into_batch && (n + all) % s->block[i]) return false;
        if (op->outputs[0]->type->shape[2 + i] != size) return false;
        s->before[i] = margin[2 * i];
    }
    s->images = s->into_batch ? x->shape[0] : x->shape[0] / each;
    const int64_t *out = op->outputs[0]->type->shape;
    return out[0] == (s->into_batch ? s->images * each : s->images) && out[1] == x->shape[1] &&
           (s->into_batch || x->shape[0] % each == 0);
}

bool anm_build_batchspace(anm_planner *p, const anm_mil_op *op) {
    bool into = anm_is_op(op, "space_to_batch");
    if (!into && !anm_is_op(op, "batch_to_space")) return false;
    batchspace_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return true;
    s->into_batch = into;
    s->x = anm_lie_plain(p, anm_arg_lie(p, op, "x"));
    if (s->x.block < 0 || !read_blocks(op, s)) return p->status != ANM_OK;
    s->out = anm_lie_new(p, s->x.dtype, 4, op->outputs[0]->type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_batchspace, op->type, s, ANM_BLOCKS(s->x.block),
                 ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

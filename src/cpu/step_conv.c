/* SPDX-License-Identifier: MIT */
/*
 * Convolution with a constant kernel over one to three spatial axes, dilated or not, in groups or
 * not. A piece of the output's positions is a product: weights [channels out, taps] by the piece's
 * patches [taps, positions], which are laid out in a thread's scratch memory.
 */
#include <string.h>

#include "src/cpu/step_window.h"

enum { PATCH_FLOATS = 1 << 16, PIECE_LEAST = 64 }; /* what a piece may take of the nearer caches */

typedef struct conv_step {
    anm_lie x, weight, out; /* dense */
    const float *bias;
    anm_windows w;
    int64_t batch, groups;
    int64_t in_channels, out_channels; /* of a group */
    int64_t taps, positions, piece;
} conv_step;

/* Where a tap of window `o` of an axis is; false: in the padding. */
static bool tap_place(const anm_windows *w, int axis, int64_t o, int64_t tap, int64_t *at) {
    *at = o * w->stride[axis] + tap * w->dilation[axis] - w->before[axis];
    return *at >= 0 && *at < w->in[axis];
}

/* Of one row of the output (counted over the depth): columns [from, to) of one tap. */
static void patch_row(const conv_step *c, const float *volume, int64_t row, const int64_t *tap,
                      int64_t from, int64_t to, float *out) {
    const anm_windows *w = &c->w;
    int64_t y, z;
    if (!tap_place(w, 0, row / w->out[1], tap[0], &z) ||
        !tap_place(w, 1, row % w->out[1], tap[1], &y)) {
        memset(out, 0, (size_t)(to - from) * sizeof *out);
        return;
    }
    const float *in = volume + (z * w->in[1] + y) * w->in[2];
    int64_t shift = tap[2] * w->dilation[2] - w->before[2];
    for (int64_t i = from; i < to; i++) {
        int64_t x = i * w->stride[2] + shift;
        *out++ = x >= 0 && x < w->in[2] ? in[x] : 0;
    }
}

/* One tap of positions [at, at + n), which may be on several rows. */
static void patch(const conv_step *c, const float *volume, int64_t tap, int64_t at, int64_t n,
                  float *out) {
    const int64_t *kernel = c->w.kernel;
    int64_t width = c->w.out[2];
    int64_t place[3] = {tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1],
                        tap % kernel[2]};
    while (n > 0) {
        int64_t row = at / width, from = at % width;
        int64_t to = width - from < n ? width : from + n;
        patch_row(c, volume, row, place, from, to, out);
        out += to - from;
        at += to - from;
        n -= to - from;
    }
}

static void run_piece(const conv_step *c, const anm_exec *e, int64_t image, int64_t group,
                      int64_t at, float *patches) {
    int64_t n = c->positions - at < c->piece ? c->positions - at : c->piece;
    int64_t volume = anm_window_volume(c->w.in), kernel = anm_window_volume(c->w.kernel);
    int64_t first = (image * c->groups + group) * c->in_channels;
    const float *x = (const float *)anm_exec_at(e, &c->x) + first * volume;
    for (int64_t t = 0; t < c->taps; t++)
        patch(c, x + t / kernel * volume, t % kernel, at, n, patches + t * n);
    int64_t channel = group * c->out_channels;
    float *out = (float *)anm_exec_at(e, &c->out) +
                 (image * c->groups * c->out_channels + channel) * c->positions + at;
    anm_product p = {.a = (const float *)anm_exec_at(e, &c->weight) + channel * c->taps,
                     .b = patches, .c = out, .m = c->out_channels, .n = n, .k = c->taps,
                     .a_row = c->taps, .a_step = 1, .b_row = n, .c_row = c->positions};
    e->plan->rows->product(&p);
    for (int64_t o = 0; c->bias && o < c->out_channels; o++)
        e->plan->rows->binary(ANM_BINARY_ADD, out + o * c->positions, 1, &c->bias[channel + o], 0,
                              n, out + o * c->positions);
}

static void run_conv(const anm_step *s, anm_exec *e, int thread, int threads) {
    const conv_step *c = s->data;
    int64_t pieces = (c->positions + c->piece - 1) / c->piece, from, to;
    anm_share(c->batch * c->groups * pieces, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++)
        run_piece(c, e, i / (c->groups * pieces), i / pieces % c->groups, i % pieces * c->piece,
                  (float *)anm_exec_scratch(e, thread));
}

static bool read_conv(anm_planner *p, const anm_mil_op *op, conv_step *c) {
    anm_mil_operand weight = anm_mil_op_operand(op, "weight");
    const anm_mil_type *type = anm_mil_operand_type(weight);
    if (!type || type->rank < 3) return false;
    const int64_t *shape = type->shape;
    int dims = type->rank - 2;
    if (!anm_mil_op_get_int(op, "groups", &c->groups) || c->groups < 1 ||
        !anm_windows_read(op, dims, shape + 2, &c->w))
        return false;
    c->out_channels = shape[0] / c->groups;
    c->in_channels = shape[1];
    c->taps = shape[1] * anm_window_volume(c->w.kernel);
    c->positions = anm_window_volume(c->w.out);
    c->weight = anm_lie_constant_floats(p, weight);
    c->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    return c->weight.block >= 0 && c->x.block >= 0 && c->x.dtype == ANM_DTYPE_FP32 &&
           anm_constant_bias(p, op, &c->bias);
}

bool anm_build_conv(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    if (!anm_is_op(op, "conv") || anm_type_elements(type) < 1) return false;
    conv_step *c = anm_plan_alloc(p, sizeof *c);
    if (!c || !read_conv(p, op, c)) return p->status != ANM_OK;
    c->batch = type->shape[0];
    c->piece = PATCH_FLOATS / c->taps / PIECE_LEAST * PIECE_LEAST;
    if (c->piece < PIECE_LEAST) c->piece = PIECE_LEAST;
    if (c->piece > c->positions) c->piece = c->positions;
    c->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (c->out.block < 0) return true;
    anm_step_scratch(p, (size_t)(c->taps * c->piece) * sizeof(float));
    anm_step *s = anm_step_add(p, run_conv, op->type, c, ANM_BLOCKS(c->x.block),
                               ANM_BLOCKS(c->out.block));
    s->flops = 2u * (uint64_t)(anm_type_elements(type) * c->taps);
    anm_lie_set(p, op->outputs[0], c->out);
    return true;
}

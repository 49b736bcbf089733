/* SPDX-License-Identifier: MIT */
/*
 * Transposed convolution with a constant kernel: weights [channels out and taps, channels in] by a
 * piece of the input's positions give what each tap of each channel adds, which is then added where
 * it belongs. A thread has output channels of its own, so that no two add to one element.
 */
#include <string.h>

#include "src/cpu/step_window.h"

enum { SUMS_FLOATS = 1 << 16, PIECE_LEAST = 64 };

typedef struct deconv_step {
    anm_lie x, weight, out; /* dense; weight [channels in, channels out of a group, taps] */
    const float *bias;
    anm_windows w;
    int64_t batch, groups;
    int64_t in_channels, out_channels; /* of a group */
    int64_t taps, positions, piece;
} deconv_step;

/* The positions of one tap that lie on row `row` of the input, columns [from, to). */
static void add_row(const deconv_step *d, const float *sums, int64_t row, const int64_t *tap,
                    int64_t from, int64_t to, float *out) {
    const anm_windows *w = &d->w;
    int64_t z = row / w->in[1] * w->stride[0] + tap[0] * w->dilation[0] - w->before[0];
    int64_t y = row % w->in[1] * w->stride[1] + tap[1] * w->dilation[1] - w->before[1];
    if (z < 0 || z >= w->out[0] || y < 0 || y >= w->out[1]) return;
    out += (z * w->out[1] + y) * w->out[2];
    int64_t shift = tap[2] * w->dilation[2] - w->before[2];
    for (int64_t i = from; i < to; i++) {
        int64_t x = i * w->stride[2] + shift;
        if (x >= 0 && x < w->out[2]) out[x] += sums[i - from];
    }
}

static void add_tap(const deconv_step *d, const float *sums, int64_t tap, int64_t at, int64_t n,
                    float *out) {
    const int64_t *kernel = d->w.kernel;
    int64_t width = d->w.in[2];
    int64_t place[3] = {tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1],
                        tap % kernel[2]};
    for (int64_t row = at / width, from = at % width; n > 0; row++, from = 0) {
        int64_t to = width - from < n ? width : from + n;
        add_row(d, sums, row, place, from, to, out);
        sums += to - from;
        n -= to - from;
    }
}

/* One output channel of one image, begun with its bias. */
static void run_channel(const deconv_step *d, const anm_exec *e, int64_t image, int64_t channel,
                        float *sums) {
    int64_t group = channel / d->out_channels, volume = anm_window_volume(d->w.out);
    int64_t first = group * d->in_channels;
    const float *x = (const float *)anm_exec_at(e, &d->x) +
                     (image * d->groups * d->in_channels + first) * d->positions;
    const float *weight = (const float *)anm_exec_at(e, &d->weight) +
                          (first * d->out_channels + channel % d->out_channels) * d->taps;
    float *out = (float *)anm_exec_at(e, &d->out) +
                 (image * d->groups * d->out_channels + channel) * volume;
    for (int64_t i = 0; i < volume; i++) out[i] = d->bias ? d->bias[channel] : 0;
    for (int64_t at = 0; at < d->positions; at += d->piece) {
        int64_t n = d->positions - at < d->piece ? d->positions - at : d->piece;
        anm_product p = {.a = weight, .b = x + at, .c = sums, .m = d->taps, .n = n,
                         .k = d->in_channels, .a_row = 1, .a_step = d->out_channels * d->taps,
                         .b_row = d->positions, .c_row = n};
        e->plan->rows->product(&p);
        for (int64_t t = 0; t < d->taps; t++) add_tap(d, sums + t * n, t, at, n, out);
    }
}

static void run_deconv(const anm_step *s, anm_exec *e, int thread, int threads) {
    const deconv_step *d = s->data;
    int64_t channels = d->groups * d->out_channels, from, to;
    anm_share(d->batch * channels, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++)
        run_channel(d, e, i / channels, i % channels, (float *)anm_exec_scratch(e, thread));
}

static bool read_deconv(anm_planner *p, const anm_mil_op *op, deconv_step *d) {
    anm_mil_operand weight = anm_mil_op_operand(op, "weight");
    const anm_mil_type *type = anm_mil_operand_type(weight);
    if (!type || type->rank < 3 || !anm_mil_op_get_int(op, "groups", &d->groups) || d->groups < 1 ||
        !anm_windows_read(op, type->rank - 2, type->shape + 2, &d->w))
        return false;
    d->in_channels = type->shape[0] / d->groups;
    d->out_channels = type->shape[1];
    d->taps = anm_window_volume(d->w.kernel);
    d->positions = anm_window_volume(d->w.in);
    d->weight = anm_lie_constant_floats(p, weight);
    d->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (d->in_channels * d->groups != type->shape[0] || d->x.block < 0 ||
        d->x.view.shape[1] != type->shape[0] ||
        op->outputs[0]->type->shape[1] != d->groups * d->out_channels)
        return false;
    return d->weight.block >= 0 && d->x.block >= 0 && d->x.dtype == ANM_DTYPE_FP32 &&
           anm_constant_bias(p, op, &d->bias);
}

bool anm_build_deconv(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    if (!anm_is_op(op, "conv_transpose") || anm_type_elements(type) < 1) return false;
    deconv_step *d = anm_plan_alloc(p, sizeof *d);
    if (!d || !read_deconv(p, op, d)) return p->status != ANM_OK;
    d->batch = type->shape[0];
    d->piece = SUMS_FLOATS / d->taps / PIECE_LEAST * PIECE_LEAST;
    if (d->piece < PIECE_LEAST) d->piece = PIECE_LEAST;
    if (d->piece > d->positions) d->piece = d->positions;
    d->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (d->out.block < 0) return true;
    anm_step_scratch(p, (size_t)(d->taps * d->piece) * sizeof(float));
    anm_step *s = anm_step_add(p, run_deconv, op->type, d, ANM_BLOCKS(d->x.block),
                               ANM_BLOCKS(d->out.block));
    s->flops = 2u * (uint64_t)(d->batch * d->groups * d->in_channels * d->positions *
                               d->out_channels * d->taps);
    anm_lie_set(p, op->outputs[0], d->out);
    return true;
}

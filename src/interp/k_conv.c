/* SPDX-License-Identifier: MIT */
/*
 * conv and conv_transpose. An output element of conv is one inner product (see dot.h) over its
 * patch, channel by channel; padding contributes zeros. conv_transpose adds contributions in
 * double, input channel by input channel.
 */
#include <string.h>

#include "src/interp/dot.h"
#include "src/interp/window.h"

enum { TILE = 64 }; /* patches gathered at a time */

typedef struct conv {
    const anm_rvalue *x, *weight;
    const float *bias;
    anm_window w;
    int64_t batch, channels_in, channels_out, groups;
} conv;

/* One channel of the patch at output position `o`. */
static float *gather_channel(const anm_window *w, const float *in, const int64_t *o, float *to) {
    for (int64_t a = 0; a < w->kernel[0]; a++)
        for (int64_t b = 0; b < w->kernel[1]; b++)
            for (int64_t c = 0; c < w->kernel[2]; c++) {
                int64_t i = o[0] * w->stride[0] + a * w->dilation[0] - w->before[0];
                int64_t j = o[1] * w->stride[1] + b * w->dilation[1] - w->before[1];
                int64_t l = o[2] * w->stride[2] + c * w->dilation[2] - w->before[2];
                bool inside =
                    i >= 0 && i < w->in[0] && j >= 0 && j < w->in[1] && l >= 0 && l < w->in[2];
                *to++ = inside ? in[(i * w->in[1] + j) * w->in[2] + l] : 0;
            }
    return to;
}

static void gather_patch(const conv *c, const float *in, int64_t position, float *to) {
    const anm_window *w = &c->w;
    int64_t o[ANM_SPATIAL] = {position / (w->out[1] * w->out[2]), position / w->out[2] % w->out[1],
                              position % w->out[2]};
    for (int64_t n = 0; n < c->channels_in / c->groups; n++, in += anm_volume(w->in))
        to = gather_channel(w, in, o, to);
}

/* One group of one image. */
static void convolve(const conv *c, const float *in, anm_rows *rows, const float *bias,
                     float *patches, float *out) {
    int64_t positions = anm_volume(c->w.out), each = c->channels_out / c->groups;
    for (int64_t p = 0; p < positions; p += TILE) {
        int64_t count = positions - p < TILE ? positions - p : TILE;
        for (int64_t n = 0; n < count; n++) gather_patch(c, in, p + n, patches + n * rows->length);
        anm_product(patches, count, rows, each, bias, out + p, 1, positions);
    }
}

static bool read_common(anm_kcall *k, conv *c, bool transposed) {
    c->x = anm_k_arg(k, "x");
    c->weight = anm_k_arg(k, "weight");
    if (!c->x || !c->weight || !anm_window_input(k, c->x, &c->w)) return false;
    const anm_rvalue *bias = anm_k_opt(k, "bias");
    c->batch = c->x->shape[0];
    c->channels_in = c->x->shape[1];
    c->groups = anm_k_int(k, "groups");
    if (k->status != ANM_OK) return false;
    const int64_t *shape = c->weight->shape;
    int64_t taken = transposed ? shape[0] : shape[1] * c->groups;
    c->channels_out = transposed ? shape[1] * c->groups : shape[0];
    if (c->weight->rank != c->x->rank || c->groups < 1 || taken != c->channels_in ||
        c->channels_in % c->groups || c->channels_out % c->groups ||
        (bias && bias->count != c->channels_out)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "x, weight, bias and groups do not fit each other");
        return false;
    }
    for (int i = 0; i < c->w.dims; i++) c->w.kernel[ANM_SPATIAL - c->w.dims + i] = shape[2 + i];
    c->bias = bias ? anm_k_floats(k, bias) : NULL;
    return anm_window_ints(k, "strides", &c->w, c->w.stride) &&
           anm_window_ints(k, "dilations", &c->w, c->w.dilation);
}

static void conv_op(anm_kcall *k) {
    conv c;
    anm_rows rows;
    int64_t shape[ANM_MAX_RANK];
    if (!read_common(k, &c, false) || !anm_window_padding(k, &c.w) ||
        !anm_window_output(k, &c.w, false))
        return;
    const float *in = anm_k_floats(k, c.x);
    int64_t in_size = c.channels_in / c.groups * anm_volume(c.w.in);
    int64_t each = c.channels_out / c.groups;
    int64_t length = c.channels_in / c.groups * anm_volume(c.w.kernel);
    anm_window_shape(&c.w, c.batch, c.channels_out, shape);
    float *out = anm_k_out_floats(k, 0, c.x->rank, shape);
    float *patches = anm_k_scratch(k, TILE * length, sizeof *patches);
    if (!out || !patches || !anm_rows_init(k, &rows, c.weight, length, TILE)) return;
    for (int64_t n = 0; n < c.batch; n++)
        for (int64_t g = 0; g < c.groups; g++) {
            rows.start = g * each * length;
            convolve(&c, in, &rows, c.bias ? c.bias + g * each : NULL, patches, out);
            in += in_size;
            out += each * anm_volume(c.w.out);
        }
}

/* Spreads one input element over one output channel. */
static void scatter_kernel(const anm_window *w, float x, const int64_t *at, const float *weight,
                           double *out) {
    for (int64_t a = 0; a < w->kernel[0]; a++)
        for (int64_t b = 0; b < w->kernel[1]; b++)
            for (int64_t c = 0; c < w->kernel[2]; c++, weight++) {
                int64_t i = at[0] * w->stride[0] + a * w->dilation[0] - w->before[0];
                int64_t j = at[1] * w->stride[1] + b * w->dilation[1] - w->before[1];
                int64_t l = at[2] * w->stride[2] + c * w->dilation[2] - w->before[2];
                if (i >= 0 && i < w->out[0] && j >= 0 && j < w->out[1] && l >= 0 && l < w->out[2])
                    out[(i * w->out[1] + j) * w->out[2] + l] += (double)x * *weight;
            }
}

static void scatter_channel(const anm_window *w, const float *in, const float *weight,
                            double *out) {
    int64_t at[ANM_SPATIAL];
    for (at[0] = 0; at[0] < w->in[0]; at[0]++)
        for (at[1] = 0; at[1] < w->in[1]; at[1]++)
            for (at[2] = 0; at[2] < w->in[2]; at[2]++) scatter_kernel(w, *in++, at, weight, out);
}

/* Output sizes as in TensorFlow; "same" crops what the full result has beyond in * stride. */
static bool transpose_output(anm_kcall *k, conv *c) {
    anm_window *w = &c->w;
    int64_t given[ANM_MAX_RANK];
    const char *type = anm_k_string(k, "pad_type");
    bool same = strncmp(type, "same", 4) == 0, has_shape = anm_k_has(k, "output_shape");
    if (k->status != ANM_OK || (!same && !anm_window_padding(k, w))) return false;
    if (has_shape && !anm_k_ints(k, "output_shape", given, c->x->rank)) return false;
    for (int i = 0; i < ANM_SPATIAL; i++) {
        int used = i - (ANM_SPATIAL - w->dims);
        int64_t full = (w->in[i] - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
        w->out[i] = same ? w->in[i] * w->stride[i] : full - w->before[i] - w->after[i];
        if (has_shape && used >= 0) w->out[i] = given[2 + used];
        int64_t cut = full - w->out[i];
        if (same && cut > 0) w->before[i] = strcmp(type, "same") ? cut - cut / 2 : cut / 2;
        if (w->out[i] < 1) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "the output would have %lld elements on an axis",
                       (long long)w->out[i]);
            return false;
        }
    }
    return true;
}

static void transpose_image(const conv *c, const float *in, const float *weight, double *acc,
                            float *out) {
    int64_t each = c->channels_out / c->groups, taken = c->channels_in / c->groups;
    int64_t area = anm_volume(c->w.out), kernel = anm_volume(c->w.kernel);
    for (int64_t o = 0; o < c->channels_out; o++, out += area) {
        int64_t g = o / each;
        for (int64_t p = 0; p < area; p++) acc[p] = 0;
        for (int64_t i = g * taken; i < (g + 1) * taken; i++)
            scatter_channel(&c->w, in + i * anm_volume(c->w.in),
                            weight + (i * each + o % each) * kernel, acc);
        for (int64_t p = 0; p < area; p++) out[p] = (float)acc[p] + (c->bias ? c->bias[o] : 0);
    }
}

static void conv_transpose(anm_kcall *k) {
    conv c;
    int64_t shape[ANM_MAX_RANK];
    if (!read_common(k, &c, true) || !transpose_output(k, &c)) return;
    anm_window_shape(&c.w, c.batch, c.channels_out, shape);
    const float *in = anm_k_floats(k, c.x), *weight = anm_k_floats(k, c.weight);
    float *out = anm_k_out_floats(k, 0, c.x->rank, shape);
    double *acc = out ? anm_k_scratch(k, anm_volume(c.w.out), sizeof *acc) : NULL;
    for (int64_t n = 0; acc && n < c.batch; n++)
        transpose_image(&c, in + n * c.channels_in * anm_volume(c.w.in), weight, acc,
                        out + n * c.channels_out * anm_volume(c.w.out));
}

const anm_kernel anm_kernels_conv[] = {
    {"conv", conv_op, 0, NULL},
    {"conv_transpose", conv_transpose, 0, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/* What convolution and pooling have in common: where windows lie. */
#include "src/cpu/step_window.h"

#include <string.h>

static bool read_sizes(const anm_mil_op *op, const char *name, int dims, int64_t *to) {
    int64_t values[ANM_WINDOW_AXES];
    int count = dims;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) return true; /* ones */
    if (!anm_mil_op_get_ints(op, name, values, ANM_WINDOW_AXES, &count) || count != dims)
        return false;
    for (int i = 0; i < dims; i++) {
        if (values[i] < 1) return false;
        to[ANM_WINDOW_AXES - dims + i] = values[i];
    }
    return true;
}

/* What windows reach over beyond the input; of a transposed convolution, beyond the output. */
static int64_t excess(const anm_windows *w, int i, bool transposed) {
    int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
    return transposed ? (w->in[i] - 1) * w->stride[i] + extent - w->out[i]
                      : (w->out[i] - 1) * w->stride[i] + extent - w->in[i];
}

/* The odd element of "same" goes behind, of "same_lower" before. */
static void pad_same(anm_windows *w, bool lower, bool transposed) {
    for (int i = 0; i < ANM_WINDOW_AXES; i++) {
        int64_t total = excess(w, i, transposed);
        if (total < 0) total = 0;
        w->before[i] = lower ? total - total / 2 : total / 2;
        w->after[i] = total - w->before[i];
    }
}

static bool read_padding(const anm_mil_op *op, int dims, anm_windows *w) {
    const char *type;
    int64_t pad[2 * ANM_WINDOW_AXES];
    int count = 2 * dims;
    if (!anm_mil_op_get_string(op, "pad_type", &type)) return false;
    if (strcmp(type, "valid") == 0) return true;
    if (strncmp(type, "same", 4) == 0) {
        pad_same(w, strcmp(type, "same_lower") == 0, anm_is_op(op, "conv_transpose"));
        return true;
    }
    if (!anm_mil_op_get_ints(op, "pad", pad, count, &count) || count != 2 * dims) return false;
    for (int i = 0; i < dims; i++) {
        if (pad[2 * i] < 0 || pad[2 * i + 1] < 0) return false;
        w->before[ANM_WINDOW_AXES - dims + i] = pad[2 * i];
        w->after[ANM_WINDOW_AXES - dims + i] = pad[2 * i + 1];
    }
    return true;
}

bool anm_windows_read(const anm_mil_op *op, int dims, const int64_t *kernel, anm_windows *w) {
    const anm_mil_type *in = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    const anm_mil_type *out = op->outputs[0]->type;
    *w = (anm_windows){0};
    if (dims < 1 || dims > ANM_WINDOW_AXES || in->rank != dims + 2 || out->rank != dims + 2)
        return false;
    for (int i = 0; i < ANM_WINDOW_AXES; i++) {
        int at = i - (ANM_WINDOW_AXES - dims);
        w->in[i] = at < 0 ? 1 : in->shape[2 + at];
        w->out[i] = at < 0 ? 1 : out->shape[2 + at];
        w->kernel[i] = at < 0 ? 1 : kernel[at];
        w->stride[i] = w->dilation[i] = 1;
    }
    if (!read_sizes(op, "strides", dims, w->stride)) return false;
    bool dilated = anm_is_op(op, "conv") || anm_is_op(op, "conv_transpose");
    if (dilated && !read_sizes(op, "dilations", dims, w->dilation)) return false;
    return read_padding(op, dims, w);
}

bool anm_constant_bias(anm_planner *p, const anm_mil_op *op, const float **out) {
    *out = NULL;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, "bias"))) return true;
    anm_lie bias = anm_arg_lie(p, op, "bias");
    if (bias.block < 0 || bias.dtype != ANM_DTYPE_FP32 ||
        anm_view_elements(&bias.view) != op->outputs[0]->type->shape[1])
        return false;
    *out = p->blocks.data[bias.block].data;
    return p->blocks.data[bias.block].place == ANM_PLACE_CONST;
}

/* SPDX-License-Identifier: MIT */
/* What convolution and pooling have in common: where windows lie. */
#include "src/cpu/step_window.h"

#include <string.h>

static bool read_sizes(const anm_mil_op *op, const char *name, int dims, int64_t *to) {
    int64_t values[2];
    int count = dims;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) return true; /* ones */
    if (!anm_mil_op_get_ints(op, name, values, 2, &count) || count != dims) return false;
    for (int i = 0; i < dims; i++) {
        if (values[i] < 1) return false;
        to[2 - dims + i] = values[i];
    }
    return true;
}

/* The odd element of "same" goes behind, of "same_lower" before. */
static void pad_same(anm_windows *w, bool lower) {
    for (int i = 0; i < 2; i++) {
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        int64_t total = (w->out[i] - 1) * w->stride[i] + extent - w->in[i];
        if (total < 0) total = 0;
        w->before[i] = lower ? total - total / 2 : total / 2;
        w->after[i] = total - w->before[i];
    }
}

static bool read_padding(const anm_mil_op *op, int dims, anm_windows *w) {
    const char *type;
    int64_t pad[4];
    int count = 2 * dims;
    if (!anm_mil_op_get_string(op, "pad_type", &type)) return false;
    if (strcmp(type, "valid") == 0) return true;
    if (strncmp(type, "same", 4) == 0) {
        pad_same(w, strcmp(type, "same_lower") == 0);
        return true;
    }
    if (!anm_mil_op_get_ints(op, "pad", pad, 4, &count) || count != 2 * dims) return false;
    for (int i = 0; i < dims; i++) {
        if (pad[2 * i] < 0 || pad[2 * i + 1] < 0) return false;
        w->before[2 - dims + i] = pad[2 * i];
        w->after[2 - dims + i] = pad[2 * i + 1];
    }
    return true;
}

bool anm_windows_read(const anm_mil_op *op, int dims, const int64_t *kernel, anm_windows *w) {
    const anm_mil_type *in = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    const anm_mil_type *out = op->outputs[0]->type;
    *w = (anm_windows){.in = {1, 1}, .out = {1, 1}, .kernel = {1, 1}, .stride = {1, 1},
                       .dilation = {1, 1}};
    if (dims < 1 || dims > 2 || in->rank != dims + 2 || out->rank != dims + 2) return false;
    for (int i = 0; i < dims; i++) {
        w->in[2 - dims + i] = in->shape[2 + i];
        w->out[2 - dims + i] = out->shape[2 + i];
        w->kernel[2 - dims + i] = kernel[i];
    }
    if (!read_sizes(op, "strides", dims, w->stride)) return false;
    bool dilated = anm_is_op(op, "conv");
    if (dilated && !read_sizes(op, "dilations", dims, w->dilation)) return false;
    return read_padding(op, dims, w);
}

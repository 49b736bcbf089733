/* SPDX-License-Identifier: MIT */
#include "src/interp/window.h"

#include <string.h>

bool anm_window_input(anm_kcall *k, const anm_rvalue *x, anm_window *w) {
    *w = (anm_window){.dims = x->rank - 2};
    if (x->list || w->dims < 1 || w->dims > ANM_SPATIAL) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "x has rank %d instead of 3 to 5", x->rank);
        return false;
    }
    for (int i = 0; i < ANM_SPATIAL; i++)
        w->in[i] = w->out[i] = w->kernel[i] = w->stride[i] = w->dilation[i] = 1;
    for (int i = 0; i < w->dims; i++) w->in[ANM_SPATIAL - w->dims + i] = x->shape[2 + i];
    return true;
}

bool anm_window_ints(anm_kcall *k, const char *name, const anm_window *w, int64_t *to) {
    int64_t values[ANM_SPATIAL];
    if (!anm_k_ints(k, name, values, w->dims)) return false;
    for (int i = 0; i < w->dims; i++) {
        if (values[i] < 1 || values[i] > INT32_MAX) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "%s holds %lld", name, (long long)values[i]);
            return false;
        }
        to[ANM_SPATIAL - w->dims + i] = values[i];
    }
    return true;
}

static int64_t extent(const anm_window *w, int i) {
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

/* So much padding that ceil(in / stride) windows fit; the odd element goes after, or before. */
static void pad_same(anm_window *w, bool lower) {
    for (int i = 0; i < ANM_SPATIAL; i++) {
        int64_t windows = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t total = (windows - 1) * w->stride[i] + extent(w, i) - w->in[i];
        if (total < 0) total = 0;
        w->before[i] = lower ? total - total / 2 : total / 2;
        w->after[i] = total - w->before[i];
    }
}

static bool pad_custom(anm_kcall *k, anm_window *w) {
    int64_t pad[2 * ANM_SPATIAL];
    if (!anm_k_ints(k, "pad", pad, 2 * w->dims)) return false;
    for (int i = 0; i < w->dims; i++) {
        int at = ANM_SPATIAL - w->dims + i;
        w->before[at] = pad[2 * i];
        w->after[at] = pad[2 * i + 1];
        if (pad[2 * i] < 0 || pad[2 * i + 1] < 0) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "padding is negative");
            return false;
        }
    }
    return true;
}

bool anm_window_padding(anm_kcall *k, anm_window *w) {
    const char *type = anm_k_string(k, "pad_type");
    if (k->status != ANM_OK) return false;
    if (strcmp(type, "valid") == 0) return true;
    if (strcmp(type, "custom") == 0) return pad_custom(k, w);
    if (strcmp(type, "same") != 0 && strcmp(type, "same_lower") != 0) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "pad_type \"%s\" is unknown", type);
        return false;
    }
    pad_same(w, strcmp(type, "same_lower") == 0);
    return true;
}

bool anm_window_output(anm_kcall *k, anm_window *w, bool ceil_mode) {
    for (int i = 0; i < ANM_SPATIAL; i++) {
        int64_t room = w->in[i] + w->before[i] + w->after[i] - extent(w, i);
        if (room < 0) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "a window of %lld does not fit %lld elements",
                       (long long)extent(w, i), (long long)(room + extent(w, i)));
            return false;
        }
        w->out[i] = (room + (ceil_mode ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
        /* The last window must start within the input or its leading padding. */
        bool padded = w->before[i] + w->after[i] > 0;
        if (ceil_mode && padded && (w->out[i] - 1) * w->stride[i] >= w->in[i] + w->before[i])
            w->out[i]--;
    }
    return true;
}

void anm_window_shape(const anm_window *w, int64_t n, int64_t c, int64_t *shape) {
    shape[0] = n;
    shape[1] = c;
    for (int i = 0; i < w->dims; i++) shape[2 + i] = w->out[ANM_SPATIAL - w->dims + i];
}

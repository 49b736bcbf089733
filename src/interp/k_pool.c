/* SPDX-License-Identifier: MIT */
/*
 * Pooling. Padding takes no part in max_pool; in avg_pool it counts in the divisor unless
 * excluded, but what ceil_mode adds beyond the padding never does.
 */
#include <math.h>

#include "src/interp/window.h"

enum { AVERAGE, L2, MAXIMUM };

/* First and last position of a window on axis i, within the input; and within the padding. */
typedef struct range {
    int64_t first, last, padded;
} range;

static range window_range(const anm_window *w, int i, int64_t o) {
    int64_t start = o * w->stride[i] - w->before[i], end = start + w->kernel[i];
    int64_t limit = w->in[i] + w->after[i];
    range r = {start < 0 ? 0 : start, end > w->in[i] ? w->in[i] : end,
               (end > limit ? limit : end) - start};
    return r;
}

static float pool_window(const anm_window *w, const float *in, const range *r, int variant,
                         bool exclude) {
    double sum = 0, top = -INFINITY;
    int64_t n = 0;
    for (int64_t a = r[0].first; a < r[0].last; a++)
        for (int64_t b = r[1].first; b < r[1].last; b++)
            for (int64_t c = r[2].first; c < r[2].last; c++, n++) {
                float x = in[(a * w->in[1] + b) * w->in[2] + c];
                sum += variant == L2 ? (double)x * x : x;
                if (x > top || isnan(x)) top = x;
            }
    if (variant == MAXIMUM) return (float)top;
    if (variant == L2) return (float)sqrt(sum);
    if (!exclude) n = r[0].padded * r[1].padded * r[2].padded;
    return n > 0 ? (float)(sum / (double)n) : 0;
}

static void pool_plane(const anm_window *w, const float *in, int variant, bool exclude,
                       float *out) {
    range r[ANM_SPATIAL];
    for (int64_t a = 0; a < w->out[0]; a++)
        for (int64_t b = 0; b < w->out[1]; b++)
            for (int64_t c = 0; c < w->out[2]; c++) {
                r[0] = window_range(w, 0, a);
                r[1] = window_range(w, 1, b);
                r[2] = window_range(w, 2, c);
                *out++ = pool_window(w, in, r, variant, exclude);
            }
}

static void pool(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    anm_window w;
    int64_t shape[ANM_MAX_RANK];
    if (!x || !anm_window_input(k, x, &w) || !anm_window_ints(k, "kernel_sizes", &w, w.kernel) ||
        !anm_window_ints(k, "strides", &w, w.stride) || !anm_window_padding(k, &w))
        return;
    int variant = k->kernel->variant;
    bool exclude = variant == AVERAGE && anm_k_bool(k, "exclude_padding_from_average");
    if (!anm_window_output(k, &w, anm_k_bool(k, "ceil_mode"))) return;
    anm_window_shape(&w, x->shape[0], x->shape[1], shape);
    const float *in = anm_k_floats(k, x);
    float *out = anm_k_out_floats(k, 0, x->rank, shape);
    for (int64_t n = 0; out && n < x->shape[0] * x->shape[1]; n++)
        pool_plane(&w, in + n * anm_volume(w.in), variant, exclude, out + n * anm_volume(w.out));
}

const anm_kernel anm_kernels_pool[] = {
    {"avg_pool", pool, AVERAGE, NULL},
    {"l2_pool", pool, L2, NULL},
    {"max_pool", pool, MAXIMUM, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Resizing of the last axes: upsample_*, resize_*, resize. Interpolation is linear, one axis
 * after the other, in fp32.
 */
#include <math.h>
#include <string.h>

#include "src/interp/grid.h"

bool anm_grid_find(const char *name, anm_grid *out) {
    static const char *const names[] = {"STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT",
                                        "OFFSET_CORNERS", "UNALIGN_CORNERS"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (anm_grid)i;
        return true;
    }
    return false;
}

anm_grid anm_grid_named(anm_kcall *k, const char *name) {
    anm_grid grid = ANM_GRID_DEFAULT;
    if (!anm_grid_find(name, &grid))
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "sampling mode \"%s\" is unknown", name);
    return grid;
}

double anm_grid_point(anm_grid grid, int64_t i, int64_t n, double length) {
    double at = (double)i, out = (double)n, spacing;
    switch (grid) {
    case ANM_GRID_ALIGN_CORNERS:
        if (n == 1) return (length - 1) / 2;
        return at * (length - 1) / (out - 1);
    case ANM_GRID_STRICT_ALIGN_CORNERS: return n == 1 ? 0 : at * (length - 1) / (out - 1);
    case ANM_GRID_DEFAULT: return n == 1 ? 0 : at * length / out;
    case ANM_GRID_OFFSET_CORNERS:
        spacing = (length - 1 > 1 ? length - 1 : 1) / out;
        return 0.5 * spacing + at * spacing;
    default: return (at + 0.5) * length / out - 0.5;
    }
}

anm_tap anm_tap_at(double point, int64_t length) {
    double top = (double)length - 1;
    double p = point < 0 ? 0 : point > top ? top : isnan(point) ? 0 : point;
    anm_tap tap = {.low = (int64_t)p};
    tap.high = tap.low + 1 < length ? tap.low + 1 : tap.low;
    tap.weight = (float)(p - (double)tap.low);
    return tap;
}

/* One tap per output position of an axis. */
static void linear_taps(anm_grid grid, int64_t from, int64_t to, anm_tap *taps) {
    for (int64_t i = 0; i < to; i++)
        taps[i] = anm_tap_at(anm_grid_point(grid, i, to, (double)from), from);
}

/* Resizes axis `axis` of `in` (shape) to n positions; `out` has room. */
static void resize_axis(const float *in, int rank, const int64_t *shape, int axis, int64_t n,
                        const anm_tap *taps, float *out) {
    int64_t outer = anm_shape_product(shape, 0, axis);
    int64_t inner = anm_shape_product(shape, axis + 1, rank);
    for (int64_t o = 0; o < outer; o++, in += shape[axis] * inner)
        for (int64_t p = 0; p < n; p++)
            for (int64_t i = 0; i < inner; i++) {
                float a = in[taps[p].low * inner + i], b = in[taps[p].high * inner + i];
                /* A weight of 0 takes no part, so that infinities do not spread. */
                *out++ = taps[p].weight == 0 ? a : a + (b - a) * taps[p].weight;
            }
}

/* Resizes the last `axes` axes of x to target[], each by its own taps, first axis first. */
static void resize_axes(anm_kcall *k, const anm_rvalue *x, int axes, const int64_t *target,
                        anm_tap *const *taps) {
    int64_t shape[ANM_MAX_RANK];
    memcpy(shape, x->shape, sizeof shape);
    const float *in = anm_k_floats(k, x);
    for (int i = 0; i < axes && in; i++) {
        int axis = x->rank - axes + i;
        int64_t before[ANM_MAX_RANK];
        memcpy(before, shape, sizeof before);
        shape[axis] = target[i];
        int64_t count = anm_value_count(x->rank, shape);
        float *out = i == axes - 1 ? anm_k_out_floats(k, 0, x->rank, shape)
                                   : anm_k_scratch(k, count, sizeof *out);
        if (out) resize_axis(in, x->rank, before, axis, target[i], taps[i], out);
        in = out;
    }
}

static bool resizable(anm_kcall *k, const anm_rvalue *x, int axes, const int64_t *target) {
    bool good = x->rank >= axes && !x->list && axes > 0;
    for (int i = 0; good && i < axes; i++)
        good = x->shape[x->rank - axes + i] > 0 && target[i] > 0 &&
               target[i] <= ANM_VALUE_MAX_ELEMENTS;
    if (!good) anm_k_fail(k, ANM_ERROR_MISMATCH, "cannot resize the last %d axes", axes);
    return good;
}

static void resize_linear(anm_kcall *k, const anm_rvalue *x, anm_grid grid, int axes,
                          const int64_t *target) {
    anm_tap *taps[ANM_MAX_RANK];
    if (!resizable(k, x, axes, target)) return;
    for (int i = 0; i < axes; i++) {
        taps[i] = anm_k_scratch(k, target[i], sizeof **taps);
        if (!taps[i]) return;
        linear_taps(grid, x->shape[x->rank - axes + i], target[i], taps[i]);
    }
    resize_axes(k, x, axes, target, taps);
}

/* floor(i * from / to), the element whose stretch the output's left edge falls into. */
static void resize_nearest(anm_kcall *k, const anm_rvalue *x, int axes, const int64_t *target) {
    anm_tap *taps[ANM_MAX_RANK];
    if (!resizable(k, x, axes, target)) return;
    for (int i = 0; i < axes; i++) {
        int64_t from = x->shape[x->rank - axes + i];
        taps[i] = anm_k_scratch(k, target[i], sizeof **taps);
        if (!taps[i]) return;
        for (int64_t p = 0; p < target[i]; p++)
            taps[i][p] = (anm_tap){.low = p * from / target[i], .high = p * from / target[i]};
    }
    resize_axes(k, x, axes, target, taps);
}

/* floor(size * factor) of the last two axes. */
static bool scaled_size(anm_kcall *k, const anm_rvalue *x, int64_t *target) {
    double factor[2] = {anm_k_float(k, "scale_factor_height"),
                        anm_k_float(k, "scale_factor_width")};
    for (int i = 0; i < 2 && k->status == ANM_OK; i++) {
        double size = x->rank >= 2 ? floor((double)x->shape[x->rank - 2 + i] * factor[i]) : 0;
        if (size >= 1 && size <= (double)ANM_VALUE_MAX_ELEMENTS) target[i] = (int64_t)size;
        else anm_k_fail(k, ANM_ERROR_MISMATCH, "scale factor %g is not usable", factor[i]);
    }
    return k->status == ANM_OK;
}

static void upsample_nearest(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t target[2];
    if (x && scaled_size(k, x, target)) resize_nearest(k, x, 2, target);
}

/* half_pixel_centers false without align_corners: TensorFlow's old grid. */
static void upsample_bilinear(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t target[2];
    bool corners = anm_k_bool(k, "align_corners"), centers = !corners;
    if (anm_k_has(k, "half_pixel_centers")) centers = anm_k_bool(k, "half_pixel_centers");
    if (!x || !scaled_size(k, x, target)) return;
    if (corners && centers) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "align_corners together with half_pixel_centers");
        return;
    }
    resize_linear(k, x,
                  corners   ? ANM_GRID_STRICT_ALIGN_CORNERS
                  : centers ? ANM_GRID_UNALIGN_CORNERS
                            : ANM_GRID_DEFAULT,
                  2, target);
}

static void resize_to_size(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t target[2] = {anm_k_int(k, "target_size_height"), anm_k_int(k, "target_size_width")};
    if (!x || k->status != ANM_OK) return;
    if (k->kernel->variant) {
        anm_grid grid = anm_grid_named(k, anm_k_string(k, "sampling_mode"));
        if (k->status == ANM_OK) resize_linear(k, x, grid, 2, target);
    } else resize_nearest(k, x, 2, target);
}

/* The nearest point of the grid; halfway goes down. */
static void resize_nearest_grid(anm_kcall *k, const anm_rvalue *x, anm_grid grid, int axes,
                                const int64_t *target) {
    anm_tap *taps[ANM_MAX_RANK];
    if (!resizable(k, x, axes, target)) return;
    for (int i = 0; i < axes; i++) {
        int64_t from = x->shape[x->rank - axes + i];
        taps[i] = anm_k_scratch(k, target[i], sizeof **taps);
        if (!taps[i]) return;
        for (int64_t p = 0; p < target[i]; p++) {
            double point = anm_grid_point(grid, p, target[i], (double)from);
            anm_tap tap = anm_tap_at(ceil(point - 0.5), from);
            taps[i][p] = (anm_tap){.low = tap.low, .high = tap.low};
        }
    }
    resize_axes(k, x, axes, target, taps);
}

static void resize(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t shape[ANM_MAX_RANK], resized = anm_k_int(k, "resized_dims");
    int n = anm_k_int_list(k, "shape", shape, ANM_MAX_RANK);
    const char *mode = anm_k_string(k, "interpolation_mode");
    if (!x || n < 0 || k->status != ANM_OK) return;
    anm_grid grid = anm_grid_named(k, anm_k_string(k, "sampling_mode"));
    if (resized < 1 || resized > n || resized > x->rank) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "resized_dims is %lld", (long long)resized);
        return;
    }
    int64_t *target = shape + (n - resized);
    for (int i = 0; i < resized; i++)
        if (target[i] == 0) target[i] = x->shape[x->rank - resized + i];
    if (k->status != ANM_OK) return;
    if (strcmp(mode, "LINEAR") == 0) resize_linear(k, x, grid, (int)resized, target);
    else if (strcmp(mode, "NEAREST_NEIGHBOR") != 0)
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "interpolation mode \"%s\" is unknown", mode);
    else if (grid == ANM_GRID_DEFAULT) resize_nearest(k, x, (int)resized, target);
    else resize_nearest_grid(k, x, grid, (int)resized, target);
}

const anm_kernel anm_kernels_resize[] = {
    {"resize", resize, 0, NULL},
    {"resize_bilinear", resize_to_size, 1, NULL},
    {"resize_nearest_neighbor", resize_to_size, 0, NULL},
    {"upsample_bilinear", upsample_bilinear, 0, NULL},
    {"upsample_nearest_neighbor", upsample_nearest, 0, NULL},
    {NULL, NULL, 0, NULL},
};

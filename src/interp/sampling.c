/* SPDX-License-Identifier: MIT */
#include "src/interp/sampling.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* crop_resize. */

bool anm_crop_set_mode(anm_crop *crop, const char *mode) {
    static const char *const modes[] = {"CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST",
                                        "CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(mode, modes[i]) != 0) continue;
        crop->width_first = i % 2 != 0;
        crop->by_center = i >= 2;
        return true;
    }
    return false;
}

anm_box anm_crop_box(const anm_crop *crop, const float *v, int64_t height, int64_t width) {
    double a[4] = {v[0], v[1], v[2], v[3]};
    if (crop->width_first) a[0] = v[1], a[1] = v[0], a[2] = v[3], a[3] = v[2];
    anm_box b = {a[0], a[1], a[2], a[3]};
    if (crop->by_center)
        b = (anm_box){a[0] - a[2] / 2, a[1] - a[3] / 2, a[0] + a[2] / 2, a[1] + a[3] / 2};
    double sy = crop->scale * (crop->normalized ? (double)(height - 1) : 1);
    double sx = crop->scale * (crop->normalized ? (double)(width - 1) : 1);
    return (anm_box){b.y0 * sy, b.x0 * sx, b.y1 * sy, b.x1 * sx};
}

static double pixel(anm_plane p, double y, double x, double pad) {
    if (!(y >= 0 && y <= (double)(p.height - 1) && x >= 0 && x <= (double)(p.width - 1)))
        return pad;
    anm_tap v = anm_tap_at(y, p.height), h = anm_tap_at(x, p.width);
    double top = p.data[v.low * p.width + h.low] * (1.0 - h.weight) +
                 p.data[v.low * p.width + h.high] * (double)h.weight;
    double bottom = p.data[v.high * p.width + h.low] * (1.0 - h.weight) +
                    p.data[v.high * p.width + h.high] * (double)h.weight;
    return top * (1.0 - v.weight) + bottom * (double)v.weight;
}

static double box_point(anm_grid grid, double first, double last, int64_t i, int64_t n) {
    return first + anm_grid_point(grid, i, n, last - first + 1);
}

void anm_crop_row(const anm_crop *crop, anm_plane plane, anm_box box, int64_t i, float *out) {
    double y = box_point(crop->grid, box.y0, box.y1, i, crop->height);
    for (int64_t j = 0; j < crop->width; j++)
        out[j] = (float)pixel(plane, y, box_point(crop->grid, box.x0, box.x1, j, crop->width),
                              crop->pad);
}

/* resample and affine. */

static int named(const char *text, const char *const *names, int n) {
    int i = 0;
    while (i < n && strcasecmp(text, names[i]) != 0) i++;
    return i < n ? i : -1;
}

const char *anm_sampling_set(anm_sampling *s, const char *sampling_mode, const char *padding_mode,
                             const char *coordinates_mode) {
    static const char *const modes[] = {"bilinear", "nearest"};
    static const char *const paddings[] = {"constant", "border", "reflection", "symmetric"};
    static const char *const coordinates[] = {"unnormalized", "normalized_minus_one_to_one",
                                              "normalized_zero_to_one"};
    int mode = named(sampling_mode, modes, 2), padding = named(padding_mode, paddings, 4);
    int place = named(coordinates_mode, coordinates, 3);
    s->nearest = mode == 1;
    s->padding = padding > 0 ? (anm_sample_padding)padding : ANM_PADDING_CONSTANT;
    s->coordinates = place > 0 ? (anm_sample_coordinates)place : ANM_COORDINATES_PIXELS;
    return mode < 0      ? "sampling_mode"
           : padding < 0 ? "padding_mode"
           : place < 0   ? "coordinates_mode"
                         : NULL;
}

/* A normalised coordinate in pixels. */
static double to_pixels(const anm_sampling *s, double at, int64_t n) {
    if (s->coordinates == ANM_COORDINATES_PIXELS) return at;
    double unit = s->coordinates == ANM_COORDINATES_ZERO_TO_ONE ? at : (at + 1) / 2;
    return s->align_corners ? unit * (double)(n - 1) : unit * (double)n - 0.5;
}

/* A pixel's number within the image, or -1 outside of it. */
static int64_t resolve(const anm_sampling *s, double at, int64_t n) {
    if (!(fabs(at) < 0x1p52))
        return s->padding == ANM_PADDING_CONSTANT || isnan(at) ? -1 : at < 0 ? 0 : n - 1;
    int64_t i = (int64_t)at;
    if (i >= 0 && i < n) return i;
    if (s->padding == ANM_PADDING_CONSTANT) return -1;
    if (s->padding == ANM_PADDING_BORDER || n == 1) return i < 0 ? 0 : n - 1;
    bool reflection = s->padding == ANM_PADDING_REFLECTION;
    int64_t period = reflection ? 2 * (n - 1) : 2 * n, r = (i % period + period) % period;
    return r < n ? r : reflection ? period - r : period - 1 - r;
}

static double fetch(const anm_sampling *s, anm_plane p, double y, double x) {
    int64_t i = resolve(s, y, p.height), j = resolve(s, x, p.width);
    return i < 0 || j < 0 ? s->pad : p.data[i * p.width + j];
}

float anm_sampling_at(const anm_sampling *s, anm_plane p, double row, double column) {
    double y = to_pixels(s, row, p.height), x = to_pixels(s, column, p.width);
    if (s->nearest) return (float)fetch(s, p, rint(y), rint(x));
    double y0 = floor(y), x0 = floor(x), fy = y - y0, fx = x - x0;
    double top = fetch(s, p, y0, x0) * (1 - fx);
    if (fx > 0) top += fetch(s, p, y0, x0 + 1) * fx;
    if (fy == 0) return (float)top;
    double bottom = fetch(s, p, y0 + 1, x0) * (1 - fx);
    if (fx > 0) bottom += fetch(s, p, y0 + 1, x0 + 1) * fx;
    return (float)(top * (1 - fy) + bottom * fy);
}

/* The output's own coordinates are normalised to -1 .. 1 from corner to corner. */
static double unit_position(int64_t i, int64_t n) {
    return n > 1 ? 2.0 * (double)i / (double)(n - 1) - 1 : 0;
}

void anm_affine_place(const float *m, int64_t i, int64_t j, int64_t height, int64_t width,
                      double *y, double *x) {
    double u = unit_position(j, width), v = unit_position(i, height);
    *y = m[3] * u + m[4] * v + m[5];
    *x = m[0] * u + m[1] * v + m[2];
}

/* SPDX-License-Identifier: MIT */
/* Sampling images at computed places: crop_resize, resample, affine. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "src/interp/grid.h"

/* crop_resize. */

typedef struct crop_options {
    anm_grid grid;
    int64_t height, width;
    bool normalized;
    double scale, pad;
    const char *mode;
} crop_options;

typedef struct box {
    double y0, x0, y1, x1; /* first and last pixel's centre */
} box;

/* The four numbers of a box in the order that the mode names. */
static box read_box(const crop_options *o, const float *v, int64_t height, int64_t width) {
    bool width_first = strstr(o->mode, "WIDTH_FIRST") != NULL;
    double a[4] = {v[0], v[1], v[2], v[3]};
    if (width_first) a[0] = v[1], a[1] = v[0], a[2] = v[3], a[3] = v[2];
    box b = {a[0], a[1], a[2], a[3]};
    if (strncmp(o->mode, "CENTER", 6) == 0)
        b = (box){a[0] - a[2] / 2, a[1] - a[3] / 2, a[0] + a[2] / 2, a[1] + a[3] / 2};
    double sy = o->scale * (o->normalized ? (double)(height - 1) : 1);
    double sx = o->scale * (o->normalized ? (double)(width - 1) : 1);
    return (box){b.y0 * sy, b.x0 * sx, b.y1 * sy, b.x1 * sx};
}

static double pixel(const float *plane, int64_t height, int64_t width, double y, double x,
                    double pad) {
    if (!(y >= 0 && y <= (double)(height - 1) && x >= 0 && x <= (double)(width - 1))) return pad;
    anm_tap v = anm_tap_at(y, height), h = anm_tap_at(x, width);
    double top = plane[v.low * width + h.low] * (1.0 - h.weight) +
                 plane[v.low * width + h.high] * (double)h.weight;
    double bottom = plane[v.high * width + h.low] * (1.0 - h.weight) +
                    plane[v.high * width + h.high] * (double)h.weight;
    return top * (1.0 - v.weight) + bottom * (double)v.weight;
}

static double box_point(anm_grid grid, double first, double last, int64_t i, int64_t n) {
    return first + anm_grid_point(grid, i, n, last - first + 1);
}

static void crop_plane(const crop_options *o, const float *plane, int64_t height, int64_t width,
                       box b, float *out) {
    for (int64_t i = 0; i < o->height; i++)
        for (int64_t j = 0; j < o->width; j++)
            *out++ =
                (float)pixel(plane, height, width, box_point(o->grid, b.y0, b.y1, i, o->height),
                             box_point(o->grid, b.x0, b.x1, j, o->width), o->pad);
}

static bool crop_arguments(anm_kcall *k, crop_options *o) {
    static const char *const modes[] = {"CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST",
                                        "CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST"};
    bool known = false;
    o->height = anm_k_int(k, "target_height");
    o->width = anm_k_int(k, "target_width");
    o->normalized = anm_k_bool(k, "normalized_coordinates");
    o->scale = anm_k_float(k, "spatial_scale");
    o->mode = anm_k_string(k, "box_coordinate_mode");
    o->grid = anm_grid_named(k, anm_k_string(k, "sampling_mode"));
    o->pad = anm_k_has(k, "pad_value") ? anm_k_float(k, "pad_value") : 0;
    for (int i = 0; i < 4; i++) known = known || strcmp(o->mode, modes[i]) == 0;
    if (!known) anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "box mode \"%s\" is unknown", o->mode);
    if (o->height < 1 || o->width < 1) anm_k_fail(k, ANM_ERROR_MISMATCH, "the target is empty");
    return k->status == ANM_OK;
}

/* All channels of image `b`, cropped. */
static float *crop_image(const crop_options *o, const anm_rvalue *x, const float *in, int64_t b,
                         const float *numbers, float *out) {
    int64_t c = x->shape[1], h = x->shape[2], w = x->shape[3];
    box where = read_box(o, numbers, h, w);
    for (int64_t n = 0; n < c; n++, out += o->height * o->width)
        crop_plane(o, in + (b * c + n) * h * w, h, w, where, out);
    return out;
}

/* iOS 17: boxes [N, 4] and the image that each belongs to; the result has no batch axis. */
static void crop_boxes(anm_kcall *k, const crop_options *o, const anm_rvalue *x) {
    const anm_rvalue *boxes = anm_k_arg(k, "boxes"), *index = anm_k_opt(k, "box_indices");
    const float *in = anm_k_floats(k, x), *b = boxes ? anm_k_floats(k, boxes) : NULL;
    const int32_t *which = index ? anm_k_int32s(k, index) : NULL;
    if (k->status != ANM_OK) return;
    if (boxes->rank != 2 || boxes->shape[1] != 4 || (index && index->count != boxes->shape[0])) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "boxes and box_indices do not fit each other");
        return;
    }
    int64_t n = boxes->shape[0], shape[4] = {n, x->shape[1], o->height, o->width};
    float *out = anm_k_out_floats(k, 0, 4, shape);
    for (int64_t i = 0; out && i < n; i++) {
        int64_t image = which ? which[i] : i;
        if (image < 0 || image >= x->shape[0]) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "box %lld is of image %lld", (long long)i,
                       (long long)image);
            return;
        }
        out = crop_image(o, x, in, image, b + 4 * i, out);
    }
}

/* iOS 15: roi [N, 1, 4 or 5, 1, 1]; with 4 numbers each box applies to every image. */
static void crop_regions(anm_kcall *k, const crop_options *o, const anm_rvalue *x) {
    const anm_rvalue *roi = anm_k_arg(k, "roi");
    const float *in = anm_k_floats(k, x), *r = roi ? anm_k_floats(k, roi) : NULL;
    if (k->status != ANM_OK) return;
    int64_t n = roi->rank == 5 ? roi->shape[0] : 0, each = n ? roi->count / n : 0;
    if (roi->rank != 5 || (n && each != 4 && each != 5)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "roi must have shape [N, 1, 4 or 5, 1, 1]");
        return;
    }
    int64_t images = each == 5 ? 1 : x->shape[0];
    int64_t shape[5] = {n, images, x->shape[1], o->height, o->width};
    float *out = anm_k_out_floats(k, 0, 5, shape);
    for (int64_t i = 0; out && i < n; i++, r += each)
        for (int64_t b = 0; b < images; b++) {
            double image = each == 5 ? r[0] : (double)b;
            if (!(image >= 0 && image < (double)x->shape[0])) {
                anm_k_fail(k, ANM_ERROR_MISMATCH, "region %lld is of image %g", (long long)i,
                           image);
                return;
            }
            out = crop_image(o, x, in, (int64_t)image, r + each - 4, out);
        }
}

static bool is_image(anm_kcall *k, const anm_rvalue *x) {
    if (x && x->rank == 4 && !x->list && x->shape[2] > 0 && x->shape[3] > 0) return true;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "x must be a batch of images");
    return false;
}

static void crop_resize(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    crop_options o;
    if (!is_image(k, x) || !crop_arguments(k, &o)) return;
    if (anm_k_has(k, "boxes")) crop_boxes(k, &o, x);
    else crop_regions(k, &o, x);
}

/* resample and affine. */

enum { CONSTANT, BORDER, REFLECTION, SYMMETRIC };
enum { UNNORMALIZED, MINUS_ONE_TO_ONE, ZERO_TO_ONE };

typedef struct sampling {
    bool nearest, align_corners;
    int padding, coordinates;
    float pad;
} sampling;

static int named(anm_kcall *k, const char *name, const char *const *names, int n) {
    const char *text = anm_k_string(k, name);
    for (int i = 0; i < n; i++)
        if (strcasecmp(text, names[i]) == 0) return i;
    anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "%s \"%s\" is unknown", name, text);
    return 0;
}

static bool sampling_arguments(anm_kcall *k, sampling *s) {
    static const char *const modes[] = {"bilinear", "nearest"};
    static const char *const paddings[] = {"constant", "border", "reflection", "symmetric"};
    static const char *const coordinates[] = {"unnormalized", "normalized_minus_one_to_one",
                                              "normalized_zero_to_one"};
    s->nearest = named(k, "sampling_mode", modes, 2);
    s->padding = named(k, "padding_mode", paddings, 4);
    s->coordinates = named(k, "coordinates_mode", coordinates, 3);
    s->align_corners = anm_k_bool(k, "align_corners");
    s->pad = (float)anm_k_float(k, "padding_value");
    return k->status == ANM_OK;
}

/* A normalised coordinate in pixels. */
static double to_pixels(const sampling *s, double at, int64_t n) {
    if (s->coordinates == UNNORMALIZED) return at;
    double unit = s->coordinates == ZERO_TO_ONE ? at : (at + 1) / 2;
    return s->align_corners ? unit * (double)(n - 1) : unit * (double)n - 0.5;
}

/* A pixel's number within the image, or -1 outside of it. */
static int64_t resolve(const sampling *s, double at, int64_t n) {
    if (!(fabs(at) < 0x1p52)) return s->padding == CONSTANT || isnan(at) ? -1 : at < 0 ? 0 : n - 1;
    int64_t i = (int64_t)at;
    if (i >= 0 && i < n) return i;
    if (s->padding == CONSTANT) return -1;
    if (s->padding == BORDER || n == 1) return i < 0 ? 0 : n - 1;
    int64_t period = s->padding == REFLECTION ? 2 * (n - 1) : 2 * n;
    int64_t r = (i % period + period) % period;
    return r < n ? r : s->padding == REFLECTION ? period - r : period - 1 - r;
}

static double fetch(const sampling *s, const float *plane, int64_t h, int64_t w, double y,
                    double x) {
    int64_t i = resolve(s, y, h), j = resolve(s, x, w);
    return i < 0 || j < 0 ? s->pad : plane[i * w + j];
}

static float sample(const sampling *s, const float *plane, int64_t h, int64_t w, double y,
                    double x) {
    if (s->nearest) return (float)fetch(s, plane, h, w, rint(y), rint(x));
    double y0 = floor(y), x0 = floor(x), fy = y - y0, fx = x - x0;
    double top = fetch(s, plane, h, w, y0, x0) * (1 - fx);
    if (fx > 0) top += fetch(s, plane, h, w, y0, x0 + 1) * fx;
    if (fy == 0) return (float)top;
    double bottom = fetch(s, plane, h, w, y0 + 1, x0) * (1 - fx);
    if (fx > 0) bottom += fetch(s, plane, h, w, y0 + 1, x0 + 1) * fx;
    return (float)(top * (1 - fy) + bottom * fy);
}

static void resample(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *c = anm_k_arg(k, "coordinates");
    sampling s;
    if (!is_image(k, x) || !c || !sampling_arguments(k, &s)) return;
    if (c->rank != 4 || c->shape[3] != 2 || c->shape[0] != x->shape[0]) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "coordinates must have shape [batch, H, W, 2]");
        return;
    }
    int64_t shape[4] = {x->shape[0], x->shape[1], c->shape[1], c->shape[2]};
    int64_t h = x->shape[2], w = x->shape[3], area = shape[2] * shape[3];
    const float *in = anm_k_floats(k, x), *at = anm_k_floats(k, c);
    float *out = anm_k_out_floats(k, 0, 4, shape);
    for (int64_t p = 0; out && p < shape[0] * shape[1]; p++) {
        const float *place = at + p / shape[1] * area * 2;
        for (int64_t i = 0; i < area; i++)
            *out++ = sample(&s, in + p * h * w, h, w, to_pixels(&s, place[2 * i + 1], h),
                            to_pixels(&s, place[2 * i], w));
    }
}

/* The output's own coordinates are normalised to -1 .. 1 from corner to corner. */
static double unit_position(int64_t i, int64_t n) {
    return n > 1 ? 2.0 * (double)i / (double)(n - 1) - 1 : 0;
}

static void affine(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *t = anm_k_arg(k, "transform_matrix");
    int64_t oh = anm_k_int(k, "output_height"), ow = anm_k_int(k, "output_width");
    sampling s;
    if (!is_image(k, x) || !t || !sampling_arguments(k, &s)) return;
    bool fits = t->rank == 2 && t->shape[1] == 6 &&
                (t->shape[0] == 1 || t->shape[0] == x->shape[0]) && oh >= 0 && ow >= 0;
    if (!fits || s.coordinates != MINUS_ONE_TO_ONE) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "this form of affine is not supported");
        return;
    }
    int64_t shape[4] = {x->shape[0], x->shape[1], oh, ow}, h = x->shape[2], w = x->shape[3];
    const float *in = anm_k_floats(k, x), *matrices = anm_k_floats(k, t);
    float *out = anm_k_out_floats(k, 0, 4, shape);
    for (int64_t p = 0; out && p < shape[0] * shape[1]; p++) {
        const float *m = matrices + (t->shape[0] == 1 ? 0 : p / shape[1] * 6);
        for (int64_t i = 0; i < oh; i++)
            for (int64_t j = 0; j < ow; j++) {
                double u = unit_position(j, ow), v = unit_position(i, oh);
                *out++ =
                    sample(&s, in + p * h * w, h, w, to_pixels(&s, m[3] * u + m[4] * v + m[5], h),
                           to_pixels(&s, m[0] * u + m[1] * v + m[2], w));
            }
    }
}

const anm_kernel anm_kernels_sample[] = {
    {"affine", affine, 0, NULL},
    {"crop_resize", crop_resize, 0, NULL},
    {"resample", resample, 0, NULL},
    {NULL, NULL, 0, NULL},
};

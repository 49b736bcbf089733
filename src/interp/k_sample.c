/* SPDX-License-Identifier: MIT */
/* Sampling images at computed places: crop_resize, resample, affine. */
#include "src/interp/sampling.h"

/* crop_resize. */

static bool crop_arguments(anm_kcall *k, anm_crop *o) {
    const char *mode = anm_k_string(k, "box_coordinate_mode");
    o->height = anm_k_int(k, "target_height");
    o->width = anm_k_int(k, "target_width");
    o->normalized = anm_k_bool(k, "normalized_coordinates");
    o->scale = anm_k_float(k, "spatial_scale");
    o->grid = anm_grid_named(k, anm_k_string(k, "sampling_mode"));
    o->pad = anm_k_has(k, "pad_value") ? anm_k_float(k, "pad_value") : 0;
    if (!anm_crop_set_mode(o, mode))
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "box mode \"%s\" is unknown", mode);
    if (o->height < 1 || o->width < 1) anm_k_fail(k, ANM_ERROR_MISMATCH, "the target is empty");
    return k->status == ANM_OK;
}

/* All channels of image `b`, cropped. */
static float *crop_image(const anm_crop *o, const anm_rvalue *x, const float *in, int64_t b,
                         const float *numbers, float *out) {
    int64_t c = x->shape[1], h = x->shape[2], w = x->shape[3];
    anm_box where = anm_crop_box(o, numbers, h, w);
    for (int64_t row = 0; row < c * o->height; row++, out += o->width)
        anm_crop_row(o, (anm_plane){in + (b * c + row / o->height) * h * w, h, w}, where,
                     row % o->height, out);
    return out;
}

/* iOS 17: boxes [N, 4] and the image that each belongs to; the result has no batch axis. */
static void crop_boxes(anm_kcall *k, const anm_crop *o, const anm_rvalue *x) {
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
static void crop_regions(anm_kcall *k, const anm_crop *o, const anm_rvalue *x) {
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
    anm_crop o;
    if (!is_image(k, x) || !crop_arguments(k, &o)) return;
    if (anm_k_has(k, "boxes")) crop_boxes(k, &o, x);
    else crop_regions(k, &o, x);
}

/* resample and affine. */

static bool sampling_arguments(anm_kcall *k, anm_sampling *s) {
    const char *unknown =
        anm_sampling_set(s, anm_k_string(k, "sampling_mode"), anm_k_string(k, "padding_mode"),
                         anm_k_string(k, "coordinates_mode"));
    if (k->status == ANM_OK && unknown)
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "%s \"%s\" is unknown", unknown,
                   anm_k_string(k, unknown));
    s->align_corners = anm_k_bool(k, "align_corners");
    s->pad = (float)anm_k_float(k, "padding_value");
    return k->status == ANM_OK;
}

static void resample(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *c = anm_k_arg(k, "coordinates");
    anm_sampling s;
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
            *out++ = anm_sampling_at(&s, (anm_plane){in + p * h * w, h, w}, place[2 * i + 1],
                                     place[2 * i]);
    }
}

static void affine(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *t = anm_k_arg(k, "transform_matrix");
    int64_t oh = anm_k_int(k, "output_height"), ow = anm_k_int(k, "output_width");
    anm_sampling s;
    if (!is_image(k, x) || !t || !sampling_arguments(k, &s)) return;
    bool fits = t->rank == 2 && t->shape[1] == 6 &&
                (t->shape[0] == 1 || t->shape[0] == x->shape[0]) && oh >= 0 && ow >= 0;
    if (!fits || s.coordinates != ANM_COORDINATES_MINUS_ONE_TO_ONE) {
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
                double y, column;
                anm_affine_place(m, i, j, oh, ow, &y, &column);
                *out++ = anm_sampling_at(&s, (anm_plane){in + p * h * w, h, w}, y, column);
            }
    }
}

const anm_kernel anm_kernels_sample[] = {
    {"affine", affine, 0, NULL},
    {"crop_resize", crop_resize, 0, NULL},
    {"resample", resample, 0, NULL},
    {NULL, NULL, 0, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * crop_resize, resample and affine, in the interpreter's own arithmetic (src/interp/sampling.h): a
 * thread has rows of the result.
 */
#include "src/cpu/planner.h"
#include "src/interp/sampling.h"

typedef struct sample_step {
    anm_lie x, places, which, out; /* dense; which: of boxes, images that they belong to */
    anm_sampling sampling;
    anm_crop crop;
    bool each;          /* a matrix for each image, not one for all */
    int64_t box_size;   /* numbers of a box; 5: the first is its image */
    int64_t box_images; /* images that a box applies to */
} sample_step;

static anm_plane plane_at(const sample_step *s, anm_exec *e, int64_t number) {
    const int64_t *shape = s->x.view.shape;
    const float *x = anm_exec_at(e, &s->x);
    return (anm_plane){x + number * shape[2] * shape[3], shape[2], shape[3]};
}

static void run_resample(const anm_step *step, anm_exec *e, int thread, int threads) {
    const sample_step *s = step->data;
    const int64_t *shape = s->out.view.shape;
    const float *places = anm_exec_at(e, &s->places);
    float *out = anm_exec_at(e, &s->out);
    int64_t from, to, width = shape[3];
    anm_share(shape[0] * shape[1] * shape[2], 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t number = row / shape[2], image = number / shape[1];
        const float *place = places + (image * shape[2] + row % shape[2]) * width * 2;
        anm_plane plane = plane_at(s, e, number);
        for (int64_t i = 0; i < width; i++)
            out[row * width + i] =
                anm_sampling_at(&s->sampling, plane, place[2 * i + 1], place[2 * i]);
    }
}

static void run_affine(const anm_step *step, anm_exec *e, int thread, int threads) {
    const sample_step *s = step->data;
    const int64_t *shape = s->out.view.shape;
    const float *matrices = anm_exec_at(e, &s->places);
    float *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(shape[0] * shape[1] * shape[2], 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t number = row / shape[2];
        const float *matrix = matrices + (s->each ? number / shape[1] * 6 : 0);
        anm_plane plane = plane_at(s, e, number);
        for (int64_t i = 0; i < shape[3]; i++) {
            double y, x;
            anm_affine_place(matrix, row % shape[2], i, shape[2], shape[3], &y, &x);
            out[row * shape[3] + i] = anm_sampling_at(&s->sampling, plane, y, x);
        }
    }
}

/* The image of a box, for the part-th that it applies to; -1: there is none such. */
static int64_t image_of(const sample_step *s, anm_exec *e, const float *box, int64_t number,
                        int64_t part) {
    double image = (double)part;
    if (s->which.block >= 0) image = ((const int32_t *)anm_exec_at(e, &s->which))[number];
    else if (s->box_size == 5) image = box[0];
    else if (s->out.view.rank == 4) image = (double)number;
    return image >= 0 && image < (double)s->x.view.shape[0] ? (int64_t)image : -1;
}

static void check_images(const anm_step *step, anm_exec *e) {
    const sample_step *s = step->data;
    const float *boxes = anm_exec_at(e, &s->places);
    int64_t count = s->out.view.shape[0];
    for (int64_t i = 0; i < count; i++)
        if (image_of(s, e, boxes + i * s->box_size, i, 0) < 0) {
            anm_exec_fail(e, step, ANM_ERROR_MISMATCH, "box %lld is of no image", (long long)i);
            return;
        }
}

/* [boxes, images, channels, rows], of which the row is the last index. */
static void run_crop(const anm_step *step, anm_exec *e, int thread, int threads) {
    const sample_step *s = step->data;
    const float *boxes = anm_exec_at(e, &s->places);
    float *out = anm_exec_at(e, &s->out);
    int64_t channels = s->x.view.shape[1], height = s->crop.height, from, to;
    if (thread == 0) check_images(step, e);
    anm_share(s->out.view.shape[0] * s->box_images * channels * height, 1, thread, threads, &from,
              &to);
    for (int64_t row = from; row < to; row++) {
        int64_t channel = row / height % channels, part = row / height / channels % s->box_images;
        int64_t number = row / height / channels / s->box_images;
        const float *box = boxes + number * s->box_size;
        int64_t image = image_of(s, e, box, number, part);
        if (image < 0) continue;
        anm_plane plane = plane_at(s, e, image * channels + channel);
        anm_box where =
            anm_crop_box(&s->crop, box + s->box_size - 4, plane.height, plane.width);
        anm_crop_row(&s->crop, plane, where, row % height, out + row * s->crop.width);
    }
}

/* Reading. */

static bool read_sampling(const anm_mil_op *op, anm_sampling *s) {
    const char *mode, *padding, *coordinates;
    double pad;
    if (!anm_mil_op_get_string(op, "sampling_mode", &mode) ||
        !anm_mil_op_get_string(op, "padding_mode", &padding) ||
        !anm_mil_op_get_string(op, "coordinates_mode", &coordinates) ||
        !anm_mil_op_get_bool(op, "align_corners", &s->align_corners) ||
        !anm_mil_op_get_float(op, "padding_value", &pad))
        return false;
    s->pad = (float)pad;
    return !anm_sampling_set(s, mode, padding, coordinates);
}

static bool read_crop(const anm_mil_op *op, anm_crop *c) {
    const char *grid, *mode;
    c->pad = 0;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "pad_value")) &&
        !anm_mil_op_get_float(op, "pad_value", &c->pad))
        return false;
    return anm_mil_op_get_int(op, "target_height", &c->height) &&
           anm_mil_op_get_int(op, "target_width", &c->width) &&
           anm_mil_op_get_bool(op, "normalized_coordinates", &c->normalized) &&
           anm_mil_op_get_float(op, "spatial_scale", &c->scale) &&
           anm_mil_op_get_string(op, "sampling_mode", &grid) && anm_grid_find(grid, &c->grid) &&
           anm_mil_op_get_string(op, "box_coordinate_mode", &mode) &&
           anm_crop_set_mode(c, mode) && c->height > 0 && c->width > 0;
}

/* x and what says where to look, as dense floats. */
static bool read_values(anm_planner *p, const anm_mil_op *op, const char *places,
                        sample_step *s) {
    s->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    s->places = anm_lie_dense(p, anm_arg_lie(p, op, places));
    s->which.block = -1;
    return s->x.block >= 0 && s->places.block >= 0 && s->x.dtype == ANM_DTYPE_FP32 &&
           s->places.dtype == ANM_DTYPE_FP32 && s->x.view.rank == 4;
}

static bool read_resample(anm_planner *p, const anm_mil_op *op, sample_step *s) {
    const int64_t *place = s->places.view.shape, *out = op->outputs[0]->type->shape;
    if (!read_sampling(op, &s->sampling) || !read_values(p, op, "coordinates", s)) return false;
    return s->places.view.rank == 4 && place[3] == 2 && place[0] == s->x.view.shape[0] &&
           op->outputs[0]->type->rank == 4 && out[2] == place[1] && out[3] == place[2];
}

static bool read_affine(anm_planner *p, const anm_mil_op *op, sample_step *s) {
    const int64_t *place = s->places.view.shape;
    if (!read_sampling(op, &s->sampling) || !read_values(p, op, "transform_matrix", s) ||
        s->sampling.coordinates != ANM_COORDINATES_MINUS_ONE_TO_ONE)
        return false;
    s->each = s->places.view.rank == 2 && place[0] > 1;
    return s->places.view.rank == 2 && place[1] == 6 &&
           (place[0] == 1 || place[0] == s->x.view.shape[0]) && op->outputs[0]->type->rank == 4;
}

static bool read_boxes(anm_planner *p, const anm_mil_op *op, sample_step *s) {
    if (!read_values(p, op, "boxes", s)) return false;
    s->box_size = 4;
    s->box_images = 1;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "box_indices"))) {
        s->which = anm_lie_dense(p, anm_arg_lie(p, op, "box_indices"));
        if (s->which.block < 0 || s->which.dtype != ANM_DTYPE_INT32 ||
            anm_view_elements(&s->which.view) != s->places.view.shape[0])
            return false;
    }
    return s->places.view.rank == 2 && s->places.view.shape[1] == 4;
}

static bool read_regions(anm_planner *p, const anm_mil_op *op, sample_step *s) {
    if (!read_values(p, op, "roi", s) || s->places.view.rank != 5) return false;
    s->box_size = anm_view_elements(&s->places.view) / s->places.view.shape[0];
    s->box_images = s->box_size == 5 ? 1 : s->x.view.shape[0];
    return s->box_size == 4 || s->box_size == 5;
}

static bool read_crop_resize(anm_planner *p, const anm_mil_op *op, sample_step *s) {
    bool boxes = anm_mil_operand_present(anm_mil_op_operand(op, "boxes"));
    if (!read_crop(op, &s->crop)) return false;
    if (!(boxes ? read_boxes(p, op, s) : read_regions(p, op, s))) return false;
    const anm_mil_type *out = op->outputs[0]->type;
    return out->rank == (boxes ? 4 : 5) && out->shape[0] == s->places.view.shape[0] &&
           anm_type_elements(out) == out->shape[0] * s->box_images * s->x.view.shape[1] *
                                         s->crop.height * s->crop.width;
}

bool anm_build_sample(anm_planner *p, const anm_mil_op *op) {
    static const struct {
        const char *type;
        bool (*read)(anm_planner *p, const anm_mil_op *op, sample_step *s);
        anm_step_fn run;
    } forms[] = {{"resample", read_resample, run_resample},
                 {"affine", read_affine, run_affine},
                 {"crop_resize", read_crop_resize, run_crop}};
    size_t i = 0;
    while (i < 3 && !anm_is_op(op, forms[i].type)) i++;
    const anm_mil_type *type = op->outputs[0]->type;
    sample_step *s = i < 3 ? anm_plan_alloc(p, sizeof *s) : NULL;
    if (!s || !forms[i].read(p, op, s)) return p->status != ANM_OK;
    s->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    int reads[4] = {s->x.block, s->places.block, s->which.block, -1};
    anm_step_add(p, forms[i].run, op->type, s, reads, ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}

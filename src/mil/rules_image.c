/* SPDX-License-Identifier: MIT */
/* Type rules of ops on images: padding, cropping, resizing, blocks of pixels, boxes. */
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* Sets or multiplies a dimension; unknown ones stay unknown. False when it does not come out. */
static bool scale_dim(int64_t *dim, int64_t by, bool divide) {
    if (*dim < 0) return true;
    if (!divide) return !__builtin_mul_overflow(*dim, by, dim);
    if (*dim % by != 0) return false;
    *dim /= by;
    return true;
}

/* Channels into space, or space into channels, in blocks of block * block. */
static bool move_blocks(const anm_mil_op *op, anm_mil_infer *infer, const char *name,
                        bool to_space) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK], block;
    if (!anm_mil_op_get_int(op, name, &block) || block < 1 || block > 1 << 15)
        return anm_mil_refuse(infer, "%s must be a positive constant", name);
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, 4);
    if (x->rank != 4) return anm_mil_refuse(infer, "x has rank %d, not 4", x->rank);
    memcpy(shape, x->shape, sizeof shape);
    if (!scale_dim(&shape[1], block * block, to_space) || !scale_dim(&shape[2], block, !to_space) ||
        !scale_dim(&shape[3], block, !to_space))
        return anm_mil_refuse(infer, "the dimensions do not divide by %lld", (long long)block);
    return anm_mil_give(infer, 0, x->dtype, 4, shape);
}

bool anm_mil_rule_depth_to_space(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_blocks(op, infer, "block_size", true);
}

bool anm_mil_rule_space_to_depth(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_blocks(op, infer, "block_size", false);
}

bool anm_mil_rule_pixel_shuffle(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_blocks(op, infer, "upscale_factor", true);
}

bool anm_mil_rule_pixel_unshuffle(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_blocks(op, infer, "downscale_factor", false);
}

/* The constant [2, 2] matrix of what is added to (or cut off) both ends of two dimensions. */
static bool read_edges(const anm_mil_op *op, anm_mil_infer *infer, const char *name,
                       int64_t sums[2]) {
    const anm_mil_literal *edges = anm_mil_operand_constant(anm_mil_op_operand(op, name));
    int64_t a, b;
    for (int i = 0; i < 2; i++) {
        if (!anm_mil_literal_int(edges, 2 * i, &a) || !anm_mil_literal_int(edges, 2 * i + 1, &b) ||
            anm_mil_literal_elements(edges) != 4)
            return anm_mil_refuse(infer, "%s is not a constant of shape [2, 2]", name);
        if (a < 0 || b < 0 || a > INT32_MAX || b > INT32_MAX)
            return anm_mil_refuse(infer, "%s must not be negative", name);
        sums[i] = a + b;
    }
    return true;
}

static bool move_batch(const anm_mil_op *op, anm_mil_infer *infer, const char *edges,
                       bool to_space) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK], block[2], sums[2];
    int count = -1;
    if (!anm_mil_op_get_ints(op, "block_shape", block, 2, &count) || count != 2 || block[0] < 1 ||
        block[1] < 1 || block[0] > 1 << 15 || block[1] > 1 << 15)
        return anm_mil_refuse(infer, "block_shape must be two positive constants");
    if (!read_edges(op, infer, edges, sums)) return false;
    if (x->rank < 0) return anm_mil_give_unknown(infer, x->dtype, 4);
    if (x->rank != 4) return anm_mil_refuse(infer, "x has rank %d, not 4", x->rank);
    memcpy(shape, x->shape, sizeof shape);
    bool fits = scale_dim(&shape[0], block[0] * block[1], to_space);
    for (int i = 0; i < 2; i++) {
        if (!to_space && shape[2 + i] >= 0)
            fits = fits && !__builtin_add_overflow(shape[2 + i], sums[i], &shape[2 + i]);
        fits = fits && scale_dim(&shape[2 + i], block[i], !to_space);
        if (!fits || !to_space || shape[2 + i] < 0) continue;
        shape[2 + i] -= sums[i];
        fits = shape[2 + i] >= 0;
    }
    if (!fits) return anm_mil_refuse(infer, "the dimensions do not fit block_shape and %s", edges);
    return anm_mil_give(infer, 0, x->dtype, 4, shape);
}

bool anm_mil_rule_space_to_batch(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_batch(op, infer, "paddings", false);
}

bool anm_mil_rule_batch_to_space(const anm_mil_op *op, anm_mil_infer *infer) {
    return move_batch(op, infer, "crops", true);
}

/* pad holds before and after of the last dimensions. */
bool anm_mil_rule_pad(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *amount = anm_mil_type_of(op, "pad");
    int64_t pad[2 * ANM_MAX_RANK], shape[ANM_MAX_RANK];
    const char *mode = "";
    int count = -1;
    if (!anm_mil_op_get_string(op, "mode", &mode) ||
        (strcmp(mode, "constant") != 0 && strcmp(mode, "reflect") != 0 &&
         strcmp(mode, "replicate") != 0))
        return anm_mil_refuse(infer, "there is no mode \"%s\"", mode);
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    bool known = anm_mil_op_get_ints(op, "pad", pad, 2 * ANM_MAX_RANK, &count);
    if (!known) count = amount->rank == 1 && amount->shape[0] >= 0 ? (int)amount->shape[0] : -1;
    if (count < 0) return anm_mil_give_unknown(infer, x->dtype, x->rank);
    if (count % 2 || count / 2 > x->rank)
        return anm_mil_refuse(infer, "pad has %d entries for rank %d", count, x->rank);
    memcpy(shape, x->shape, sizeof shape);
    for (int i = 0; i < count / 2; i++) {
        int64_t *dim = &shape[x->rank - count / 2 + i];
        if (known && (pad[2 * i] < 0 || pad[2 * i + 1] < 0))
            return anm_mil_refuse(infer, "pad must not be negative");
        if (!known || *dim < 0) *dim = ANM_DIM_UNKNOWN;
        else if (__builtin_add_overflow(*dim, pad[2 * i], dim) ||
                 __builtin_add_overflow(*dim, pad[2 * i + 1], dim))
            return anm_mil_refuse(infer, "the result is too large");
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

bool anm_mil_rule_crop(const anm_mil_op *op, anm_mil_infer *infer) {
    static const char *const names[2] = {"crop_height", "crop_width"};
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t cut[2], shape[ANM_MAX_RANK];
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (x->rank < 3) return anm_mil_refuse(infer, "x has rank %d, below 3", x->rank);
    memcpy(shape, x->shape, sizeof shape);
    for (int i = 0; i < 2; i++) {
        int64_t *dim = &shape[x->rank - 2 + i];
        int count = -1;
        if (!anm_mil_op_get_ints(op, names[i], cut, 2, &count) || count != 2 || cut[0] < 0 ||
            cut[1] < 0)
            return anm_mil_refuse(infer, "%s must be two numbers, 0 or more", names[i]);
        if (*dim < 0) continue;
        if (cut[0] > *dim || cut[1] > *dim - cut[0])
            return anm_mil_refuse(infer, "%s cuts more than %lld", names[i], (long long)*dim);
        *dim -= cut[0] + cut[1];
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* floor(size * factor) of the last two dimensions. */
bool anm_mil_rule_upsample(const anm_mil_op *op, anm_mil_infer *infer) {
    static const char *const names[2] = {"scale_factor_height", "scale_factor_width"};
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK];
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (x->rank < 3) return anm_mil_refuse(infer, "x has rank %d, below 3", x->rank);
    memcpy(shape, x->shape, sizeof shape);
    for (int i = 0; i < 2; i++) {
        int64_t *dim = &shape[x->rank - 2 + i];
        double factor;
        if (!anm_mil_op_get_float(op, names[i], &factor) || !(factor > 0))
            return anm_mil_refuse(infer, "%s must be a positive constant", names[i]);
        if (*dim < 0) continue;
        double size = floor((double)*dim * factor);
        if (!(size < 0x1p53)) return anm_mil_refuse(infer, "the result is too large");
        *dim = (int64_t)size;
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* Gives x with other last two dimensions, which are constant arguments. */
static bool give_sized(const anm_mil_op *op, anm_mil_infer *infer, const char *height,
                       const char *width, int lowest_rank) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK], h, w;
    if (!anm_mil_op_get_int(op, height, &h) || !anm_mil_op_get_int(op, width, &w) || h < 1 || w < 1)
        return anm_mil_refuse(infer, "%s and %s must be positive constants", height, width);
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    if (x->rank < lowest_rank)
        return anm_mil_refuse(infer, "x has rank %d, below %d", x->rank, lowest_rank);
    memcpy(shape, x->shape, sizeof shape);
    shape[x->rank - 2] = h;
    shape[x->rank - 1] = w;
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

bool anm_mil_rule_resize_to_size(const anm_mil_op *op, anm_mil_infer *infer) {
    return give_sized(op, infer, "target_size_height", "target_size_width", 3);
}

/* shape's last resized_dims entries are the new dimensions; 0 keeps one. */
bool anm_mil_rule_resize(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *target = anm_mil_type_of(op, "shape");
    int64_t wanted[ANM_MAX_RANK], shape[ANM_MAX_RANK], resized;
    int count = -1;
    bool known = anm_mil_op_get_ints(op, "shape", wanted, ANM_MAX_RANK, &count);
    if (!known && target->rank == 1 && target->shape[0] >= 0) count = (int)target->shape[0];
    if (!anm_mil_op_get_int(op, "resized_dims", &resized) || resized < 1 ||
        (x->rank >= 0 && resized > x->rank) || (count >= 0 && resized > count))
        return anm_mil_refuse(infer, "resized_dims does not fit x and shape");
    if (x->rank < 0) return anm_mil_give(infer, 0, x->dtype, -1, NULL);
    memcpy(shape, x->shape, sizeof shape);
    for (int64_t i = 0; i < resized; i++) {
        int64_t *dim = &shape[x->rank - resized + i];
        int64_t size = known ? wanted[count - resized + i] : ANM_DIM_UNKNOWN;
        if (known && size < 0) return anm_mil_refuse(infer, "shape holds %lld", (long long)size);
        if (size != 0) *dim = size;
    }
    return anm_mil_give(infer, 0, x->dtype, x->rank, shape);
}

/* boxes [N, 4] give [N, C, h, w]; roi [N, 1, 4 or 5, 1, 1] gives [N, B, C, h, w]. */
bool anm_mil_rule_crop_resize(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const anm_mil_type *boxes = anm_mil_type_of(op, "boxes"), *roi = anm_mil_type_of(op, "roi");
    int64_t h, w;
    if (!boxes == !roi) return anm_mil_refuse(infer, "needs either boxes or roi");
    if (!anm_mil_op_get_int(op, "target_height", &h) ||
        !anm_mil_op_get_int(op, "target_width", &w) || h < 1 || w < 1)
        return anm_mil_refuse(infer, "target_height and target_width must be positive");
    if (x->rank != 4) return anm_mil_refuse(infer, "x needs rank 4");
    if (boxes) {
        if (boxes->rank != 2 || !anm_mil_same_dim(boxes->shape[1], 4))
            return anm_mil_refuse(infer, "boxes must have shape [N, 4]");
        return anm_mil_give(infer, 0, x->dtype, 4,
                            (const int64_t[]){boxes->shape[0], x->shape[1], h, w});
    }
    if (roi->rank != 5 || (roi->shape[2] >= 0 && roi->shape[2] != 4 && roi->shape[2] != 5))
        return anm_mil_refuse(infer, "roi must have shape [N, 1, 4 or 5, 1, 1]");
    /* A fifth number names the image; whether the batch stays then, converters do not agree. */
    int64_t batch = roi->shape[2] == 4 || x->shape[0] == 1 ? x->shape[0] : ANM_DIM_UNKNOWN;
    return anm_mil_give(infer, 0, x->dtype, 5,
                        (const int64_t[]){roi->shape[0], batch, x->shape[1], h, w});
}

bool anm_mil_rule_resample(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *at = anm_mil_type_of(op, "coordinates");
    if (x->rank != 4 || at->rank != 4)
        return anm_mil_refuse(infer, "x and coordinates need rank 4");
    if (!anm_mil_same_dim(at->shape[3], 2) || !anm_mil_same_dim(at->shape[0], x->shape[0]))
        return anm_mil_refuse(infer, "coordinates must have shape [batch, H, W, 2]");
    return anm_mil_give(infer, 0, x->dtype, 4,
                        (const int64_t[]){x->shape[0], x->shape[1], at->shape[1], at->shape[2]});
}

bool anm_mil_rule_affine_image(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *m = anm_mil_type_of(op, "transform_matrix");
    if (x->rank != 4 || m->rank != 2 || !anm_mil_same_dim(m->shape[1], 6))
        return anm_mil_refuse(infer, "x needs rank 4 and transform_matrix shape [batch, 6]");
    return give_sized(op, infer, "output_height", "output_width", 4);
}

/* Four outputs with the box number in the middle (iOS 15), three with it last (iOS 17). */
bool anm_mil_rule_suppression(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *boxes = anm_mil_type_of(op, "boxes");
    const anm_mil_type *scores = anm_mil_type_of(op, "scores");
    int64_t most;
    bool last = infer->output_count == 3;
    if (infer->output_count != 3 && infer->output_count != 4)
        return anm_mil_refuse(infer, "has %zu outputs instead of 3 or 4", infer->output_count);
    if (!anm_mil_op_get_int(op, "max_boxes", &most) || most < 0)
        return anm_mil_refuse(infer, "max_boxes is negative or not constant");
    if (boxes->rank != 3 || scores->rank != 3)
        return anm_mil_refuse(infer, "boxes and scores need rank 3");
    int box = last ? 2 : 1, other = last ? 1 : 2;
    if (!anm_mil_same_dim(boxes->shape[other], 4) ||
        !anm_mil_same_dim(boxes->shape[0], scores->shape[0]) ||
        !anm_mil_same_dim(boxes->shape[box], scores->shape[box]))
        return anm_mil_refuse(infer, "boxes and scores do not fit each other");
    int64_t n = boxes->shape[0], of_boxes[3] = {n, most, 4}, of_scores[3] = {n, most, 0};
    of_scores[other] = scores->shape[other];
    if (last) of_boxes[1] = 4, of_boxes[2] = of_scores[2] = most;
    return anm_mil_give(infer, 0, boxes->dtype, 3, of_boxes) &&
           anm_mil_give(infer, 1, scores->dtype, 3, of_scores) &&
           anm_mil_give(infer, 2, ANM_DTYPE_INT32, 2, (const int64_t[]){n, most}) &&
           (last || anm_mil_give(infer, 3, ANM_DTYPE_INT32, 1, &n));
}

/* SPDX-License-Identifier: MIT */
/* Rows of the op table: images - padding, cropping, resizing, blocks of pixels, boxes. */
#include "src/mil/optable.h"

#define COUNT (CONST_INT | ANM_ARG_WIDE)
#define SAMPLING                                                                                   \
    REQ("sampling_mode", CONST_STRING), REQ("padding_mode", CONST_STRING),                         \
        REQ("padding_value", CONST_FLOAT), REQ("coordinates_mode", CONST_STRING),                  \
        REQ("align_corners", CONST_BOOL)

ARGS(affine) = {REQ("x", ANM_ARG_FLOAT), REQ("transform_matrix", ANM_ARG_FLOAT),
                REQ("output_height", CONST_INT), REQ("output_width", CONST_INT), SAMPLING};
ARGS(batch_to_space) = {REQ("x", ANM_ARG_FLOAT), REQ("block_shape", CONST_INTS),
                        REQ("crops", ANM_ARG_INT | ANM_ARG_CONST)};
ARGS(block) = {REQ("x", ANM_ARG_FLOAT), REQ("block_size", CONST_INT)};
ARGS(crop) = {REQ("x", ANM_ARG_FLOAT), REQ("crop_height", CONST_INTS),
              REQ("crop_width", CONST_INTS)};
ARGS(crop_resize) = {REQ("x", ANM_ARG_FLOAT),
                     OPT("roi", ANM_ARG_FLOAT),
                     OPT("boxes", ANM_ARG_FLOAT | ANM_ARG_UINT16),
                     OPT("box_indices", ANM_ARG_INT),
                     OPT_INT("target_height", CONST_INT, 1),
                     OPT_INT("target_width", CONST_INT, 1),
                     OPT_BOOL("normalized_coordinates", 0),
                     OPT_FLOAT("spatial_scale", CONST_FLOAT, 1),
                     OPT_STRING("box_coordinate_mode", "CORNERS_HEIGHT_FIRST"),
                     OPT_STRING("sampling_mode", "DEFAULT"),
                     OPT_FLOAT("pad_value", CONST_FLOAT, 0)};
ARGS(pad) = {REQ("x", TENSOR), REQ("pad", ANM_ARG_INT | ANM_ARG_VECTOR),
             OPT_STRING("mode", "constant"), OPT_FLOAT("constant_val", CONST_NUMBER, 0)};
ARGS(pixel_shuffle) = {REQ("x", ANM_ARG_FLOAT), REQ("upscale_factor", COUNT)};
ARGS(pixel_unshuffle) = {REQ("x", ANM_ARG_FLOAT), REQ("downscale_factor", COUNT)};
ARGS(resample) = {REQ("x", ANM_ARG_FLOAT), REQ("coordinates", ANM_ARG_NUMBER), SAMPLING};
ARGS(resize) = {REQ("x", ANM_ARG_NUMBER), REQ("shape", ANM_ARG_INT | ANM_ARG_WIDE | ANM_ARG_VECTOR),
                REQ("resized_dims", COUNT), OPT_STRING("interpolation_mode", "LINEAR"),
                OPT_STRING("sampling_mode", "DEFAULT")};
ARGS(resize_bilinear) = {REQ("x", ANM_ARG_FLOAT), OPT_INT("target_size_height", CONST_INT, 1),
                         OPT_INT("target_size_width", CONST_INT, 1),
                         OPT_STRING("sampling_mode", "DEFAULT")};
ARGS(resize_nearest) = {REQ("x", ANM_ARG_FLOAT), REQ("target_size_height", CONST_INT),
                        REQ("target_size_width", CONST_INT)};
ARGS(space_to_batch) = {REQ("x", ANM_ARG_FLOAT), REQ("block_shape", CONST_INTS),
                        REQ("paddings", ANM_ARG_INT | ANM_ARG_CONST)};
ARGS(suppression) = {REQ("boxes", ANM_ARG_FLOAT),
                     REQ("scores", ANM_ARG_FLOAT),
                     REQ("iou_threshold", CONST_FLOAT),
                     OPT("score_threshold", CONST_FLOAT),
                     REQ("max_boxes", CONST_INT),
                     OPT_BOOL("per_class_suppression", 0)};
ARGS(upsample_bilinear) = {REQ("x", ANM_ARG_FLOAT), OPT_INT("scale_factor_height", CONST_NUMBER, 1),
                           OPT_INT("scale_factor_width", CONST_NUMBER, 1),
                           OPT_BOOL("align_corners", 1), OPT("half_pixel_centers", CONST_BOOL)};
ARGS(upsample_nearest) = {REQ("x", ANM_ARG_FLOAT), OPT_INT("scale_factor_height", CONST_NUMBER, 1),
                          OPT_INT("scale_factor_width", CONST_NUMBER, 1)};

const anm_mil_op_spec anm_mil_ops_image[] = {
    ROW("affine", 15, 1, 0, affine, affine_image, "images seen through an affine map"),
    ROW("batch_to_space", 15, 1, 0, batch_to_space, batch_to_space,
        "blocks of pixels out of the batch, then cropped"),
    ROW("crop", 15, 1, 0, crop, crop, "x without the edges of the last two dimensions"),
    ROW("crop_resize", 15, 1, 0, crop_resize, crop_resize, "boxes of images, resized"),
    ROW("depth_to_space", 15, 1, 0, block, depth_to_space,
        "blocks of pixels out of the channels, block first"),
    ROW("non_maximum_suppression", 15, -1, 0, suppression, suppression,
        "the best boxes that do not overlap"),
    ROW("pad", 15, 1, 0, pad, pad, "x with more at the ends of its last dimensions"),
    ROW("pixel_shuffle", 15, 1, 0, pixel_shuffle, pixel_shuffle,
        "blocks of pixels out of the channels, block last"),
    ROW("pixel_unshuffle", 16, 1, 0, pixel_unshuffle, pixel_unshuffle,
        "blocks of pixels into the channels, block last"),
    ROW("resample", 15, 1, 0, resample, resample, "images at given coordinates"),
    ROW("resize", 17, 1, 0, resize, resize, "the last dimensions in another size"),
    ROW("resize_bilinear", 15, 1, 0, resize_bilinear, resize_to_size,
        "images in another size, interpolated"),
    ROW("resize_nearest_neighbor", 15, 1, 0, resize_nearest, resize_to_size,
        "images in another size, nearest pixel"),
    ROW("space_to_batch", 15, 1, 0, space_to_batch, space_to_batch,
        "padded, then blocks of pixels into the batch"),
    ROW("space_to_depth", 15, 1, 0, block, space_to_depth,
        "blocks of pixels into the channels, block first"),
    ROW("upsample_bilinear", 15, 1, 0, upsample_bilinear, upsample,
        "images scaled up, interpolated"),
    ROW("upsample_nearest_neighbor", 15, 1, 0, upsample_nearest, upsample,
        "images scaled up, nearest pixel"),
    END,
};

/* SPDX-License-Identifier: MIT */
/* Values of images at computed places: what crop_resize, resample and affine mean by them. */
#ifndef ANM_INTERP_SAMPLING_H
#define ANM_INTERP_SAMPLING_H

#include "src/interp/grid.h"

/* One channel of one image, dense. */
typedef struct anm_plane {
    const float *data;
    int64_t height, width;
} anm_plane;

/* resample and affine. */

typedef enum anm_sample_padding {
    ANM_PADDING_CONSTANT,
    ANM_PADDING_BORDER,
    ANM_PADDING_REFLECTION,
    ANM_PADDING_SYMMETRIC
} anm_sample_padding;

typedef enum anm_sample_coordinates {
    ANM_COORDINATES_PIXELS,
    ANM_COORDINATES_MINUS_ONE_TO_ONE,
    ANM_COORDINATES_ZERO_TO_ONE
} anm_sample_coordinates;

typedef struct anm_sampling {
    bool nearest, align_corners;
    anm_sample_padding padding;
    anm_sample_coordinates coordinates;
    float pad;
} anm_sampling;

/* Sets what MIL's arguments name; gives the one that is unknown, or NULL. */
const char *anm_sampling_set(anm_sampling *s, const char *sampling_mode, const char *padding_mode,
                             const char *coordinates_mode);
/* The value at coordinates of the mode. */
float anm_sampling_at(const anm_sampling *s, anm_plane plane, double y, double x);
/* Where an output of affine looks: coordinates of position (i, j) of height x width. */
void anm_affine_place(const float *matrix, int64_t i, int64_t j, int64_t height, int64_t width,
                      double *y, double *x);

/* crop_resize. */

typedef struct anm_crop {
    anm_grid grid;
    int64_t height, width; /* of the result */
    bool normalized, width_first, by_center;
    double scale, pad;
} anm_crop;

typedef struct anm_box {
    double y0, x0, y1, x1; /* first and last pixel's centre */
} anm_box;

/* Sets what box_coordinate_mode names; false: unknown. */
bool anm_crop_set_mode(anm_crop *crop, const char *box_coordinate_mode);
/* The four numbers of a box in the order that the mode names. */
anm_box anm_crop_box(const anm_crop *crop, const float *numbers, int64_t height, int64_t width);
/* Row `i` of the result. */
void anm_crop_row(const anm_crop *crop, anm_plane plane, anm_box box, int64_t i, float *out);

#endif

/* SPDX-License-Identifier: MIT */
/* Sampling grids of the resize family, in one dimension. */
#ifndef ANM_INTERP_GRID_H
#define ANM_INTERP_GRID_H

#include "src/interp/kernels.h"

typedef enum anm_grid {
    ANM_GRID_STRICT_ALIGN_CORNERS,
    ANM_GRID_ALIGN_CORNERS,
    ANM_GRID_DEFAULT,
    ANM_GRID_OFFSET_CORNERS,
    ANM_GRID_UNALIGN_CORNERS
} anm_grid;

/* By the name that MIL uses ("UNALIGN_CORNERS"); a failure when unknown. */
anm_grid anm_grid_named(anm_kcall *k, const char *name);

/* The same; false when unknown. */
bool anm_grid_find(const char *name, anm_grid *out);

/* Where output i of n lies when a stretch of `length` elements is sampled; not clamped. */
double anm_grid_point(anm_grid grid, int64_t i, int64_t n, double length);

/* Between which two elements of `length` a point lies, clamped, and the weight of the second. */
typedef struct anm_tap {
    int64_t low, high;
    float weight;
} anm_tap;
anm_tap anm_tap_at(double point, int64_t length);

#endif

/* SPDX-License-Identifier: MIT */
/* What the weights alone say about fp16's range: bounds that hold for every input. */
#ifndef ANM_CONVERT_FP16BOUND_H
#define ANM_CONVERT_FP16BOUND_H

#include "src/convert/recipe.h"
#include "src/hf/checkpoint.h"

/*
 * RMSNorm gives vectors no longer than sqrt(n), before its gains g. So an output of the linear
 * layer behind it is at most sqrt(n) |w . g| + |b|, w being a row and b its bias.
 */
typedef struct anm_range_bounds {
    size_t layers, safe;          /* linear layers behind norms; those that cannot pass 65504 */
    double largest;               /* of the bounds */
    anm_slot slot;                /* whose it is */
    int64_t layer;
    double least_gain, most_gain; /* of all norms, in magnitude */
} anm_range_bounds;

ANM_MUST_CHECK anm_status anm_range_bound(const anm_recipe *recipe,
                                          const anm_checkpoint *checkpoint, anm_range_bounds *out,
                                          anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Keeping the residual stream within fp16. RMSNorm(s x, s^2 eps) is RMSNorm(x, eps), so that a
 * model computes the same when everything that is added to the stream is multiplied by s: the
 * embeddings, and what attention and MLP give. s is a power of two: weights keep their digits.
 * docs/conversion.md has the derivation.
 */
#ifndef ANM_CONVERT_RESIDUAL_H
#define ANM_CONVERT_RESIDUAL_H

#include "src/convert/recipe.h"
#include "src/hf/checkpoint.h"

/*
 * The largest value that the stream of a model with norms behind attention and MLP can have,
 * whatever its input: the largest embedding, and for each of those norms sqrt(hidden) times its
 * largest gain. 0 for other models: nothing is known.
 */
ANM_MUST_CHECK anm_status anm_residual_bound(const anm_recipe *recipe,
                                             const anm_checkpoint *checkpoint, double *out,
                                             anm_error *err);
/* The largest power of two, 1 at most, that keeps `bound` below fp16's largest number. */
double anm_residual_scale(double bound);

/* The epsilon of a slot's norm, scaled if its input is the stream. */
double anm_residual_epsilon(const anm_recipe *recipe, anm_slot slot);
/* A copy of the slot's weight that reads as the graph wants it: gains, scales. */
anm_weight anm_residual_weight(const anm_recipe *recipe, anm_slot slot, int64_t layer,
                               const anm_weight *weight);

#endif

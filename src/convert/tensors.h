/* SPDX-License-Identifier: MIT */
/* Holding a checkpoint's tensors against what its config implies, before any work is done. */
#ifndef ANM_CONVERT_TENSORS_H
#define ANM_CONVERT_TENSORS_H

#include "src/convert/recipe.h"
#include "src/hf/checkpoint.h"

/* Calls visit for every tensor that the recipe needs, embeddings first, then layer by layer. */
typedef anm_status (*anm_tensor_visit_fn)(void *context, anm_slot slot, int64_t layer,
                                          anm_error *err);
ANM_MUST_CHECK anm_status anm_recipe_visit(const anm_recipe *recipe, anm_tensor_visit_fn visit,
                                           void *context, anm_error *err);

/*
 * Every needed tensor is there, of the right shape and in fp16, bf16 or fp32, and there is no
 * other (known harmless ones and a head beside a tied embedding apart; those are counted in
 * *ignored). ANM_ERROR_MISMATCH names the tensors at fault, the first few and how many more.
 * *parameters: values in all needed tensors.
 */
ANM_MUST_CHECK anm_status anm_tensors_check(const anm_recipe *recipe,
                                            const anm_checkpoint *checkpoint,
                                            uint64_t *parameters, size_t *ignored, anm_error *err);

#endif

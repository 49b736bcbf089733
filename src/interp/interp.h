/* SPDX-License-Identifier: MIT */
/*
 * The reference interpreter: small, slow, obviously right. It is the specification that every
 * faster engine is held against.
 *
 * Arithmetic: each op computes in fp32; under ANM_PRECISION_FP16 its result is rounded to the
 * declared element type, under ANM_PRECISION_FP32 floats are carried in fp32.
 */
#ifndef ANM_INTERP_H
#define ANM_INTERP_H

#include "anemone/program.h"
#include "src/mil/ir.h"

/* A function made ready: constants checked and decoded. Immutable, shareable between threads. */
typedef struct anm_interp anm_interp;

/* `function` must have passed the validator and outlive the interpreter. */
ANM_MUST_CHECK anm_status anm_interp_create(const anm_mil_function *function,
                                            anm_precision precision, anm_interp **out,
                                            anm_error *err);
void anm_interp_destroy(anm_interp *interp);

/* What a run gives: tensors in the order of the function's outputs; released together. */
typedef struct anm_interp_result anm_interp_result;
const anm_tensor *anm_interp_result_tensors(const anm_interp_result *result, size_t *count);
void anm_interp_result_destroy(anm_interp_result *result);

/*
 * Runs the function once. `inputs` are matched by name against the function's inputs that are not
 * states, any numeric type. `states` are matched by name against its states: fp16 (or as
 * declared) or, under ANM_PRECISION_FP32, fp32 data, read and updated in place. Output tensors
 * are dense; floats as declared, or fp32 under ANM_PRECISION_FP32. An error names the op at
 * fault ("function main, op conv_1 (conv)").
 */
ANM_MUST_CHECK anm_status anm_interp_run(const anm_interp *interp, const anm_tensor *inputs,
                                         size_t input_count, anm_tensor *states, size_t state_count,
                                         anm_interp_result **out, anm_error *err);

/*
 * A constant as dense numbers of its declared type: evaluates const and constexpr_* ops. `out`
 * gets a tensor whose data is in `arena` (or in the mapping, for plain constants).
 */
ANM_MUST_CHECK anm_status anm_interp_constant(const anm_mil_value *value, anm_arena *arena,
                                              anm_tensor *out, anm_error *err);

#endif

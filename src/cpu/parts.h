/* SPDX-License-Identifier: MIT */
/*
 * A function that no plan can hold as a whole: with loops, conditions or lists, or shapes that
 * depend on values. The interpreter walks its ops, nested blocks included, and keeps the values;
 * each stretch of ops that a plan can hold is one, made for the shapes that it meets. What a plan
 * cannot hold is an op for the interpreter, and another plan begins behind it.
 */
#ifndef ANM_CPU_PARTS_H
#define ANM_CPU_PARTS_H

#include "src/cpu/engine.h"

typedef struct anm_parts anm_parts;

/*
 * `function` must stay. Parts whose shapes follow from the inputs' (as in anm_engine_create) and
 * from declarations are planned now, others when they are reached.
 */
ANM_MUST_CHECK anm_status anm_parts_create(const anm_mil_function *function,
                                           const anm_tensor *inputs, size_t input_count,
                                           const anm_engine_options *options, anm_parts **out,
                                           anm_error *err);
void anm_parts_destroy(anm_parts *parts); /* NULL is fine */

/* Once, like anm_engine_run(); floats are fp32, other results of their declared types. */
ANM_MUST_CHECK anm_status anm_parts_run(anm_parts *parts, anm_pool *pool, const anm_tensor *inputs,
                                        size_t input_count, anm_tensor *states, size_t state_count,
                                        anm_interp_result **out, anm_error *err);

/*
 * All plans together, with a step for each op of the interpreter. Where a part has plans for
 * several shapes the one used last counts; a part that was not reached yet counts as the
 * interpreter's.
 */
anm_engine_facts anm_parts_facts(anm_parts *parts);
void anm_parts_profile(anm_parts *parts, bool on);
anm_engine_timing anm_parts_step_at(anm_parts *parts, size_t index);

#endif

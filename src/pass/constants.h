/* SPDX-License-Identifier: MIT */
/*
 * What plans make of a function's constants where these cannot be used as they are mapped: made by
 * the first plan that needs it and shared by all others of the function, whatever their shapes.
 *
 * Values are known by their number in the function. Those that passes make have numbers behind
 * them and belong to one plan. Not thread-safe: plans of a function are made one after the other.
 */
#ifndef ANM_PASS_CONSTANTS_H
#define ANM_PASS_CONSTANTS_H

#include "src/pass/flow.h"

/* For values numbered below `count`; NULL when memory is out. */
anm_constants *anm_constants_create(uint32_t count);
void anm_constants_destroy(anm_constants *c); /* NULL is fine */

typedef enum anm_constant_form {
    ANM_CONSTANT_DECODED, /* dense, of its declared type */
    ANM_CONSTANT_TURNED,  /* that with rows and columns exchanged */
    ANM_CONSTANT_NUMBERS  /* floats as fp32, others as int32 */
} anm_constant_form;

/* What was made of the value before; NULL: nothing. */
const anm_tensor *anm_constants_find(const anm_flow *g, const anm_mil_value *value,
                                     anm_constant_form form);
/* Where it is to be made: the arena of all plans, or the plan's own. */
anm_arena *anm_constants_arena(const anm_flow *g, const anm_mil_value *value);
/* Keeps what was made, in that arena, and counts it (g->copied). False when memory is out. */
bool anm_constants_keep(anm_flow *g, const anm_mil_value *value, anm_constant_form form,
                        const anm_tensor *made);

/* The constant as dense numbers: decoded now, or before. */
ANM_MUST_CHECK anm_status anm_constants_decode(anm_flow *g, const anm_mil_value *value,
                                               anm_tensor *out, anm_error *err);

#endif

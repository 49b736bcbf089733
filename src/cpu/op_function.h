/* SPDX-License-Identifier: MIT */
/* A function made of a few ops of another. */
#ifndef ANM_CPU_OP_FUNCTION_H
#define ANM_CPU_OP_FUNCTION_H

#include "src/base/arena.h"
#include "src/mil/ir.h"

/*
 * A function of these ops, in their order: constants that they read are defined in it, everything
 * else that they read and do not give themselves are its inputs, by first use. Values are those of
 * `whole`, with their numbers. It has no outputs: body->outputs are the caller's to set. NULL when
 * memory is out.
 */
anm_mil_function *anm_op_function(anm_arena *arena, const anm_mil_function *whole,
                                  const anm_mil_op *const *ops, size_t count);

#endif

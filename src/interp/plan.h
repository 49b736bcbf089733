/* SPDX-License-Identifier: MIT */
/*
 * A function made ready to run: kernels looked up, constants decoded, and for each op the values
 * that nobody needs after it. Private to src/interp.
 */
#ifndef ANM_INTERP_PLAN_H
#define ANM_INTERP_PLAN_H

#include "src/base/arena.h"
#include "src/interp/interp.h"
#include "src/interp/kernels.h"

typedef struct anm_plan_block anm_plan_block;

typedef struct anm_plan_step {
    const anm_mil_op *op;
    const anm_kernel *kernel;
    anm_plan_block **blocks;  /* op->block_count */
    const uint32_t *released; /* values whose last use is this op */
    size_t released_count;
    bool moves; /* read_state whose state is written again before anybody reads it */
} anm_plan_step;

struct anm_plan_block {
    const anm_mil_block *block;
    anm_plan_step *steps; /* constants are not among them */
    size_t count;
};

struct anm_interp {
    anm_arena *arena;
    const anm_mil_function *function;
    anm_precision precision;
    anm_rvalue *constants; /* by value id; empty where not constant */
    anm_plan_block *body;
};

/* Fills interp->constants and interp->body; memory is in interp->arena. */
ANM_MUST_CHECK anm_status anm_plan_build(anm_interp *interp, anm_error *err);

typedef struct anm_run {
    const anm_interp *interp;
    anm_rvalue *slots; /* by value id */
    anm_account account;
    int depth; /* of nested blocks */
    anm_error *err;
} anm_run;

/* Runs a block; its outputs are then in the slots. Used by control flow kernels. */
ANM_MUST_CHECK anm_status anm_run_block(anm_run *run, const anm_plan_block *block);
/* The value behind an id: a constant or a slot. */
const anm_rvalue *anm_run_value(const anm_run *run, const anm_mil_value *value);

#endif

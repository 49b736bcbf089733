/* SPDX-License-Identifier: MIT */
/*
 * A function made ready to run: kernels looked up, constants decoded, and for each op the values
 * that nobody needs after it. Private to src/interp, and to who runs some of the ops in its stead
 * (anm_interp_hook; src/cpu/parts.h).
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
    bool has_state;
} anm_plan_step;

struct anm_plan_block {
    const anm_mil_block *block;
    anm_plan_step *steps; /* constants are not among them */
    size_t count;
    uint32_t number; /* below anm_interp.block_count; a nested block has a higher one */
};

struct anm_interp {
    anm_arena *arena;
    const anm_mil_function *function;
    anm_precision precision;
    anm_rvalue *constants; /* by value id; empty where not constant */
    anm_plan_block *body;
    uint32_t block_count;
};

/* Fills interp->constants and interp->body; memory is in interp->arena. */
ANM_MUST_CHECK anm_status anm_plan_build(anm_interp *interp, anm_error *err);

typedef struct anm_run anm_run;

/*
 * Somebody who runs some of the ops. States then stay in the caller's memory until the interpreter
 * itself reaches an op that has one: anm_run_states_out() brings them back there.
 */
typedef struct anm_interp_hook {
    void *context;
    /* Runs some of the block's steps from `at` on and gives their number; 0: not this one. */
    anm_status (*run)(void *context, anm_run *run, const anm_plan_block *block, size_t at,
                      size_t *done);
    /* NULL, or told how long the interpreter took for a step without blocks. */
    void (*timed)(void *context, const anm_plan_block *block, size_t at, uint64_t nanoseconds);
} anm_interp_hook;

struct anm_run {
    const anm_interp *interp;
    const anm_interp_hook *hook; /* may be NULL */
    anm_tensor *states;          /* the caller's */
    size_t state_count;
    anm_rvalue *slots; /* by value id */
    anm_account account;
    int depth; /* of nested blocks */
    anm_error *err;
};

/* Like anm_interp_run(). */
ANM_MUST_CHECK anm_status anm_interp_run_hooked(const anm_interp *interp,
                                                const anm_interp_hook *hook,
                                                const anm_tensor *inputs, size_t input_count,
                                                anm_tensor *states, size_t state_count,
                                                anm_interp_result **out, anm_error *err);
/* Stores what slots hold of states in the caller's memory, and empties the slots. */
void anm_run_states_out(anm_run *run);
/* Empties the slots of values that nobody needs after the step. */
void anm_run_release(anm_run *run, const anm_plan_step *step);

/* Runs a block; its outputs are then in the slots. Used by control flow kernels. */
ANM_MUST_CHECK anm_status anm_run_block(anm_run *run, const anm_plan_block *block);
/* The value behind an id: a constant or a slot. */
const anm_rvalue *anm_run_value(const anm_run *run, const anm_mil_value *value);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The fast engine's front: a function made ready for the shapes of one call, and running it.
 * docs/engine.md is the design.
 */
#ifndef ANM_CPU_ENGINE_H
#define ANM_CPU_ENGINE_H

#include "src/cpu/isa.h"
#include "src/cpu/matmul.h"
#include "src/cpu/pool.h"
#include "src/interp/interp.h"
#include "src/pass/constants.h"
#include "src/pass/view.h"

typedef struct anm_engine anm_engine;

typedef struct anm_engine_options {
    anm_isa isa;
    anm_matmul matmul;
    anm_dtype state_dtype; /* of states that are declared float; NONE: as declared */
    int threads;           /* most that will run it */
    const char *skip;      /* passes to leave out; NULL: the environment's */
    bool validate;         /* the function after each pass */
    anm_constants *constants; /* shared by the engines of the function, and outlives them; NULL:
                               * the engine keeps its own */
    bool parts; /* a function that no plan can hold is run in parts (parts.h), not refused */
    bool part;  /* it is one: inputs are read where they lie, little work takes one thread only */
    uint32_t *refused; /* NULL, or gets the number of a value of the op that has no plan */
} anm_engine_options;

/*
 * Optimises and plans a validated function, which must stay. `inputs` has a tensor for each input
 * that is not a state (matched by name), of which the shape is used. ANM_ERROR_UNSUPPORTED: the
 * function is one for the interpreter.
 */
ANM_MUST_CHECK anm_status anm_engine_create(const anm_mil_function *function,
                                            const anm_tensor *inputs, size_t input_count,
                                            const anm_engine_options *options, anm_engine **out,
                                            anm_error *err);
void anm_engine_destroy(anm_engine *engine);
/* Whether the shapes are those that it was made for; a function in parts takes any. */
bool anm_engine_fits(const anm_engine *engine, const anm_tensor *inputs, size_t input_count);

/* The shape of an output; not of a function in parts. */
const anm_view *anm_engine_output_view(const anm_engine *engine, size_t index);

/* Bytes that a run works in; of constants that were copied; ops left to the interpreter. */
typedef struct anm_engine_facts {
    size_t workspace, copied, steps, phases, fallbacks;
} anm_engine_facts;
anm_engine_facts anm_engine_get_facts(const anm_engine *engine);

/*
 * Runs once, on the threads of `pool`; any number of callers at a time. States are updated in
 * place, partly if the run fails. The result's tensors are fp32 and int32 (or, of a function in
 * parts, integers of the declared type); they live until it is released, which must be before the
 * engine is.
 */
typedef struct anm_engine_result anm_engine_result;
ANM_MUST_CHECK anm_status anm_engine_run(anm_engine *engine, anm_pool *pool,
                                         const anm_tensor *inputs, size_t input_count,
                                         anm_tensor *states, size_t state_count,
                                         anm_engine_result **out, anm_error *err);
/* In the order of the function's outputs; `declared` (may be NULL) gets their declared types. */
const anm_tensor *anm_engine_result_tensors(const anm_engine_result *result, size_t *count,
                                            const anm_dtype **declared);
void anm_engine_result_release(anm_engine_result *result); /* NULL is fine */

/* Time per step of the next runs, on the calling thread; see anm_engine_profile_*. */
typedef struct anm_engine_timing {
    const char *kind;      /* of the step: "anm_linear" */
    const char *label;     /* of the op; may be NULL */
    const char *kernel;    /* of a product's first matrix; NULL for other steps */
    uint64_t nanoseconds;  /* of all runs since profiling began */
    uint64_t bytes, flops; /* of one run: read of weights; computed */
    int phase;             /* a barrier separates phases */
    bool interpreted;      /* the interpreter runs it */
    uint64_t cache_bytes;  /* of all runs: of keys and values read */
} anm_engine_timing;
void anm_engine_profile(anm_engine *engine, bool on);
size_t anm_engine_profile_count(const anm_engine *engine); /* 0: not profiling */
/* The step may be looked at, with no time, while not profiling. */
anm_engine_timing anm_engine_profile_at(const anm_engine *engine, size_t index);

#endif

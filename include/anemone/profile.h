/* SPDX-License-Identifier: MIT */
/*
 * Where a function's time goes. Profiling concerns the fast engine's plans of a function, those
 * made before it is switched on; not to be switched while the function runs.
 */
#ifndef ANEMONE_PROFILE_H
#define ANEMONE_PROFILE_H

#include "anemone/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a plan is like. */
typedef struct anm_plan_facts {
    size_t workspace; /* bytes that a run works in */
    size_t copied;    /* bytes of constants that could not be used where they are mapped */
    size_t steps;     /* of which some run in the interpreter: */
    size_t fallbacks;
    size_t phases;    /* barriers between the threads */
} anm_plan_facts;

/* How many plans a function has: one for each set of input shapes that it was run with. */
typedef struct anm_plan_counts {
    size_t kept;            /* now */
    uint64_t made, dropped; /* since the program was opened */
} anm_plan_counts;
ANM_API anm_plan_counts anm_function_plans(const anm_function *function);

/* A step of a plan. Strings live as long as the plan, which goes when others take its place (see
 * `plans` of anm_predict_options) and with the program. */
typedef struct anm_step_timing {
    const char *kind;     /* "anm_linear" */
    const char *label;    /* of the op; may be NULL */
    uint64_t nanoseconds; /* on the calling thread, waiting included, since profiling began */
    uint64_t bytes;       /* of weights that one run reads */
    uint64_t flops;       /* that one run computes with them */
    int phase;            /* from 0; a barrier separates phases */
    int interpreted;      /* the interpreter runs it: the engine has no kernel for this */
    uint64_t cache_bytes; /* of keys and values read since profiling began */
    const char *kernel;   /* that multiplies by a constant matrix, as "gemm_int16_avx2"; NULL */
} anm_step_timing;

/*
 * Makes the fast engine's plan for inputs of their default shapes, which the first prediction would
 * make otherwise. With ANM_ENGINE_FAST it is ANM_ERROR_UNSUPPORTED, telling why, if the function is
 * one for the interpreter; otherwise that is ANM_OK and there is no plan. `options` may be NULL.
 */
ANM_API ANM_MUST_CHECK anm_status anm_function_prepare(const anm_function *function,
                                                       const anm_predict_options *options,
                                                       anm_error *err);

/*
 * The same for other shapes: those of `inputs`, matched by name, whose data is not looked at; an
 * input that is not given has its default shape. A plan for each enumerated shape can be made so
 * before the first prediction.
 */
ANM_API ANM_MUST_CHECK anm_status anm_function_prepare_shapes(const anm_function *function,
                                                              const anm_tensor *inputs,
                                                              size_t input_count,
                                                              const anm_predict_options *options,
                                                              anm_error *err);

/* The plan of a function used or prepared last; false if it has none (never run, or run by the
 * interpreter). */
ANM_API int anm_function_plan(const anm_function *function, anm_plan_facts *facts);
/* Switches timing of all plans of the function; switching it on begins anew. */
ANM_API void anm_function_profile(const anm_function *function, int on);
/* Steps of the plan used or prepared last, in order, their times being those since profiling
 * began; 0: no plan. */
ANM_API size_t anm_function_step_count(const anm_function *function);
ANM_API anm_step_timing anm_function_step(const anm_function *function, size_t index);

#ifdef __cplusplus
}
#endif

#endif

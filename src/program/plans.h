/* SPDX-License-Identifier: MIT */
/*
 * The plans of a function: one for each set of input shapes that it was run with (and precisions,
 * level of instructions and number of threads), the one used last in front. When there are more
 * than a bound, the one not used for longest goes, once nobody runs it.
 */
#ifndef ANM_PROGRAM_PLANS_H
#define ANM_PROGRAM_PLANS_H

#include "src/cpu/engine.h"

typedef struct anm_function anm_function;

/* What a plan is made for. `inputs` are those of one call, by name. */
typedef struct anm_plan_key {
    const anm_tensor *inputs;
    size_t input_count;
    anm_precision precision;
    anm_isa isa;
    anm_matmul matmul;
    int threads;
} anm_plan_key;

typedef struct anm_shape_key {
    int rank;
    int64_t shape[ANM_MAX_RANK];
} anm_shape_key;

typedef struct anm_kept_plan anm_kept_plan;
struct anm_kept_plan {
    anm_kept_plan *next;
    anm_engine *engine; /* NULL: these shapes are for the interpreter */
    anm_pool *pool;
    anm_error reason; /* why there is no engine */
    anm_precision precision;
    anm_isa isa;
    anm_matmul matmul;
    int threads;
    int users;    /* runs at this moment */
    bool dropped; /* from the list: the last user releases it */
    anm_shape_key shapes[];
};

typedef struct anm_plans {
    anm_kept_plan *first;
    anm_constants *constants; /* shared by the plans */
    size_t count;
    uint64_t made, dropped;
} anm_plans;

enum { ANM_PLANS_MOST = 16 };

/*
 * The plan for a key, made if there is none, and kept until anm_plans_unuse(); `most` bounds the
 * list. All four need the program's lock.
 */
ANM_MUST_CHECK anm_status anm_plans_use(anm_function *f, const anm_plan_key *key, size_t most,
                                        anm_kept_plan **out, anm_error *err);
void anm_plans_unuse(anm_kept_plan *plan);
anm_kept_plan *anm_plans_latest(const anm_function *f); /* that has an engine; may be NULL */
void anm_plans_release(anm_function *f);                /* all; nobody may be using one */

#endif

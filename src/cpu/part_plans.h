/* SPDX-License-Identifier: MIT */
/* What the files of src/cpu/parts.h share: the plans of parts, found or made. */
#ifndef ANM_CPU_PART_PLANS_H
#define ANM_CPU_PART_PLANS_H

#include <pthread.h>

#include "src/cpu/parts.h"
#include "src/interp/plan.h"

typedef struct anm_part_shape {
    int rank;
    int64_t dims[ANM_MAX_RANK];
} anm_part_shape;

/* A plan of the steps from a cut up to `to`. */
typedef struct anm_part anm_part;
struct anm_part {
    anm_part *next;
    size_t to;
    anm_engine *engine;           /* NULL: one step, the interpreter's */
    anm_mil_value **inputs;       /* that are no states */
    size_t input_count;
    anm_mil_value **outputs;
    size_t output_count;
    bool has_state;
    int users;                    /* runs at this moment */
    anm_part_shape shapes[];      /* of what the cut reads */
};

/*
 * A loop whose values grow meets new shapes each time. A cut that has so many plans lets the
 * interpreter have what fits none, and takes one in eight of these in the place of the oldest.
 */
enum { ANM_PART_PLANS_MOST = 64, ANM_PART_PLANS_RENEW = 8 };

/* A step where parts begin. What is read from before decides which of its plans it is. */
typedef struct anm_cut {
    anm_mil_value **reads; /* no constants, no states */
    size_t read_count, count, missed;
    anm_part *first;       /* the one used last in front */
} anm_cut;

typedef struct anm_part_block {
    const anm_plan_block *block;
    size_t *end;     /* by step: where the stretch that it is in ends; its own number: in none */
    anm_cut **cuts;  /* by step; NULL: none began there yet */
    uint64_t *ticks; /* by step: the interpreter's time; NULL: not profiling */
} anm_part_block;

struct anm_parts {
    anm_arena *arena;
    const anm_mil_function *function;
    anm_interp *interp;
    anm_engine_options options;
    anm_constants *constants;
    anm_part_block *blocks; /* by number */
    pthread_mutex_t lock;   /* of cuts and their lists */
    bool profiling;
};

/* Where stretches end, for a block and those nested in it. */
ANM_MUST_CHECK anm_status anm_parts_mark(anm_parts *parts, const anm_plan_block *block,
                                         anm_error *err);
/* The cut at a step; made if there is none. NULL when memory is out. Under the lock. */
anm_cut *anm_part_cut(anm_parts *parts, anm_part_block *b, size_t at);
/* Makes the plan for these shapes (as many as the cut reads) and puts it in front. Likewise. */
ANM_MUST_CHECK anm_status anm_part_plan(anm_parts *parts, anm_part_block *b, size_t at,
                                        const anm_part_shape *shapes, anm_part **out,
                                        anm_error *err);
void anm_part_destroy(anm_part *part);

#endif

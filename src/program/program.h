/* SPDX-License-Identifier: MIT */
/* What the files of the program tier share: programs, functions, states. */
#ifndef ANM_PROGRAM_PROGRAM_H
#define ANM_PROGRAM_PROGRAM_H

#include <pthread.h>

#include "anemone/inspect.h"
#include "src/interp/interp.h"
#include "src/mil/validate.h"
#include "src/package/package.h"
#include "src/program/plans.h"

enum { ANM_PRECISIONS = 2 };

typedef struct anm_wide_function anm_wide_function;

struct anm_function {
    anm_program *program;
    const anm_mil_function *mil;
    const char *name;
    anm_feature *inputs, *outputs, *states;
    size_t input_count, output_count, state_count;
    anm_interp *interps[ANM_PRECISIONS]; /* made at first use, under the program's lock */
    anm_plans plans;                     /* likewise */
    anm_op_count *ops;                   /* of a program opened to inspect */
    size_t op_count;
};

struct anm_program {
    anm_package *package;
    anm_function *functions; /* in the order of the description */
    size_t function_count;
    anm_wide_function *wide; /* made of the functions: wide.c; under the lock */
    pthread_mutex_t lock;
    bool broken;      /* opened to inspect although it cannot run */
    anm_arena *arena; /* of what follows; only when opened to inspect */
    const char **problems;
    size_t problem_count;
    anm_mil_report report;
    anm_weight_count *weights;
    size_t weight_count;
};

struct anm_state {
    anm_precision precision;
    anm_tensor *tensors; /* names and data are the state's own */
    void **memory;       /* by tensor: where its data lie, aligned */
    size_t count;
};

/* A caller's number may be any; it indexes interps[]. */
ANM_MUST_CHECK anm_status anm_precision_check(anm_precision precision, anm_error *err);

/* ANM_ERROR_ARGUMENT if its program was opened to inspect although it cannot run. */
ANM_MUST_CHECK anm_status anm_function_check_usable(const anm_function *f, anm_error *err);

/* The function's interpreter for a precision, made ready if it is the first use. */
ANM_MUST_CHECK anm_status anm_function_interp(const anm_function *f, anm_precision precision,
                                              anm_interp **out, anm_error *err);

void anm_program_release_wide(anm_program *program);

/* Binds the functions of an open package to their descriptions. */
ANM_MUST_CHECK anm_status anm_program_bind(anm_program *program, anm_error *err);

/* That an input of this name exists. */
ANM_MUST_CHECK anm_status anm_function_check_name(const anm_function *f, const char *name,
                                                  anm_error *err);

/* Checks a shape given for a feature: fixed, ranged or enumerated. */
ANM_MUST_CHECK anm_status anm_feature_check_shape(const anm_feature *feature, const char *function,
                                                  const int64_t *shape, int rank, anm_error *err);

#endif

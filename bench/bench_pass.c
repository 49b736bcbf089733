/* SPDX-License-Identifier: MIT */
/*
 * What a pass is worth: bench_pass PACKAGE PASS [THREADS [RUNS]] makes two plans of the package's
 * first function, one without the pass, and runs them in turns in one process, as two processes
 * may differ by more than a pass gains. For functions without states.
 */
#include <stdio.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/base/dtype.h"
#include "src/cpu/engine.h"
#include "src/package/package.h"

enum { MOST_INPUTS = 16, MOST_RUNS = 9999, WARM = 3 };

typedef struct contest {
    anm_tensor inputs[MOST_INPUTS];
    size_t input_count;
    anm_pool *pool;
    anm_engine *engines[2]; /* with the pass, and without */
    double microseconds[2][MOST_RUNS];
} contest;

static contest c;

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers of -1 to 1; integers are 0. Unknown dimensions are 1. */
static anm_status make_input(const anm_mil_value *value, anm_tensor *t, anm_error *err) {
    const anm_mil_type *type = value->type;
    if (type->kind != ANM_MIL_TENSOR || type->rank < 0)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, value->name, "a state, or of unknown rank");
    bool floats = anm_dtype_is_float(type->dtype);
    int64_t n = 1;
    t->name = value->name;
    t->dtype = floats ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32;
    t->rank = type->rank;
    for (int i = 0; i < type->rank; i++)
        n *= t->shape[i] = type->shape[i] > 0 ? type->shape[i] : 1;
    t->bytes = (size_t)n * 4;
    float *data = calloc((size_t)n, 4);
    if (!data) return anm_fail_memory(err);
    for (int64_t i = 0; floats && i < n; i++) data[i] = (float)(i * 7919 % 1000) / 500 - 1;
    t->data = data;
    return ANM_OK;
}

static anm_status prepare(const anm_mil_function *f, const char *pass, int threads,
                          anm_error *err) {
    const char *skip[2] = {"none", pass};
    if (f->input_count > MOST_INPUTS)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, f->name, "more than %d inputs", MOST_INPUTS);
    for (; c.input_count < f->input_count; c.input_count++)
        ANM_TRY(make_input(f->inputs[c.input_count], &c.inputs[c.input_count], err));
    ANM_TRY(anm_pool_create(threads, &c.pool, err));
    for (int i = 0; i < 2; i++) {
        anm_engine_options o = {.isa = anm_isa_best(), .threads = threads, .skip = skip[i]};
        ANM_TRY(anm_engine_create(f, c.inputs, c.input_count, &o, &c.engines[i], err));
    }
    return ANM_OK;
}

static anm_status time_run(anm_engine *engine, double *microseconds, anm_error *err) {
    anm_engine_result *result;
    uint64_t before = anm_nanoseconds();
    ANM_TRY(anm_engine_run(engine, c.pool, c.inputs, c.input_count, NULL, 0, &result, err));
    *microseconds = (double)(anm_nanoseconds() - before) / 1e3;
    anm_engine_result_release(result);
    return ANM_OK;
}

/* Who begins changes with each turn. */
static anm_status take_turns(int runs, anm_error *err) {
    for (int r = -WARM; r < runs; r++)
        for (int k = 0; k < 2; k++) {
            int i = r % 2 == 0 ? k : 1 - k;
            ANM_TRY(time_run(c.engines[i], &c.microseconds[i][r < 0 ? 0 : r], err));
        }
    return ANM_OK;
}

static void report(const char *pass, int runs) {
    for (int i = 0; i < 2; i++) {
        double *t = c.microseconds[i];
        qsort(t, (size_t)runs, sizeof *t, ascending);
        printf("%s %-14s least %8.1f, quarter %8.1f, median %8.1f us, workspace %zu bytes\n",
               i ? "without" : "with   ", pass, t[0], t[runs / 4], t[runs / 2],
               anm_engine_get_facts(c.engines[i]).workspace);
    }
    printf("with / without: quarter %.3f, median %.3f\n",
           c.microseconds[0][runs / 4] / c.microseconds[1][runs / 4],
           c.microseconds[0][runs / 2] / c.microseconds[1][runs / 2]);
}

int main(int argc, char **argv) {
    anm_package *package = NULL;
    anm_error err;
    int threads = argc > 3 ? atoi(argv[3]) : 1, runs = argc > 4 ? atoi(argv[4]) : 200;
    if (argc < 3 || threads < 1 || runs < 1 || runs > MOST_RUNS) {
        fprintf(stderr, "usage: bench_pass PACKAGE PASS [THREADS [RUNS]]\n");
        return 2;
    }
    anm_status status = anm_package_open(argv[1], 0, &package, &err);
    if (status == ANM_OK)
        status = prepare(package->program->functions[0], argv[2], threads, &err);
    if (status == ANM_OK) status = take_turns(runs, &err);
    if (status == ANM_OK) report(argv[2], runs);
    else fprintf(stderr, "bench_pass: %s: %s\n", err.where, err.message);
    for (int i = 0; i < 2; i++) anm_engine_destroy(c.engines[i]);
    anm_pool_destroy(c.pool);
    anm_package_close(package);
    for (size_t i = 0; i < c.input_count; i++) free(c.inputs[i].data);
    return status != ANM_OK;
}

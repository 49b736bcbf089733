/* SPDX-License-Identifier: MIT */
/* Running functions of packages through the interpreter, and comparing tensors. */
#ifndef ANM_TESTS_INTERP_RUN_H
#define ANM_TESTS_INTERP_RUN_H

#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/interp/interp.h"
#include "src/package/package.h"

typedef struct loaded {
    anm_package *package;
    anm_interp *interp;
} loaded;

/* Opens a package and readies one function; NULL: the only one. */
static inline loaded load_function(const char *path, const char *function,
                                   anm_precision precision) {
    loaded l = {0};
    anm_error err;
    assert_ok(anm_package_open(path, 0, &l.package, &err), &err);
    anm_mil_program *program = l.package->program;
    anm_mil_function *f =
        function ? anm_mil_program_find(program, function) : program->functions[0];
    if (!f) fail_msg("%s has no function %s", path, function ? function : "at all");
    assert_ok(anm_interp_create(f, precision, &l.interp, &err), &err);
    return l;
}

static inline void unload(loaded *l) {
    anm_interp_destroy(l->interp);
    anm_package_close(l->package);
    *l = (loaded){0};
}

static inline anm_tensor make_tensor(const char *name, anm_dtype dtype, int rank,
                                     const int64_t *shape, void *data) {
    anm_tensor t = {.name = name, .dtype = dtype, .rank = rank, .data = data};
    for (int i = 0; i < rank; i++) t.shape[i] = shape[i];
    assert_true(anm_dtype_bytes(dtype, anm_shape_elements(shape, rank), &t.bytes));
    return t;
}

static inline anm_interp_result *run_loaded(const loaded *l, const anm_tensor *inputs, size_t n,
                                            anm_tensor *states, size_t state_count) {
    anm_interp_result *result;
    anm_error err;
    assert_ok(anm_interp_run(l->interp, inputs, n, states, state_count, &result, &err), &err);
    return result;
}

static inline const anm_tensor *find_output(const anm_interp_result *result, const char *name) {
    size_t n;
    const anm_tensor *t = anm_interp_result_tensors(result, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0) return &t[i];
    fail_msg("no output %s", name);
    return NULL;
}

/* Largest difference, and the standard deviation of what is expected. */
typedef struct difference {
    double largest, deviation;
    int64_t different; /* elements that are not equal */
} difference;

static inline difference compare_elements(const anm_tensor *got, int64_t offset,
                                          const anm_tensor *expected, int64_t expected_offset,
                                          int64_t n) {
    difference d = {0};
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        double a = anm_element_get(got->dtype, got->data, offset + i);
        double b = anm_element_get(expected->dtype, expected->data, expected_offset + i);
        sum += b;
        squares += b * b;
        if (a == b || (isnan(a) && isnan(b))) continue;
        d.different++;
        if (!(fabs(a - b) <= d.largest)) d.largest = fabs(a - b);
    }
    double mean = sum / (double)n;
    d.deviation = sqrt(fmax(squares / (double)n - mean * mean, 0));
    return d;
}

static inline difference compare_tensors(const anm_tensor *got, const anm_tensor *expected) {
    int64_t n = anm_shape_elements(expected->shape, expected->rank);
    assert_int_equal(anm_shape_elements(got->shape, got->rank), n);
    return compare_elements(got, 0, expected, 0, n);
}

#endif

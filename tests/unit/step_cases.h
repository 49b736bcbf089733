/* SPDX-License-Identifier: MIT */
/*
 * A function as text, run on numbers made here: the engine's steps at every level of instructions,
 * with one and three threads, none of them left to the interpreter, against the interpreter's fp32
 * arithmetic.
 */
#ifndef ANM_TESTS_STEP_CASES_H
#define ANM_TESTS_STEP_CASES_H

#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/cpu/engine.h"
#include "tests/unit/interp_cases.h"

#define F(dims) "tensor<fp32, [" dims "]>"
#define H(dims) "tensor<fp16, [" dims "]>"
#define I(dims) "tensor<int32, [" dims "]>"
#define AXES(...) "axes = tensor<int32, [1]>([" __VA_ARGS__ "])"

typedef struct step_case {
    const char *inputs, *body, *outputs;
} step_case;

static uint32_t seed;

/* In -3 .. 3; integers 0 to 4, which are places in what is gathered from. */
static inline anm_tensor random_input(const anm_mil_value *value) {
    const anm_mil_type *type = value->type;
    anm_tensor t = {.name = value->name, .dtype = ANM_DTYPE_FP32, .rank = type->rank};
    memcpy(t.shape, type->shape, sizeof t.shape);
    int64_t n = anm_shape_elements(t.shape, t.rank);
    t.bytes = (size_t)n * 4;
    t.data = malloc(t.bytes + 1);
    assert_non_null(t.data);
    if (!anm_dtype_is_float(type->dtype)) t.dtype = ANM_DTYPE_INT32;
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        double x = (double)(int32_t)seed * 0x1p-31;
        anm_element_set(t.dtype, t.data, i, t.dtype == ANM_DTYPE_FP32 ? 3 * x : seed >> 16 & 3);
    }
    return t;
}

typedef struct outcome {
    double *values;
    size_t count;
} outcome;

static inline outcome collect(const anm_tensor *t, size_t outputs) {
    outcome o = {0};
    for (size_t i = 0; i < outputs; i++)
        o.count += (size_t)anm_shape_elements(t[i].shape, t[i].rank);
    o.values = malloc(o.count * sizeof *o.values + 1);
    assert_non_null(o.values);
    for (size_t i = 0, at = 0; i < outputs; i++) {
        int64_t n = anm_shape_elements(t[i].shape, t[i].rank);
        for (int64_t k = 0; k < n; k++, at++)
            o.values[at] = anm_element_get(t[i].dtype, t[i].data, k);
    }
    return o;
}

static inline outcome by_interpreter(const anm_mil_function *f, const anm_tensor *inputs) {
    anm_interp *interp;
    anm_interp_result *result;
    anm_error err;
    size_t count;
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP32, &interp, &err), &err);
    assert_ok(anm_interp_run(interp, inputs, f->input_count, NULL, 0, &result, &err), &err);
    const anm_tensor *t = anm_interp_result_tensors(result, &count);
    outcome o = collect(t, count);
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    return o;
}

static const char *skipped; /* passes that by_engine() leaves out; NULL: none */

static inline outcome by_engine(const step_case *c, const anm_mil_function *f,
                                const anm_tensor *inputs, anm_isa isa, int threads) {
    anm_engine_options options = {.isa = isa, .state_dtype = ANM_DTYPE_FP32, .threads = threads,
                                  .skip = skipped, .validate = true};
    anm_engine *engine;
    anm_engine_result *result;
    anm_pool *pool;
    anm_error err;
    size_t count;
    assert_ok(anm_pool_create(threads, &pool, &err), &err);
    assert_ok(anm_engine_create(f, inputs, f->input_count, &options, &engine, &err), &err);
    if (anm_engine_get_facts(engine).fallbacks)
        fail_msg("%s\n  %zu ops are left to the interpreter", c->body,
                 anm_engine_get_facts(engine).fallbacks);
    assert_ok(anm_engine_run(engine, pool, inputs, f->input_count, NULL, 0, &result, &err), &err);
    const anm_tensor *t = anm_engine_result_tensors(result, &count, NULL);
    outcome o = collect(t, count);
    anm_engine_result_release(result);
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    return o;
}

/* In units of the root mean square; fp32 rounding over sums of up to a thousand. */
static inline void compare(const step_case *c, anm_isa isa, const outcome *got,
                           const outcome *want) {
    double squares = 0;
    assert_int_equal(got->count, want->count);
    for (size_t i = 0; i < want->count; i++) squares += want->values[i] * want->values[i];
    double unit = sqrt(squares / (double)want->count + 1e-30);
    for (size_t i = 0; i < want->count; i++)
        if (!(fabs(got->values[i] - want->values[i]) <= 2e-5 * unit))
            fail_msg("%s\n  at %s, element %zu: got %.9g, expected %.9g", c->body,
                     anm_isa_name(isa), i, got->values[i], want->values[i]);
}

static inline void check(const step_case *c) {
    anm_mil_program *program = parse_case(c->inputs, c->body, c->outputs, NULL);
    op_case as_case = {.body = c->body};
    const anm_mil_function *f = program->functions[0];
    anm_tensor inputs[CASE_INPUTS];
    program->optimised = strstr(c->body, "anm_") != NULL;
    validate_case(&as_case, program);
    seed = 11;
    for (size_t i = 0; i < f->input_count; i++) inputs[i] = random_input(f->inputs[i]);
    outcome want = by_interpreter(f, inputs);
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++)
        for (int threads = 1; threads <= 3 && anm_isa_available((anm_isa)isa); threads += 2) {
            outcome got = by_engine(c, f, inputs, (anm_isa)isa, threads);
            compare(c, (anm_isa)isa, &got, &want);
            free(got.values);
        }
    free(want.values);
    for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
    anm_mil_program_destroy(program);
}

#define CHECK(cases)                                                                               \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++) check(&cases[case_])

/* One engine run of a text that may be anything: a status comes back, and memory is kept to. */
static inline void run_engine_anyhow(const anm_mil_function *f, anm_pool *pool) {
    anm_engine_options options = {.isa = ANM_ISA_C, .state_dtype = ANM_DTYPE_FP32, .threads = 1,
                                  .parts = true};
    anm_tensor inputs[CASE_INPUTS];
    anm_engine *engine = NULL;
    anm_engine_result *result = NULL;
    anm_error err;
    for (size_t i = 0; i < f->input_count; i++) inputs[i] = random_input(f->inputs[i]);
    anm_status status = anm_engine_create(f, inputs, f->input_count, &options, &engine, &err);
    if (status == ANM_OK)
        status = anm_engine_run(engine, pool, inputs, f->input_count, NULL, 0, &result, &err);
    assert_true(status != ANM_ERROR_INTERNAL);
    anm_engine_result_release(result);
    anm_engine_destroy(engine);
    for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
}

static size_t mutants_tried, mutants_run;

/* The case with `body` in its place, if it is valid. */
static inline void run_body_anyhow(const step_case *c, const char *body, anm_pool *pool) {
    anm_strbuf text = {0};
    anm_mil_program *program = NULL;
    anm_arena *arena = anm_arena_create();
    anm_error err;
    anm_strbuf_printf(&text, "program(1.3)\n{\nfunc main<ios18>(%s) {\n%s\n} -> (%s);\n}",
                      c->inputs, body, c->outputs);
    anm_status status = anm_mil_text_parse(text.data, text.len, "mutated", &program, &err);
    if (status == ANM_OK) status = anm_mil_validate(program, arena, NULL, &err);
    if (status == ANM_OK) run_engine_anyhow(program->functions[0], pool);
    mutants_tried++;
    mutants_run += status == ANM_OK;
    anm_mil_program_destroy(program);
    anm_arena_destroy(arena);
    anm_strbuf_free(&text);
}

/* Extreme integers in the place of each one in the body. */
static inline void mutate_step(const step_case *c) {
    static const char *const extremes[] = {"-2147483648", "-1", "0", "3", "2147483647"};
    anm_pool *pool;
    anm_error err;
    assert_ok(anm_pool_create(1, &pool, &err), &err);
    for (const char *p = c->body; *p;) {
        size_t at = (size_t)(p - c->body), end = at + strspn(p, "-0123456789");
        bool inside = at && (isalnum((unsigned char)p[-1]) || p[-1] == '.' || p[-1] == '_');
        for (size_t i = 0; i < 5 && end > at && !inside; i++) {
            char *body = with_number(c->body, at, end, extremes[i]);
            run_body_anyhow(c, body, pool);
            free(body);
        }
        p = c->body + (end > at ? end : at + 1);
    }
    anm_pool_destroy(pool);
}

#define MUTATE(cases)                                                                              \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++)                        \
        mutate_step(&cases[case_]);                                                                \
    printf("%zu of %zu mutants are valid\n", mutants_run, mutants_tried)

/* Nested brackets with numbers of -8 .. 8. */
static inline void put_literal(anm_strbuf *out, const int64_t *shape, int rank) {
    if (rank == 0) {
        seed = seed * 1664525u + 1013904223u;
        anm_strbuf_printf(out, "%d", (int)(seed >> 16) % 17 - 8);
        return;
    }
    for (int64_t i = 0; i < shape[0]; i++) {
        anm_strbuf_puts(out, i ? ", " : "[");
        put_literal(out, shape + 1, rank - 1);
    }
    anm_strbuf_puts(out, "]");
}

typedef struct conv_case {
    const char *input, *output;
    int rank;
    int64_t weight[5];
    const char *arguments;
} conv_case;

static inline void put_type(anm_strbuf *out, const int64_t *shape, int rank) {
    anm_strbuf_puts(out, "tensor<fp32, [");
    for (int i = 0; i < rank; i++)
        anm_strbuf_printf(out, "%s%d", i ? ", " : "", (int)shape[i]);
    anm_strbuf_puts(out, "]>");
}

/* A convolution of either kind, whose weights are made here. */
static inline void check_conv(const char *op, const conv_case *c) {
    anm_strbuf body = {0};
    char inputs[80];
    seed = 3;
    anm_strbuf_printf(&body, "tensor<fp32, [%s]> y = %s(x = x, weight = ", c->output, op);
    put_type(&body, c->weight, c->rank);
    anm_strbuf_puts(&body, "(");
    put_literal(&body, c->weight, c->rank);
    anm_strbuf_printf(&body, "), %s);", c->arguments);
    snprintf(inputs, sizeof inputs, "tensor<fp32, [%s]> x", c->input);
    step_case as_step = {inputs, anm_strbuf_cstr(&body), "y"};
    check(&as_step);
    anm_strbuf_free(&body);
}

#endif

/* SPDX-License-Identifier: MIT */
/* The interpreter's cases through the fast engine, on every level of instructions. */
#ifndef ANM_TESTS_ENGINE_CASES_H
#define ANM_TESTS_ENGINE_CASES_H

#include "src/cpu/engine.h"
#include "tests/unit/interp_cases.h"

/* Polynomials of a few units in the last place, sums in another order. */
#define ENGINE_TOLERANCE 1e-5

/* Cases with a plan, and the ops of them that the interpreter ran; printed at the end of a test. */
static size_t engine_cases, engine_fallbacks;

static inline void compare_engine_case(const op_case *c, anm_isa isa,
                                       const anm_engine_result *result) {
    size_t outputs, at = 0;
    const anm_tensor *t = anm_engine_result_tensors(result, &outputs, NULL);
    for (size_t i = 0; i < outputs; i++) {
        int64_t n = anm_shape_elements(t[i].shape, t[i].rank);
        for (int64_t k = 0; k < n; k++, at++) {
            double got = anm_element_get(t[i].dtype, t[i].data, k), want = c->out[at];
            if ((isnan(got) && isnan(want)) || got == want ||
                fabs(got - want) <= ENGINE_TOLERANCE * fmax(1, fabs(want)))
                continue;
            fail_msg("%s\n  at %s: output %s, element %lld: got %.9g, expected %.9g", c->body,
                     anm_isa_name(isa), t[i].name, (long long)k, got, want);
        }
    }
}

static inline void run_engine_case(const op_case *c, const anm_mil_function *f, anm_pool *pool,
                                   anm_isa isa) {
    anm_engine_options options = {.isa = isa, .state_dtype = ANM_DTYPE_FP32, .threads = 2,
                                  .validate = true, .parts = true};
    anm_engine *engine;
    anm_engine_result *result = NULL;
    anm_tensor inputs[CASE_INPUTS];
    anm_error err;
    for (size_t i = 0; i < f->input_count; i++) inputs[i] = case_input(f->inputs[i], c->in[i]);
    anm_status status = anm_engine_create(f, inputs, f->input_count, &options, &engine, &err);
    if (status == ANM_OK) {
        engine_cases++;
        engine_fallbacks += anm_engine_get_facts(engine).fallbacks;
        status = anm_engine_run(engine, pool, inputs, f->input_count, NULL, 0, &result, &err);
        if (status != ANM_OK) printf("%s\n", c->body);
        assert_ok(status, &err);
        compare_engine_case(c, isa, result);
        anm_engine_result_release(result);
    } else if (status != ANM_ERROR_UNSUPPORTED) {
        printf("%s\n", c->body);
        assert_ok(status, &err);
    }
    anm_engine_destroy(engine);
    for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
}

/* The last test of a file: the engine had a plan for enough of the cases above. */
static inline void the_engine_took_part(void **state) {
    (void)state;
    printf("the engine: %zu plans, %zu ops of them by the interpreter\n", engine_cases,
           engine_fallbacks);
    assert_true(engine_cases > 0);
}

/* Functions without a plan are left out. */
static inline void check_engine_case(const op_case *c) {
    anm_mil_program *program = parse_case(c->inputs, c->body, c->outputs, c->function);
    anm_error err;
    anm_pool *pool;
    assert_ok(anm_pool_create(2, &pool, &err), &err);
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++)
        if (anm_isa_available((anm_isa)isa))
            run_engine_case(c, program->functions[0], pool, (anm_isa)isa);
    anm_pool_destroy(pool);
    anm_mil_program_destroy(program);
}

/* What fails in the interpreter fails in the engine, with the same status and op. */
static inline void check_engine_failure(const op_failure *f) {
    anm_mil_program *program = parse_case(f->inputs, f->body, f->outputs, NULL);
    const anm_mil_function *function = program->functions[0];
    anm_engine_options options = {.threads = 1, .parts = true};
    anm_arena *arena = anm_arena_create();
    anm_tensor inputs[CASE_INPUTS];
    anm_engine *engine = NULL;
    anm_engine_result *result = NULL;
    anm_pool *pool;
    anm_error err;
    assert_ok(anm_pool_create(1, &pool, &err), &err);
    if (anm_mil_validate(program, arena, NULL, &err) == ANM_OK) { /* the engine counts on it */
        size_t count = function->input_count;
        for (size_t i = 0; i < count; i++) inputs[i] = case_input(function->inputs[i], f->in[i]);
        anm_status status =
            anm_engine_create(function, inputs, count, &options, &engine, &err);
        if (status == ANM_OK)
            status = anm_engine_run(engine, pool, inputs, count, NULL, 0, &result, &err);
        if (status != f->status || !strstr(err.where, "main"))
            fail_msg("%s\n  %s: %s: %s", f->body, anm_status_name(status), err.where, err.message);
        for (size_t i = 0; i < count; i++) free(inputs[i].data);
    }
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    anm_arena_destroy(arena);
    anm_mil_program_destroy(program);
}

#endif

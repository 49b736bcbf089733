/* SPDX-License-Identifier: MIT */
/* Small programs as MIL text, with inputs and the outputs that they must give. */
#ifndef ANM_TESTS_INTERP_CASES_H
#define ANM_TESTS_INTERP_CASES_H

#include "tests/unit/interp_run.h"

#include <ctype.h>

#include "src/base/str.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"

enum { CASE_INPUTS = 5, CASE_IN = 48, CASE_OUT = 72 };

typedef struct op_case {
    const char *inputs;  /* "tensor<fp32, [2]> x, ..."; tensor types only */
    const char *body;    /* ops */
    const char *outputs; /* names */
    double in[CASE_INPUTS][CASE_IN];
    double out[CASE_OUT]; /* all outputs, one after the other */
    const char *function; /* opset; NULL: ios18 */
} op_case;

static inline anm_mil_program *parse_case(const char *inputs, const char *body, const char *outputs,
                                          const char *opset) {
    anm_strbuf text = {0};
    anm_mil_program *program;
    anm_error err;
    anm_strbuf_printf(&text, "program(1.3)\n{\nfunc main<%s>(%s) {\n%s\n} -> (%s);\n}",
                      opset ? opset : "ios18", inputs, body, outputs);
    assert_false(text.failed);
    anm_status status = anm_mil_text_parse(text.data, text.len, "case", &program, &err);
    if (status != ANM_OK) printf("%s\n", text.data);
    assert_ok(status, &err);
    anm_strbuf_free(&text);
    return program;
}

static inline void validate_case(const op_case *c, const anm_mil_program *program) {
    anm_arena *arena = anm_arena_create();
    anm_error err;
    anm_status status = anm_mil_validate(program, arena, NULL, &err);
    if (status != ANM_OK) printf("%s\n", c->body);
    assert_ok(status, &err);
    anm_arena_destroy(arena);
}

static inline void compare_case(const op_case *c, const anm_interp_result *result) {
    size_t outputs, at = 0;
    const anm_tensor *t = anm_interp_result_tensors(result, &outputs);
    for (size_t i = 0; i < outputs; i++) {
        int64_t n = anm_shape_elements(t[i].shape, t[i].rank);
        for (int64_t k = 0; k < n; k++, at++) {
            assert_true(at < CASE_OUT);
            double got = anm_element_get(t[i].dtype, t[i].data, k), want = c->out[at];
            if (isnan(got) && isnan(want)) continue;
            if (got == want || fabs(got - want) <= 2e-6 * fmax(1, fabs(want))) continue;
            fail_msg("%s\n  output %s, element %lld: got %.9g, expected %.9g", c->body, t[i].name,
                     (long long)k, got, want);
        }
    }
}

static inline anm_tensor case_input(const anm_mil_value *value, const double *numbers) {
    const anm_mil_type *type = value->type;
    anm_tensor t = {.name = value->name, .dtype = type->dtype, .rank = type->rank};
    memcpy(t.shape, type->shape, sizeof t.shape);
    int64_t n = anm_shape_elements(t.shape, t.rank);
    assert_true(n >= 0 && n <= CASE_IN && anm_dtype_bytes(t.dtype, n, &t.bytes));
    t.data = malloc(t.bytes + 1);
    for (int64_t i = 0; i < n; i++) anm_element_set(t.dtype, t.data, i, numbers[i]);
    return t;
}

/* Runs the case and gives its status; a result, if any, is compared. */
static inline anm_status run_case(const op_case *c, const anm_mil_program *program,
                                  anm_precision precision, anm_error *err) {
    const anm_mil_function *f = program->functions[0];
    anm_interp *interp;
    anm_interp_result *result = NULL;
    anm_tensor inputs[CASE_INPUTS];
    anm_status status = anm_interp_create(f, precision, &interp, err);
    if (status != ANM_OK) return status;
    assert_true(f->input_count <= CASE_INPUTS);
    for (size_t i = 0; i < f->input_count; i++) inputs[i] = case_input(f->inputs[i], c->in[i]);
    status = anm_interp_run(interp, inputs, f->input_count, NULL, 0, &result, err);
    if (status == ANM_OK) compare_case(c, result);
    else assert_null(result);
    anm_interp_result_destroy(result);
    for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
    anm_interp_destroy(interp);
    return status;
}

/* The text with the number at [at, end) replaced. */
static inline char *with_number(const char *text, size_t at, size_t end, const char *number) {
    size_t size = strlen(text) + strlen(number) + 1;
    char *out = malloc(size);
    snprintf(out, size, "%.*s%s%s", (int)at, text, number, text + end);
    return out;
}

/* Whatever a program says, a run ends with a status; nothing is compared. */
static inline void run_anyhow(const op_case *c, const char *body) {
    anm_strbuf text = {0};
    anm_mil_program *program;
    anm_interp *interp = NULL;
    anm_interp_result *result = NULL;
    anm_error err;
    anm_strbuf_printf(&text, "program(1.3)\n{\nfunc main<%s>(%s) {\n%s\n} -> (%s);\n}",
                      c->function ? c->function : "ios18", c->inputs, body, c->outputs);
    anm_status status = anm_mil_text_parse(text.data, text.len, "mutated", &program, &err);
    if (status == ANM_OK)
        status = anm_interp_create(program->functions[0], ANM_PRECISION_FP16, &interp, &err);
    if (status == ANM_OK) {
        const anm_mil_function *f = program->functions[0];
        anm_tensor inputs[CASE_INPUTS];
        for (size_t i = 0; i < f->input_count; i++) inputs[i] = case_input(f->inputs[i], c->in[i]);
        status = anm_interp_run(interp, inputs, f->input_count, NULL, 0, &result, &err);
        assert_true((status == ANM_OK) == (result != NULL));
        for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
    }
    assert_true(status != ANM_ERROR_INTERNAL);
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
    anm_strbuf_free(&text);
}

/* Puts extreme integers in the place of each one in the body, unvalidated. */
static inline void mutate_case(const op_case *c) {
    static const char *const extremes[] = {"-2147483648", "-1", "0", "3", "2147483647"};
    if (strstr(c->body, "while_loop")) return; /* a million iterations, each time */
    for (const char *p = c->body; *p;) {
        size_t at = (size_t)(p - c->body), end = at;
        bool starts = (*p >= '0' && *p <= '9') || *p == '-';
        if (!starts || (at && (isalnum((unsigned char)p[-1]) || p[-1] == '.' || p[-1] == '_'))) {
            p++;
            continue;
        }
        end += strspn(p, "-0123456789");
        for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
            char *body = with_number(c->body, at, end, extremes[i]);
            run_anyhow(c, body);
            free(body);
        }
        p = c->body + end;
    }
}

static inline void check_case(const op_case *c) {
    anm_mil_program *program = parse_case(c->inputs, c->body, c->outputs, c->function);
    anm_error err;
    validate_case(c, program);
    for (int p = 0; p < 2; p++) {
        anm_status status = run_case(c, program, (anm_precision)p, &err);
        if (status != ANM_OK) printf("%s\n", c->body);
        assert_ok(status, &err);
    }
    anm_mil_program_destroy(program);
    mutate_case(c);
}

/* What else is to be done with every case; test files set it (engine_cases.h). */
#ifndef CHECK_CASE_TOO
#define CHECK_CASE_TOO(c) (void)(c)
#endif

#define CHECK_CASES(cases)                                                                         \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++) {                      \
        check_case(&cases[case_]);                                                                 \
        CHECK_CASE_TOO(&cases[case_]);                                                             \
    }

typedef struct op_failure {
    const char *inputs, *body, *outputs;
    double in[CASE_INPUTS][CASE_IN];
    anm_status status;
    const char *message; /* a part of it */
} op_failure;

/* Not validated: what the validator would refuse must not hurt either. */
static inline void check_failure(const op_failure *f) {
    op_case c = {.inputs = f->inputs, .body = f->body, .outputs = f->outputs};
    anm_error err = {0};
    memcpy(c.in, f->in, sizeof c.in);
    anm_mil_program *program = parse_case(f->inputs, f->body, f->outputs, NULL);
    anm_status status = run_case(&c, program, ANM_PRECISION_FP16, &err);
    if (status != f->status || !strstr(err.message, f->message) || !strstr(err.where, "main"))
        fail_msg("%s\n  %s: %s: %s", f->body, anm_status_name(status), err.where, err.message);
    anm_mil_program_destroy(program);
}

#ifndef CHECK_FAILURE_TOO
#define CHECK_FAILURE_TOO(f) (void)(f)
#endif

#define CHECK_FAILURES(cases)                                                                      \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++) {                      \
        check_failure(&cases[case_]);                                                              \
        CHECK_FAILURE_TOO(&cases[case_]);                                                          \
    }

#endif

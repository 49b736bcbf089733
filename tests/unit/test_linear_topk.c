/* SPDX-License-Identifier: MIT */
/*
 * The largest results of a product that is never written as a whole: to the bits of a product whose
 * results are all written and then searched, at every level of instructions, with one to three
 * threads; and against the interpreter, with ties and with what is not a number.
 */
#include "tests/unit/step_cases.h"

enum { COLUMNS = 24 };

typedef enum bias_kind { PLAIN, BROKEN, BOTTOMLESS } bias_kind;

typedef struct topk_case {
    int tokens, rows;
    bias_kind bias;
    bool ties; /* inputs of -1 and 1, weights of small integers */
    const char *tail, *outputs;
} topk_case;

/* Two rows are no numbers; or all are minus infinity. */
static void put_bias(anm_strbuf *out, const topk_case *c) {
    for (int i = 0; i < c->rows; i++) {
        const char *special = c->bias == BOTTOMLESS                              ? "-inf"
                              : c->bias == BROKEN && (i == 97 || i == 650) ? "nan"
                                                                                 : NULL;
        anm_strbuf_puts(out, i ? ", " : "([");
        if (special) anm_strbuf_puts(out, special);
        else anm_strbuf_printf(out, "%d", i % 5 - 2);
    }
    anm_strbuf_puts(out, "])");
}

static void put_body(anm_strbuf *out, const topk_case *c) {
    const int64_t shape[2] = {c->rows, COLUMNS};
    seed = 5;
    anm_strbuf_printf(out, "tensor<fp32, [%d, 24]> s = %s;\n", c->tokens,
                      c->ties ? "sign(x = x)" : "mul(x = x, y = fp32(0.5))");
    put_type(out, shape, 2);
    anm_strbuf_puts(out, " w = const()[name = string(\"w\"), val = ");
    put_type(out, shape, 2);
    anm_strbuf_puts(out, "(");
    put_literal(out, shape, 2);
    anm_strbuf_printf(out, ")];\ntensor<fp32, [%d]> b = const()[name = string(\"b\"), val = ",
                      c->rows);
    anm_strbuf_printf(out, "tensor<fp32, [%d]>", c->rows);
    put_bias(out, c);
    anm_strbuf_printf(out, "];\ntensor<fp32, [%d, %d]> l = ", c->tokens, c->rows);
    anm_strbuf_printf(out, "linear(x = s, weight = w, bias = b);\n%s", c->tail);
}

static void expect_same(const topk_case *c, const char *what, const outcome *got,
                        const outcome *want) {
    assert_int_equal(got->count, want->count);
    for (size_t i = 0; i < want->count; i++)
        if (got->values[i] != want->values[i] &&
            !(isnan(got->values[i]) && isnan(want->values[i])))
            fail_msg("%s\n  %s, element %zu: got %.9g, expected %.9g", c->tail, what, i,
                     got->values[i], want->values[i]);
}

static void check_fused(const anm_mil_function *f, const anm_tensor *inputs) {
    anm_engine_options o = {.isa = ANM_ISA_C, .threads = 1};
    anm_engine *engine;
    anm_error err;
    bool found = false;
    assert_ok(anm_engine_create(f, inputs, f->input_count, &o, &engine, &err), &err);
    anm_engine_profile(engine, true);
    for (size_t i = 0; i < anm_engine_profile_count(engine); i++) {
        const char *kind = anm_engine_profile_at(engine, i).kind;
        found = found || strcmp(kind, "anm_linear_topk") == 0;
        assert_string_not_equal(kind, "anm_linear");
    }
    assert_true(found);
    anm_engine_destroy(engine);
}

static void check_levels(const topk_case *t, const step_case *c, const anm_mil_function *f,
                         const anm_tensor *inputs) {
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (!anm_isa_available((anm_isa)isa)) continue;
        skipped = "linear-topk";
        outcome want = by_engine(c, f, inputs, (anm_isa)isa, 1);
        skipped = NULL;
        for (int threads = 1; threads <= 3; threads++) {
            outcome got = by_engine(c, f, inputs, (anm_isa)isa, threads);
            expect_same(t, anm_isa_name((anm_isa)isa), &got, &want);
            free(got.values);
        }
        free(want.values);
    }
}

static void check_topk(const topk_case *t) {
    anm_strbuf body = {0};
    char given[40];
    put_body(&body, t);
    snprintf(given, sizeof given, F("%d, 24") " x", t->tokens);
    step_case c = {given, anm_strbuf_cstr(&body), t->outputs};
    anm_mil_program *program = parse_case(c.inputs, c.body, c.outputs, NULL);
    op_case as_case = {.body = t->tail};
    const anm_mil_function *f = program->functions[0];
    validate_case(&as_case, program);
    anm_tensor x = random_input(f->inputs[0]);
    check_fused(f, &x);
    check_levels(t, &c, f, &x);
    outcome want = by_interpreter(f, &x), got = by_engine(&c, f, &x, ANM_ISA_C, 2);
    if (t->ties || t->bias != PLAIN) expect_same(t, "the interpreter", &got, &want);
    else compare(&c, ANM_ISA_C, &got, &want);
    free(got.values);
    free(want.values);
    free(x.data);
    anm_mil_program_destroy(program);
    anm_strbuf_free(&body);
}

#define CHECK_TOPK(cases)                                                                          \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++)                        \
        check_topk(&cases[case_])

/* clang-format off: an op to a line */

#define ARGMAX(axis, keep) "reduce_argmax(x = l, axis = int32(" axis "), keep_dims = bool(" keep "));\n"
#define MAXIMUM "reduce_max(x = l, " AXES("-1") ", keep_dims = bool(true));\n"
#define WINNERS(n) I(n) " a = " ARGMAX("-1", "true") F(n) " m = " MAXIMUM
#define TOPK(k) "topk(x = l, k = int32(" k "), axis = int32(-1), ascending = bool(false), sort = bool(true), return_indices = bool(true));\n"

static void winners(void **state) {
    static const topk_case cases[] = {
        {1, 700, PLAIN, false, WINNERS("1, 1"), "a, m"},
        {5, 700, PLAIN, false, WINNERS("5, 1"), "a, m"},
        {3, 2, PLAIN, false, WINNERS("3, 1"), "m, a"},
        {2, 300, PLAIN, false, I("2") " a = " ARGMAX("1", "false"), "a"},
        {1, 513, PLAIN, false, F("1, 1") " m = " MAXIMUM, "m"},
        {1, 300, PLAIN, false, F("") " m = reduce_max(x = l, keep_dims = bool(false));", "m"},
        {4, 300, PLAIN, false, I("4, 1") " a = " ARGMAX("-1", "true") F("4, 1") " m = gather_along_axis(x = l, indices = a, axis = int32(1));", "a, m"},
        {4, 300, PLAIN, false, "tensor<uint16, [4, 1]> a = reduce_argmax(x = l, axis = int32(-1), keep_dims = bool(true), output_dtype = string(\"uint16\"));\n" F("4, 1") " m = gather_along_axis(x = l, indices = a, axis = int32(1));", "m, a"},
        {1, 300, PLAIN, false, I("1") " a = " ARGMAX("-1", "false") F("1, 1") " m = gather(x = l, indices = a, axis = int32(1));", "a, m"},
        {33, 290, PLAIN, false, F("290, 33") " t = transpose(x = l, perm = " I("2") "([1, 0]));\n" I("33") " a = reduce_argmax(x = t, axis = int32(0), keep_dims = bool(false));\n" F("1, 33") " m = reduce_max(x = t, " AXES("0") ", keep_dims = bool(true));", "a, m"},
    };
    CHECK_TOPK(cases);
}

static void several(void **state) {
    static const topk_case cases[] = {
        {1, 700, PLAIN, false, F("1, 5") " v, " I("1, 5") " a = " TOPK("5"), "v, a"},
        {3, 300, PLAIN, false, F("3, 64") " v, " I("3, 64") " a = " TOPK("64"), "a, v"},
        {2, 4, PLAIN, false, F("2, 4") " v, " I("2, 4") " a = " TOPK("4"), "v, a"},
        {2, 300, PLAIN, false, F("2, 1") " v, " I("2, 1") " a = " TOPK("1") I("2, 1") " c = " ARGMAX("-1", "true"), "v, a, c"},
    };
    CHECK_TOPK(cases);
}

static void the_first_of_equals(void **state) {
    static const topk_case cases[] = {
        {1, 700, PLAIN, true, WINNERS("1, 1"), "a, m"},
        {7, 700, PLAIN, true, WINNERS("7, 1"), "a, m"},
        {1, 700, PLAIN, true, F("1, 40") " v, " I("1, 40") " a = " TOPK("40"), "v, a"},
        {3, 700, PLAIN, true, F("3, 40") " v, " I("3, 40") " a = " TOPK("40"), "v, a"},
    };
    CHECK_TOPK(cases);
}

static void what_is_no_number(void **state) {
    static const topk_case cases[] = {
        {1, 700, BROKEN, true, WINNERS("1, 1"), "a, m"},
        {3, 700, BROKEN, true, WINNERS("3, 1"), "a, m"},
        {1, 700, BROKEN, true, F("1, 4") " v, " I("1, 4") " a = " TOPK("4"), "v, a"},
        {1, 700, BOTTOMLESS, true, WINNERS("1, 1"), "a, m"},
        {2, 300, BOTTOMLESS, true, F("2, 4") " v, " I("2, 4") " a = " TOPK("4"), "v, a"},
    };
    CHECK_TOPK(cases);
}

/* clang-format on */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(winners),
        cmocka_unit_test(several),
        cmocka_unit_test(the_first_of_equals),
        cmocka_unit_test(what_is_no_number),
    };
    return cmocka_run_group_tests_name("linear_topk", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* How programs run: states, nested blocks, lists, what callers may get wrong, several threads. */
#define CHECK_CASE_TOO check_engine_case
#define CHECK_FAILURE_TOO check_engine_failure
#include "tests/unit/engine_cases.h"

#include "src/base/half.h"
#include "src/base/threads.h"
#include "src/interp/plan.h"
#include "src/mil/ops.h"

#define F(dims) "tensor<fp32, [" dims "]>"
#define I(dims) "tensor<int32, [" dims "]>"

static anm_interp *ready(const anm_mil_program *program, anm_precision precision) {
    anm_interp *interp;
    anm_error err;
    assert_ok(anm_interp_create(program->functions[0], precision, &interp, &err), &err);
    return interp;
}

/* States. */

#define CACHE "state<tensor<fp16, [3, 2]>> cache, tensor<fp16, [1, 2]> row"
#define UPDATE(name, from, at, next)                                                               \
    "tensor<fp16, [3, 2]> " name " = slice_update(x = " from ", update = row, begin = "            \
    "tensor<int32, [2]>([" at ", 0]), end = tensor<int32, [2]>([" next ", 2]));\n"
#define READ(name) "tensor<fp16, [3, 2]> " name " = read_state(input = cache);\n"
#define WRITE(name) "write_state(data = " name ", input = cache);\n"

typedef struct cache {
    uint16_t halves[6], row[2];
    float floats[6];
    anm_tensor input, state;
} cache;

static void make_cache(cache *c, anm_dtype dtype) {
    for (int i = 0; i < 6; i++) {
        c->floats[i] = (float)i;
        c->halves[i] = anm_half_from_float((float)i);
    }
    c->row[0] = anm_half_from_float(10);
    c->row[1] = anm_half_from_float(11);
    c->input = make_tensor("row", ANM_DTYPE_FP16, 2, (int64_t[]){1, 2}, c->row);
    c->state = make_tensor("cache", dtype, 2, (int64_t[]){3, 2},
                           dtype == ANM_DTYPE_FP16 ? (void *)c->halves : (void *)c->floats);
}

static void assert_elements(const anm_tensor *t, const double *expected, int n) {
    for (int i = 0; i < n; i++) assert_true(anm_element_get(t->dtype, t->data, i) == expected[i]);
}

/* What was read before an update does not change with it. */
static void states_keep_their_order(void **state) {
    static const anm_dtype types[] = {ANM_DTYPE_FP16, ANM_DTYPE_FP32};
    anm_mil_program *program =
        parse_case(CACHE,
                   READ("before") UPDATE("u", "before", "1", "2") WRITE("u") READ("after")
                       UPDATE("v", "after", "0", "1") WRITE("v") READ("last"),
                   "before, after, last", NULL);
    for (int p = 0; p < 2; p++) {
        cache c;
        anm_error err;
        anm_interp_result *result;
        anm_interp *interp = ready(program, (anm_precision)p);
        make_cache(&c, types[p]);
        assert_ok(anm_interp_run(interp, &c.input, 1, &c.state, 1, &result, &err), &err);
        assert_elements(find_output(result, "before"), (double[]){0, 1, 2, 3, 4, 5}, 6);
        assert_elements(find_output(result, "after"), (double[]){0, 1, 10, 11, 4, 5}, 6);
        assert_elements(find_output(result, "last"), (double[]){10, 11, 10, 11, 4, 5}, 6);
        assert_elements(&c.state, (double[]){10, 11, 10, 11, 4, 5}, 6);
        assert_int_equal(find_output(result, "last")->dtype, types[p]);
        anm_interp_result_destroy(result);
        anm_interp_destroy(interp);
    }
    anm_mil_program_destroy(program);
}

/* A read takes the state's memory along exactly where nobody can see the state until it is
 * written again. */
static void reads_that_move(void **state) {
    static const struct {
        const char *body;
        bool moves;
    } cases[] = {
        {READ("a") UPDATE("u", "a", "1", "2") WRITE("u"), true},
        {READ("a") READ("b") UPDATE("u", "a", "1", "2") WRITE("u"), false},
        {READ("a") UPDATE("u", "a", "1", "2"), false},
        {READ("a") "tensor<fp16, [3, 2]> c = cond(pred = bool(true)) {\n block () {\n" READ(
             "x") "} -> (x);\n block () {\n" READ("y") "} -> (y);\n};\n" UPDATE("u", "a", "1", "2")
             WRITE("u"),
         false},
    };
    for (size_t i = 0; i < 4; i++) {
        anm_mil_program *program = parse_case(CACHE, cases[i].body, "a", NULL);
        anm_interp *interp = ready(program, ANM_PRECISION_FP16);
        assert_int_equal(interp->body->steps[0].moves, cases[i].moves);
        anm_interp_destroy(interp);
        anm_mil_program_destroy(program);
    }
}

static void failed_runs_leave_states_alone(void **state) {
    cache c;
    anm_error err;
    anm_interp_result *result;
    anm_mil_program *program = parse_case(
        CACHE,
        READ("a") UPDATE("u", "a", "0", "1")
            WRITE("u") "tensor<fp16, [2]> y = gather(x = u, indices = int32(7), axis = int32(0));",
        "y", NULL);
    anm_interp *interp = ready(program, ANM_PRECISION_FP16);
    make_cache(&c, ANM_DTYPE_FP16);
    assert_int_equal(anm_interp_run(interp, &c.input, 1, &c.state, 1, &result, &err),
                     ANM_ERROR_MISMATCH);
    assert_null(result);
    assert_string_equal(err.where, "function main, op y (gather)");
    assert_elements(&c.state, (double[]){0, 1, 2, 3, 4, 5}, 6);
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
}

/* Control flow and lists. */

static void branches(void **state) {
    static const op_case cases[] = {
        {"bool p, " F("2") " x",
         F("2") " y = cond(pred = p) {\n block () {\n" F(
             "2") " a = add(x = x, y = x);\n} -> (a);\n "
                  "block () {\n} -> (x);\n};\n" F("2") " z = mul(x = y, y = fp32(10));",
         "y, z",
         {{1}, {1, 2}},
         {2, 4, 20, 40}},
        {"bool p, " F("2") " x",
         F("2") " y = cond(pred = p) {\n block () {\n" F(
             "2") " a = add(x = x, y = x);\n} -> (a);\n "
                  "block () {\n} -> (x);\n};\n" F("2") " z = mul(x = y, y = fp32(10));",
         "y, z",
         {{0}, {1, 2}},
         {1, 2, 10, 20}},
    };
    CHECK_CASES(cases);
}

/* Powers of two into a list, then all of them. */
static void loops(void **state) {
    static const op_case cases[] = {
        {"int32 n",
         "list<" F(
             "1") ", ?> start = make_list(init_length = int32(0), dtype = string(\"fp32\"), "
                  "elem_shape = int32(1));\n"
                  "int32 i, " F("1") " x, list<" F(
                      "1") ", ?> l = while_loop(loop_vars = (int32(0), "
                           "tensor<fp32, [1]>([1]), start)) {\n"
                           " block (int32 ci, " F("1") " cx, list<" F(
                               "1") ", ?> cl) {\n"
                                    "  bool go = less(x = ci, y = n);\n } -> (go);\n"
                                    " block (int32 bi, " F("1") " bx, list<" F(
                                        "1") ", ?> bl) {\n"
                                             "  int32 ni = add(x = bi, y = int32(1));\n"
                                             "  " F(
                                                 "1") " nx = add(x = bx, y = bx);\n"
                                                      "  list<" F(
                                                          "1") ", ?> nl = list_write(ls = bl, "
                                                               "index = bi, value = bx);\n } -> "
                                                               "(ni, nx, nl);\n};\n"
                                                               "int32 length = list_length(ls = "
                                                               "l);\n" I("?") " all = "
                                                                              "range_1d(start = "
                                                                              "int32(0), end = "
                                                                              "length, step = "
                                                                              "int32(1));\n" F(
                                                                                  "?, 1") " y = "
                                                                                          "list_"
                                                                                          "gather("
                                                                                          "ls = l, "
                                                                                          "indices "
                                                                                          "= "
                                                                                          "all);"
                                                                                          "\n" F("1") " first = list_read(ls = l, index = int32(0));",
         "i, x, length, y, first",
         {{4}},
         {4, 16, 4, 1, 2, 4, 8, 1}},
        {"int32 n",
         "list<" F(
             "2") ", 3> start = make_list(init_length = int32(3), dynamic_length = bool(false), "
                  "dtype "
                  "= string(\"fp32\"), elem_shape = int32(2));\n"
                  "list<" F(
                      "2") ", 3> l = list_scatter(ls = start, indices = tensor<int32, [2]>([2, "
                           "0]), value = "
                           "tensor<fp32, [2, 2]>([[1, 2], [3, 4]]));\n" F(
                               "3, 2") " y = list_gather(ls = l, indices = tensor<int32, [3]>([0, "
                                       "1, 2]));\n" F("2") " untouched = list_read(ls = start, "
                                                           "index = int32(2));",
         "y, untouched",
         {{0}},
         {3, 4, 0, 0, 1, 2, 0, 0}},
    };
    CHECK_CASES(cases);
}

static void control_failures(void **state) {
    static const op_failure cases[] = {
        {"int32 n",
         "int32 i = while_loop(loop_vars = (n)) {\n block (int32 c) {\n bool go = less(x = "
         "int32(0), y = "
         "int32(1));\n} -> (go);\n block (int32 b) {\n int32 k = identity(x = b);\n} -> (k);\n};",
         "i",
         {{0}},
         ANM_ERROR_LIMIT,
         "more than 1048576 iterations"},
        {"int32 n",
         "list<" F(
             "1") ", ?> l = make_list(init_length = n, dtype = string(\"fp32\"), elem_shape = "
                  "int32(1));\nint32 y = list_length(ls = l);",
         "y",
         {{2147483647}},
         ANM_ERROR_LIMIT,
         "init_length is 2147483647"},
        {"int32 n",
         "list<" F("1") ", ?> l = make_list(init_length = int32(1), dtype = string(\"fp32\"), "
                        "elem_shape = "
                        "int32(1));\n" F("1") " y = list_read(ls = l, index = n);",
         "y",
         {{5}},
         ANM_ERROR_MISMATCH,
         "element 5 of a list of 1"},
        {"int32 n",
         "list<" F("?") ", ?> l = make_list(init_length = int32(1), dtype = string(\"fp32\"), "
                        "elem_shape = "
                        "int32(1));\n" F("?") " y = list_read(ls = l, index = n);",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "was never written"},
        {"int32 n",
         F("1") " y = list_read(ls = n, index = n);",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "is not a list"},
        {F("2") " p",
         F("2") " y = cond(pred = p) {\n block () {\n} -> (p);\n block () {\n} -> (p);\n};",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "needed"},
    };
    CHECK_FAILURES(cases);
}

/* Deeper than any converter writes. */
static void nesting_is_limited(void **state) {
    anm_strbuf body = {0};
    anm_error err;
    anm_interp *interp;
    for (int i = 0; i < 40; i++)
        anm_strbuf_printf(&body, F("1") " v%d = cond(pred = p) {\nblock () {\n", i);
    for (int i = 39; i >= 0; i--) {
        char inner[16];
        snprintf(inner, sizeof inner, i == 39 ? "x" : "v%d", i + 1);
        anm_strbuf_printf(&body, "} -> (%s);\nblock () {\n} -> (x);\n};\n", inner);
    }
    anm_mil_program *program = parse_case("bool p, " F("1") " x", body.data, "v0", NULL);
    assert_int_equal(anm_interp_create(program->functions[0], ANM_PRECISION_FP16, &interp, &err),
                     ANM_ERROR_LIMIT);
    assert_null(interp);
    anm_strbuf_free(&body);
    anm_mil_program_destroy(program);
}

/* Callers. */

static void check_caller(const anm_interp *interp, const anm_tensor *inputs, size_t n,
                         anm_status expected, const char *message) {
    anm_error err = {0};
    anm_interp_result *result;
    anm_status status = anm_interp_run(interp, inputs, n, NULL, 0, &result, &err);
    assert_null(result);
    if (status != expected || !strstr(err.message, message))
        fail_msg("%s: %s", anm_status_name(status), err.message);
}

static void callers_mistakes(void **state) {
    float data[4] = {1, 2, 3, 4};
    anm_mil_program *program =
        parse_case(F("2") " x, " I("2") " i", F("2") " y = add(x = x, y = x);", "y, i", NULL);
    anm_interp *interp = ready(program, ANM_PRECISION_FP16);
    anm_tensor in[2] = {make_tensor("x", ANM_DTYPE_FP32, 1, (int64_t[]){2}, data),
                        make_tensor("i", ANM_DTYPE_FP32, 1, (int64_t[]){2}, data)};
    anm_error err;
    anm_interp_result *result;
    check_caller(interp, in, 1, ANM_ERROR_NOT_FOUND, "input \"i\" was not given");
    in[1].name = "z";
    check_caller(interp, in, 2, ANM_ERROR_NOT_FOUND, "has no input \"z\"");
    in[1].name = "i";
    in[0].shape[0] = 3;
    check_caller(interp, in, 2, ANM_ERROR_MISMATCH, "has shape [3]");
    in[0].shape[0] = 2;
    in[0].bytes = 4;
    check_caller(interp, in, 2, ANM_ERROR_ARGUMENT, "has 4 bytes where 8 are needed");
    in[0].bytes = 8;
    in[0].rank = 99;
    check_caller(interp, in, 2, ANM_ERROR_ARGUMENT, "is not a tensor of numbers");
    in[0].rank = 1;
    data[1] = 2.75f; /* truncated for the integer input */
    assert_ok(anm_interp_run(interp, in, 2, NULL, 0, &result, &err), &err);
    assert_elements(find_output(result, "y"), (double[]){2, 5.5}, 2);
    assert_elements(find_output(result, "i"), (double[]){1, 2}, 2);
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
}

static void states_must_be_given(void **state) {
    cache c;
    anm_mil_program *program = parse_case(CACHE, READ("a"), "a", NULL);
    anm_interp *interp = ready(program, ANM_PRECISION_FP16);
    make_cache(&c, ANM_DTYPE_FP16);
    check_caller(interp, &c.input, 1, ANM_ERROR_NOT_FOUND, "state \"cache\" was not given");
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
}

/* Values are released after their last use: a chain of ops holds two at a time. */
static void releases(void **state) {
    anm_mil_program *program =
        parse_case(F("2") " x",
                   F("2") " a = relu(x = x);\n" F("2") " unused = relu(x = a);\n" F(
                       "2") " b = add(x = a, y = a);\n" F("2") " c = add(x = b, y = x);",
                   "c", NULL);
    anm_interp *interp = ready(program, ANM_PRECISION_FP16);
    const anm_plan_block *body = interp->body;
    assert_int_equal(body->count, 4);
    assert_int_equal(body->steps[0].released_count, 0); /* x and a are needed */
    assert_int_equal(body->steps[1].released_count, 1); /* its own output */
    assert_int_equal(body->steps[2].released_count, 1); /* a */
    assert_int_equal(body->steps[3].released_count, 2); /* b and x; c is an output */
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
}

/* One interpreter, several threads, each with its own state. */

typedef struct shared {
    const anm_interp *interp;
    bool good[8];
} shared;

static void run_thread(void *context, size_t i) {
    shared *s = context;
    cache c;
    anm_error err;
    make_cache(&c, ANM_DTYPE_FP16);
    c.row[0] = anm_half_from_float((float)i);
    for (int round = 0; round < 200; round++) {
        anm_interp_result *result;
        if (anm_interp_run(s->interp, &c.input, 1, &c.state, 1, &result, &err) != ANM_OK) return;
        anm_interp_result_destroy(result);
    }
    s->good[i] = c.halves[2] == c.row[0] && c.halves[3] == c.row[1] && c.halves[4] != 0;
}

static void threads(void **state) {
    anm_mil_program *program =
        parse_case(CACHE, READ("a") UPDATE("u", "a", "1", "2") WRITE("u") READ("b"), "b", NULL);
    shared s = {.interp = ready(program, ANM_PRECISION_FP16)};
    anm_parallel_for(4, 8, run_thread, &s);
    for (int i = 0; i < 8; i++) assert_true(s.good[i]);
    anm_interp_destroy((anm_interp *)(uintptr_t)s.interp);
    anm_mil_program_destroy(program);
}

/* Every kernel's name is in the op table, and every op of the table has a kernel. */
static void kernels_and_op_table_agree(void **state) {
    static const char *const without[] = {"classify", "const"};
    for (size_t i = 0; anm_mil_op_spec_at(i); i++) {
        const char *name = anm_mil_op_spec_at(i)->name;
        bool expected = strncmp(name, "constexpr_", 10) != 0;
        for (size_t k = 0; k < sizeof without / sizeof without[0]; k++)
            expected = expected && strcmp(name, without[k]) != 0;
        if ((anm_kernel_find(name) != NULL) != expected) fail_msg("%s", name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_keep_their_order),
        cmocka_unit_test(reads_that_move),
        cmocka_unit_test(failed_runs_leave_states_alone),
        cmocka_unit_test(branches),
        cmocka_unit_test(loops),
        cmocka_unit_test(control_failures),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(callers_mistakes),
        cmocka_unit_test(states_must_be_given),
        cmocka_unit_test(releases),
        cmocka_unit_test(threads),
        cmocka_unit_test(kernels_and_op_table_agree),
    };
    return cmocka_run_group_tests_name("interp_run", tests, NULL, NULL);
}

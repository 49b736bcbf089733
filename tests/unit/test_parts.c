/* SPDX-License-Identifier: MIT */
/*
 * Functions that no plan can hold, run in parts, against the interpreter: loops, conditions, lists,
 * shapes that depend on values. Of each it is counted how many ops the interpreter keeps.
 */
#include "src/base/threads.h"
#include "tests/unit/step_cases.h"

/* clang-format off: an op to a line */

typedef struct part_case {
    step_case c;
    size_t interpreted; /* ops, after a run */
} part_case;

/* Loops that were never entered count as the interpreter's. */
static size_t fewest;

static outcome by_parts( const anm_mil_function *f, const anm_tensor *inputs,
                        anm_isa isa, int threads) {
    anm_engine_options options = {.isa = isa, .state_dtype = ANM_DTYPE_FP32, .threads = threads,
                                  .validate = true, .parts = true};
    anm_engine *engine;
    anm_engine_result *result;
    anm_pool *pool;
    anm_error err;
    size_t count;
    outcome o = {0};
    assert_ok(anm_pool_create(threads, &pool, &err), &err);
    assert_ok(anm_engine_create(f, inputs, f->input_count, &options, &engine, &err), &err);
    for (int again = 0; again < 2; again++) { /* the second finds all plans made */
        free(o.values);
        assert_ok(anm_engine_run(engine, pool, inputs, f->input_count, NULL, 0, &result, &err), &err);
        const anm_tensor *t = anm_engine_result_tensors(result, &count, NULL);
        o = collect(t, count);
        anm_engine_result_release(result);
    }
    size_t interpreted = anm_engine_get_facts(engine).fallbacks;
    if (interpreted < fewest) fewest = interpreted;
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    return o;
}

static void check_parts(const part_case *p) {
    anm_mil_program *program = parse_case(p->c.inputs, p->c.body, p->c.outputs, NULL);
    op_case as_case = {.body = p->c.body};
    const anm_mil_function *f = program->functions[0];
    anm_tensor inputs[CASE_INPUTS];
    validate_case(&as_case, program);
    fewest = SIZE_MAX;
    for (seed = 1; seed < 4; seed++) {
        uint32_t begin = seed;
        for (size_t i = 0; i < f->input_count; i++) inputs[i] = random_input(f->inputs[i]);
        outcome want = by_interpreter(f, inputs);
        for (int isa = 0; isa < ANM_ISA_COUNT; isa++)
            for (int threads = 1; threads <= 3 && anm_isa_available((anm_isa)isa); threads += 2) {
                outcome got = by_parts(f, inputs, (anm_isa)isa, threads);
                compare(&p->c, (anm_isa)isa, &got, &want);
                free(got.values);
            }
        free(want.values);
        for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
        seed = begin;
    }
    if (fewest != p->interpreted)
        fail_msg("%zu ops are left to the interpreter:\n%s", fewest, p->c.body);
    anm_mil_program_destroy(program);
}

#define CHECK_PARTS(cases)                                                                         \
    for (size_t case_ = 0; case_ < sizeof cases / sizeof cases[0]; case_++)                        \
        check_parts(&cases[case_])

#define CONV(in, out) F("1, 4, 9, 9") " " out " = conv(x = " in ", weight = w, pad_type = string(\"same\"), strides = " I("2") "([1, 1]), dilations = " I("2") "([1, 1]), groups = int32(4), pad = " I("4") "([0, 0, 0, 0]));\n"

/* What is in front of the condition and behind it is planned, and so is either branch. */
static void conditions(void **state) {
    static const part_case cases[] = {
        {{"bool p, " F("1, 4, 9, 9") " x",
          F("4, 1, 1, 3") " w = const()[val = " F("4, 1, 1, 3") "([[[[1, 2, 3]]], [[[-1, 4, 1]]], [[[2, 0, 1]]], [[[3, -2, 1]]]])];\n"
          CONV("x", "a")
          F("1, 4, 9, 9") " y = cond(pred = p) {\n block () {\n" CONV("a", "c") F("1, 4, 9, 9") " d = relu(x = c);\n} -> (d);\n"
          " block () {\n" F("1, 4, 9, 9") " e = mul(x = a, y = x);\n" CONV("e", "g") "} -> (g);\n};\n"
          F("1, 4, 9, 9") " z = softmax(x = y, axis = int32(1));", "y, z"}, 1},
        {{"bool p, bool q, " F("3, 5") " x",
          F("3, 5") " y = cond(pred = p) {\n block () {\n"
          F("3, 5") " u = cond(pred = q) {\n block () {\n" F("3, 5") " v = exp(x = x);\n} -> (v);\n block () {\n} -> (x);\n};\n"
          F("3, 5") " s = add(x = u, y = x);\n} -> (s);\n block () {\n" F("3, 5") " t = tanh(x = x);\n} -> (t);\n};\n"
          F("3, 5") " z = sub(x = y, y = x);", "z"}, 2},
    };
    CHECK_PARTS(cases);
}

#define LESS(a, b) "bool go = less(x = " a ", y = " b ");\n"

static void loops(void **state) {
    static const part_case cases[] = {
        /* A recurrence; the matrix stays outside. */
        {{"int32 n, " F("2, 24") " x, " F("24, 24") " w",
          F("24, 24") " m = mul(x = w, y = fp32(0.1));\n"
          "int32 i, " F("2, 24") " h = while_loop(loop_vars = (int32(0), x)) {\n"
          " block (int32 ci, " F("2, 24") " ch) {\n" LESS("ci", "n") "} -> (go);\n"
          " block (int32 bi, " F("2, 24") " bh) {\n int32 ni = add(x = bi, y = int32(1));\n"
          F("2, 24") " a = matmul(x = bh, y = m, transpose_x = bool(false), transpose_y = bool(false));\n"
          F("2, 24") " b = add(x = a, y = x);\n" F("2, 24") " nh = tanh(x = b);\n} -> (ni, nh);\n};\n"
          F("2, 24") " y = sigmoid(x = h);", "i, h, y"}, 1},
        /* What is carried grows. */
        {{"int32 n, " F("1, 3") " x",
          "int32 i, " F("?, 3") " h = while_loop(loop_vars = (int32(0), x)) {\n"
          " block (int32 ci, " F("?, 3") " ch) {\n" LESS("ci", "n") "} -> (go);\n"
          " block (int32 bi, " F("?, 3") " bh) {\n int32 ni = add(x = bi, y = int32(1));\n"
          F("?, 3") " a = mul(x = bh, y = fp32(0.5));\n"
          F("?, 3") " nh = concat(values = (a, x), axis = int32(0), interleave = bool(false));\n} -> (ni, nh);\n};\n"
          F("?, 3") " y = softmax(x = h, axis = int32(0));", "i, h, y"}, 1},
        /* It takes more shapes than a part keeps plans for. */
        {{"int32 n, " F("1, 2") " x",
          "int32 i, " F("?, 2") " h = while_loop(loop_vars = (int32(0), x)) {\n"
          " block (int32 ci, " F("?, 2") " ch) {\n" LESS("ci", "int32(90)") "} -> (go);\n"
          " block (int32 bi, " F("?, 2") " bh) {\n int32 ni = add(x = bi, y = int32(1));\n"
          F("?, 2") " a = mul(x = bh, y = fp32(0.9));\n"
          F("?, 2") " nh = concat(values = (a, x), axis = int32(0), interleave = bool(false));\n} -> (ni, nh);\n};\n", "i, h"}, 1},
        /* A constant is what the loop begins with, and comes out if it never runs. */
        {{"int32 n, " F("2, 3") " x",
          F("2, 3") " k = const()[val = " F("2, 3") "([[1, 2, 3], [4, 5, 6]])];\n"
          "int32 i, " F("2, 3") " h = while_loop(loop_vars = (int32(1), k)) {\n"
          " block (int32 ci, " F("2, 3") " ch) {\n" LESS("ci", "n") "} -> (go);\n"
          " block (int32 bi, " F("2, 3") " bh) {\n int32 ni = add(x = bi, y = int32(1));\n"
          F("2, 3") " nh = mul(x = bh, y = x);\n} -> (ni, nh);\n};\n" F("2, 3") " y = add(x = h, y = x);", "i, y"}, 1},
    };
    CHECK_PARTS(cases);
}

#define LIST "list<" F("2, 3") ", ?>"

static void lists(void **state) {
    static const part_case cases[] = {
        {{"int32 n, " F("2, 3") " x",
          LIST " l0 = make_list(init_length = int32(0), dtype = string(\"fp32\"), elem_shape = (int32(2), int32(3)));\n"
          F("2, 3") " x1 = mul(x = x, y = fp32(0.7));\n"
          LIST " l1 = list_write(ls = l0, index = int32(0), value = x1);\n"
          "int32 i, " F("2, 3") " h, " LIST " l = while_loop(loop_vars = (int32(0), x, l1)) {\n"
          " block (int32 ci, " F("2, 3") " ch, " LIST " cl) {\n" LESS("ci", "n") "} -> (go);\n"
          " block (int32 bi, " F("2, 3") " bh, " LIST " bl) {\n int32 ni = add(x = bi, y = int32(1));\n"
          F("2, 3") " nh = sin(x = bh);\n" LIST " nl = list_write(ls = bl, index = ni, value = nh);\n} -> (ni, nh, nl);\n};\n"
          "int32 length = list_length(ls = l);\n"
          I("?") " all = range_1d(start = int32(0), end = length, step = int32(1));\n"
          F("?, 2, 3") " g = list_gather(ls = l, indices = all);\n"
          F("2, 3") " y = reduce_sum(x = g, axes = " I("1") "([0]), keep_dims = bool(false));", "h, g, y"}, 7},
    };
    CHECK_PARTS(cases);
}

/* The op whose shape depends on values is the interpreter's alone, and none where there is nothing. */
static void shapes_by_values(void **state) {
    static const part_case cases[] = {
        {{I("4, 5") " x, " F("6, 8") " t, " F("8, 3") " w",
          I("4, 5") " s = sub(x = x, y = int32(1));\n"
          I("?, 2") " i = non_zero(x = s);\n"
          I("?, 1") " k = slice_by_index(x = i, begin = " I("2") "([0, 0]), end = " I("2") "([0, 1]), end_mask = tensor<bool, [2]>([true, false]));\n"
          F("?, 1, 8") " g = gather(x = t, indices = k, axis = int32(0));\n"
          F("?, 8") " r = squeeze(x = g, axes = " I("1") "([1]));\n"
          F("?, 3") " m = matmul(x = r, y = w, transpose_x = bool(false), transpose_y = bool(false));\n"
          F("3") " y = reduce_max(x = m, axes = " I("1") "([0]), keep_dims = bool(false));", "m, y"}, 1},
        {{"int32 n, " F("4, 6") " x",
          "int32 e = add(x = n, y = int32(2));\n"
          I("?") " r = range_1d(start = int32(1), end = e, step = int32(1));\n"
          F("?") " f = cast(x = r, dtype = string(\"fp32\"));\n"
          F("4, 6") " z = exp(x = x);\n"
          F("?") " y = mul(x = f, y = fp32(0.5));", "z, y"}, 1},
    };
    CHECK_PARTS(cases);
    MUTATE(((const step_case[]){cases[0].c, cases[1].c}));
}

/* Nothing is found: what follows works on nothing, by the interpreter. */
static void nothing_at_all(void **state) {
    static const part_case nothing = {{F("5") " x",
        F("5") " z = mul(x = x, y = fp32(0));\n" I("?, 1") " i = non_zero(x = z);\n"
        I("?, 1") " j = add(x = i, y = int32(1));\n" F("5") " y = exp(x = z);", "j, y"}, 2};
    check_parts(&nothing);
}

/* States, of which one branch writes and the other reads, outlive the run. */
#define CACHE "state<" F("3, 4") "> s"
static void states(void **state) {
    static const char body[] =
        F("3, 4") " a = read_state(input = s);\n" F("3, 4") " b = add(x = a, y = x);\n"
        F("3, 4") " y = cond(pred = p) {\n block () {\n" F("3, 4") " t = mul(x = b, y = x);\n"
        "write_state(input = s, data = t);\n" F("3, 4") " u = read_state(input = s);\n"
        F("3, 4") " v = mul(x = u, y = x);\n} -> (v);\n block () {\n" F("3, 4") " r = read_state(input = s);\n} -> (r);\n};\n"
        F("3, 4") " c = read_state(input = s);\n" F("3, 4") " z = sub(x = c, y = y);";
    anm_mil_program *program = parse_case("bool p, " F("3, 4") " x, " CACHE, body, "y, z", NULL);
    const anm_mil_function *f = program->functions[0];
    anm_engine_options options = {.isa = ANM_ISA_C, .state_dtype = ANM_DTYPE_FP32, .threads = 2,
                                  .validate = true, .parts = true};
    float memory[2][12] = {{0}, {0}};
    anm_tensor kept[2];
    anm_interp *interp;
    anm_engine *engine;
    anm_pool *pool;
    anm_error err;
    size_t count;
    for (int k = 0; k < 2; k++)
        kept[k] = (anm_tensor){"s", ANM_DTYPE_FP32, 2, {3, 4}, memory[k], sizeof memory[k]};
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP32, &interp, &err), &err);
    assert_ok(anm_pool_create(2, &pool, &err), &err);
    seed = 5;
    for (int round = 0; round < 6; round++) {
        anm_tensor inputs[2] = {random_input(f->inputs[0]), random_input(f->inputs[1])};
        anm_interp_result *want;
        anm_engine_result *got;
        if (round == 0) assert_ok(anm_engine_create(f, inputs, 2, &options, &engine, &err), &err);
        assert_ok(anm_interp_run(interp, inputs, 2, &kept[0], 1, &want, &err), &err);
        assert_ok(anm_engine_run(engine, pool, inputs, 2, &kept[1], 1, &got, &err), &err);
        outcome a = collect(anm_interp_result_tensors(want, &count), 2);
        outcome b = collect(anm_engine_result_tensors(got, &count, NULL), 2);
        assert_memory_equal(a.values, b.values, a.count * sizeof *a.values);
        assert_memory_equal(memory[0], memory[1], sizeof memory[0]);
        free(a.values);
        free(b.values);
        anm_interp_result_destroy(want);
        anm_engine_result_release(got);
        for (int i = 0; i < 2; i++) free(inputs[i].data);
    }
    assert_int_equal(anm_engine_get_facts(engine).fallbacks, 2); /* and the write of a whole state */
    anm_engine_destroy(engine);
    anm_interp_destroy(interp);
    anm_pool_destroy(pool);
    anm_mil_program_destroy(program);
}

typedef struct together {
    anm_engine *engine;
    anm_pool *pool;
    bool good[8];
} together;

/* Ones, doubled as often as the caller's number says, and as many numbers as that. */
static void run_together(void *context, size_t index) {
    together *t = context;
    float x[3] = {1, 1, 1};
    int32_t n = (int32_t)(index % 4);
    anm_tensor inputs[2] = {{"n", ANM_DTYPE_INT32, 0, {0}, &n, sizeof n},
                            {"x", ANM_DTYPE_FP32, 2, {1, 3}, x, sizeof x}};
    anm_engine_result *result;
    anm_error err;
    size_t count;
    for (int round = 0; round < 20; round++) {
        if (anm_engine_run(t->engine, t->pool, inputs, 2, NULL, 0, &result, &err) != ANM_OK) return;
        const anm_tensor *y = anm_engine_result_tensors(result, &count, NULL);
        bool good = y->shape[0] == n + 1 && ((const float *)y->data)[3 * n] == (float)(1 << n);
        anm_engine_result_release(result);
        if (!good) return;
    }
    t->good[index] = true;
}

/* Callers at a time find, make and use plans of the same parts. */
static void callers_at_a_time(void **state) {
    anm_mil_program *program = parse_case("int32 n, " F("1, 3") " x",
        "int32 i, " F("1, 3") " last, " F("?, 3") " h = while_loop(loop_vars = (int32(0), x, x)) {\n"
        " block (int32 ci, " F("1, 3") " cl, " F("?, 3") " ch) {\n" LESS("ci", "n") "} -> (go);\n"
        " block (int32 bi, " F("1, 3") " bl, " F("?, 3") " bh) {\n int32 ni = add(x = bi, y = int32(1));\n"
        F("1, 3") " nl = add(x = bl, y = bl);\n"
        F("?, 3") " nh = concat(values = (bh, nl), axis = int32(0), interleave = bool(false));\n} -> (ni, nl, nh);\n};\n", "h", NULL);
    anm_engine_options options = {.isa = ANM_ISA_C, .threads = 1, .parts = true};
    together t = {0};
    anm_error err;
    anm_tensor shapes[2] = {{.name = "n"}, {.name = "x", .rank = 2, .shape = {1, 3}}};
    assert_ok(anm_pool_create(1, &t.pool, &err), &err);
    assert_ok(anm_engine_create(program->functions[0], shapes, 2, &options, &t.engine, &err), &err);
    anm_parallel_for(4, 8, run_together, &t);
    for (int i = 0; i < 8; i++) assert_true(t.good[i]);
    anm_engine_destroy(t.engine);
    anm_pool_destroy(t.pool);
    anm_mil_program_destroy(program);
}

/* Lists of steps and times hold what the parts hold. */
static void profile(void **state) {
    anm_mil_program *program = parse_case("bool p, " F("64") " x",
        F("64") " a = exp(x = x);\n" F("64") " y = cond(pred = p) {\n block () {\n" F("64") " b = sin(x = a);\n} -> (b);\n"
        " block () {\n} -> (a);\n};\n" F("64") " z = tanh(x = y);", "z", NULL);
    static const char *const kinds[] = {"exp", "cond", "sin", "tanh"};
    const anm_mil_function *f = program->functions[0];
    anm_engine_options options = {.isa = ANM_ISA_C, .threads = 1, .parts = true};
    anm_engine *engine;
    anm_engine_result *result;
    anm_pool *pool;
    anm_error err;
    int32_t yes = 1;
    float x[64] = {1};
    anm_tensor inputs[2] = {{"p", ANM_DTYPE_INT32, 0, {0}, &yes, sizeof yes},
                            {"x", ANM_DTYPE_FP32, 1, {64}, x, sizeof x}};
    assert_ok(anm_pool_create(1, &pool, &err), &err);
    assert_ok(anm_engine_create(f, inputs, 2, &options, &engine, &err), &err);
    anm_engine_profile(engine, true);
    assert_int_equal(anm_engine_profile_count(engine), 4);
    assert_ok(anm_engine_run(engine, pool, inputs, 2, NULL, 0, &result, &err), &err);
    anm_engine_result_release(result);
    for (size_t i = 0; i < 4; i++) {
        anm_engine_timing t = anm_engine_profile_at(engine, i);
        assert_string_equal(t.kind, kinds[i]);
        assert_int_equal(t.phase, i);
        assert_int_equal(t.interpreted, i == 1);
        assert_true(t.nanoseconds > 0 || i == 1);
    }
    anm_engine_profile(engine, false);
    assert_int_equal(anm_engine_profile_count(engine), 0);
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    anm_mil_program_destroy(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions),       cmocka_unit_test(loops),
        cmocka_unit_test(lists),            cmocka_unit_test(shapes_by_values),
        cmocka_unit_test(nothing_at_all),   cmocka_unit_test(states),
        cmocka_unit_test(profile),          cmocka_unit_test(callers_at_a_time),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}

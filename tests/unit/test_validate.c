/* SPDX-License-Identifier: MIT */
/*
 * The validator on programs that text cannot say (the parser refuses them first): the
 * representation is changed by hand after parsing.
 */
#include "tests/unit/testing.h"

#include <string.h>
#include <time.h>

#include "anemone/log.h"
#include "src/base/str.h"
#include "src/mil/builder.h"
#include "src/mil/ops.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"

#define PROGRAM(inputs, ops, outputs)                                                              \
    "program(1.3)\n{\n func main<ios18>(" inputs ") {\n" ops " } -> (" outputs ");\n}\n"

static anm_mil_program *parse(const char *text) {
    anm_mil_program *program;
    anm_error err;
    assert_ok(anm_mil_text_parse(text, strlen(text), "test", &program, &err), &err);
    return program;
}

static anm_mil_op *op_at(const anm_mil_program *program, int index) {
    anm_mil_op *op = program->functions[0]->body->first;
    while (index-- > 0) op = op->next;
    return op;
}

/* The status, and that each problem holds the text listed for it, in order; releases. */
static anm_error problems_are(anm_mil_program *program, anm_status status,
                              const char *const *wanted, size_t count) {
    anm_arena *arena = anm_arena_create();
    anm_mil_report report = {0};
    anm_error err = {0};
    assert_int_equal(anm_mil_validate(program, arena, &report, &err), status);
    for (size_t i = 0; i < report.count; i++)
        if (i >= count || !strstr(report.problems[i].message, wanted[i]))
            fail_msg("problem %zu is: %s", i, report.problems[i].message);
    assert_int_equal(report.count, count);
    anm_arena_destroy(arena);
    anm_mil_program_destroy(program);
    return err;
}

#define PROBLEMS(program, status, ...)                                                             \
    problems_are(program, status, (const char *const[]){__VA_ARGS__},                              \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void all_problems_are_collected(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("tensor<fp16, [2]> x", "tensor<fp16, [3]> a = relu(x = x);\n"
                                             "tensor<fp16, [2]> b = add(x = x);\n"
                                             "tensor<fp16, [2]> c = no_such_op(x = x);\n"
                                             "tensor<fp16, [2]> d = softmax(axis = int32(4), x = "
                                             "b)[name = string(\"fourth\")];\n",
                      "d"));
    anm_error err = PROBLEMS(program, ANM_ERROR_FORMAT, "is declared tensor<fp16, [3]>",
                             "\"y\" is missing", "no op \"no_such_op\"", "out of range");
    assert_string_equal(err.where, "function main, op a (relu)");
    assert_non_null(strstr(err.message, "(and 3 more problems)"));
}

static void unknown_op_is_unsupported(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("fp16 x", "fp16 a = no_such_op(x = x);\n fp16 b = nor_this(x = a);\n", "b"));
    PROBLEMS(program, ANM_ERROR_UNSUPPORTED, "no_such_op", "nor_this");
}

static void use_before_definition(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n fp16 b = relu(x = a);\n", "b"));
    op_at(program, 0)->args[0].operands[0].value = op_at(program, 1)->outputs[0];
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"x\" uses \"b\" before its definition");
}

static void cycle_of_one(void **state) {
    anm_mil_program *program = parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n", "a"));
    op_at(program, 0)->args[0].operands[0].value = op_at(program, 0)->outputs[0];
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"x\" uses \"a\" before its definition");
}

static void defined_twice(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n fp16 b = relu(x = a);\n", "a"));
    op_at(program, 1)->outputs[0] = op_at(program, 0)->outputs[0];
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"a\" is defined twice");
}

static void id_outside_of_function(void **state) {
    anm_mil_program *program = parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n", "x"));
    op_at(program, 0)->outputs[0]->id = 1000;
    PROBLEMS(program, ANM_ERROR_FORMAT, "has an id outside its function");
}

static void operand_of_nothing(void **state) {
    anm_mil_program *program = parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n", "a"));
    op_at(program, 0)->args[0].operands[0].value = NULL;
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"x\" is bound to nothing");
}

static void inner_value_used_outside(void **state) {
    anm_mil_program *program = parse(
        PROGRAM("bool p, fp16 x", "fp16 y = cond(pred = p) {\n"
                                  " block () { fp16 inner = relu(x = x); } -> (inner);\n"
                                  " block () { } -> (x); };\n"
                                  "fp16 z = relu(x = y);\n",
                "z"));
    op_at(program, 1)->args[0].operands[0].value = op_at(program, 0)->blocks[0]->outputs[0];
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"x\" uses \"inner\" before its definition or out of");
}

static void block_output_undefined(void **state) {
    anm_mil_program *program = parse(PROGRAM("fp16 x", "fp16 a = relu(x = x);\n", "a"));
    anm_mil_block_remove(program->functions[0]->body, op_at(program, 0));
    PROBLEMS(program, ANM_ERROR_FORMAT, "output \"a\" is not defined");
}

static void literal_of_wrong_size(void **state) {
    anm_mil_program *program = parse(
        PROGRAM("", "tensor<fp16, [2]> a = const()[val = tensor<fp16, [2]>([1, 2])];\n", "a"));
    anm_mil_op *op = op_at(program, 0);
    for (size_t i = 0; i < op->attr_count; i++)
        ((anm_mil_literal *)op->attrs[i].literal)->bytes = 3;
    PROBLEMS(program, ANM_ERROR_FORMAT, "a literal has 3 bytes instead of 4");
}

/* So that type rules need not look for overflow in each of their sums and products. */
static void dimensions_have_a_limit(void **state) {
    anm_mil_program *program = parse(PROGRAM(
        "tensor<fp16, [1, 3, 9223372036854775807]> x, tensor<fp16, [9223372036854775807, "
        "9223372036854775807]> w, tensor<fp16, [4000000000]> long",
        "tensor<fp16, [1, 3, ?]> a = max_pool(kernel_sizes = tensor<int32, [1]>([2]), pad = "
        "tensor<int32, [2]>([9, 9]), pad_type = string(\"custom\"), x = x);\n"
        "fp16 b = relu(x = w);\n"
        "tensor<fp16, [4000000000]> c = relu(x = long);\n",
        "c"));
    PROBLEMS(program, ANM_ERROR_FORMAT, "\"x\" has a dimension out of range",
             "\"w\" has a dimension out of range");
}

/* The op that uses the literal must not read beyond its end. */
static void short_literal_is_not_read(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("tensor<fp16, [2, 3]> x",
                      "tensor<int32, [2]> p = const()[val = tensor<int32, [2]>([1, 0])];\n"
                      "tensor<fp16, [3, 2]> y = transpose(perm = p, x = x);\n", "y"));
    anm_mil_literal *literal = (anm_mil_literal *)op_at(program, 0)->outputs[0]->constant;
    int32_t *one = test_malloc(sizeof *one); /* a guarded block: one element of two */
    *one = 1;
    literal->data = one;
    literal->bytes = sizeof *one;
    PROBLEMS(program, ANM_ERROR_FORMAT, "a literal has 4 bytes instead of 8", "perm does not have");
    test_free(one);
}

static void const_without_val(void **state) {
    anm_mil_program *program = parse(PROGRAM("", "fp16 a = const()[val = fp16(1)];\n", "a"));
    op_at(program, 0)->attr_count = 0;
    PROBLEMS(program, ANM_ERROR_FORMAT, "has no \"val\"");
}

static void program_without_functions(void **state) {
    anm_error err = PROBLEMS(anm_mil_program_create(), ANM_ERROR_FORMAT, "has no function");
    assert_string_equal(err.where, "program");
}

static void states_need_read_state(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("state<tensor<fp16, [2]>> s, fp16 x", "tensor<fp16, [2]> a = relu(x = s);\n"
                                                            "fp16 b = odd_op(x = s);\n",
                      "s"));
    PROBLEMS(program, ANM_ERROR_FORMAT, "uses the state \"s\" without read_state",
             "uses the state \"s\" without read_state", "no op \"odd_op\"",
             "output \"s\" is a state");
}

static void blocks_only_of_control_flow(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("fp16 x", "fp16 a = relu(x = x) { block () { } -> (x); };\n", "a"));
    PROBLEMS(program, ANM_ERROR_FORMAT, "has 1 blocks but is no control flow");
}

static void deep_nesting_ends(void **state) {
    anm_mil_program *program =
        parse(PROGRAM("bool p, fp16 x", "fp16 y = cond(pred = p) {\n"
                                        " block () { } -> (x);\n block () { } -> (x); };\n",
                      "y"));
    anm_mil_op *op = op_at(program, 0);
    anm_mil_block_append(op->blocks[0], op); /* its own grandparent */
    op->next = op->prev = NULL;
    anm_arena *arena = anm_arena_create();
    anm_error err;
    assert_int_equal(anm_mil_validate(program, arena, NULL, &err), ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "nest deeper than 64"));
    anm_arena_destroy(arena);
    anm_mil_program_destroy(program);
}

/* ---- warnings ---- */

static void keep_message(void *context, anm_log_level level, const char *message) {
    assert_int_equal(level, ANM_LOG_WARNING);
    anm_strbuf_puts(context, message);
}

static void newer_op_warns(void **state) {
    anm_mil_program *program = parse("program(1.0)\n{\n func main<ios16>(tensor<fp16, [2]> x) {\n"
                                     " tensor<int8, [2]> a = quantize(input = x, output_dtype = "
                                     "tensor<string, []>(\"int8\"), scale = tensor<fp16, []>(1));\n"
                                     "} -> (a);\n}\n");
    anm_strbuf messages = {0};
    anm_arena *arena = anm_arena_create();
    anm_error err;
    anm_log_set(keep_message, &messages);
    anm_status status = anm_mil_validate(program, arena, NULL, &err);
    anm_log_set(NULL, NULL);
    assert_ok(status, &err);
    assert_string_equal(anm_strbuf_cstr(&messages),
                        "function main, op a: quantize needs iOS 17, the function says CoreML6");
    anm_strbuf_free(&messages);
    anm_arena_destroy(arena);
    anm_mil_program_destroy(program);
}

/* ---- speed ---- */

/* Processor time of validating `layers` times six ops, most with several arguments. */
static double validation_time(int layers) {
    anm_mil_program *program = anm_mil_program_create();
    anm_mil_builder b;
    anm_error err;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    const int64_t shape[3] = {1, 8, 16};
    anm_mil_value *x = anm_mil_builder_input(&b, "x", ANM_DTYPE_FP16, 3, shape);
    for (int i = 0; i < layers; i++) {
        anm_mil_value *zero = anm_mil_builder_ints(&b, "begin", 3, (const int32_t[]){0, 0, 0});
        anm_mil_value *end = anm_mil_builder_ints(&b, "end", 3, (const int32_t[]){1, 8, 16});
        anm_mil_value *axis = anm_mil_builder_int(&b, "axis", -1);
        x = anm_mil_emit(&b, "slice_by_index", "slice", {"x", x}, {"begin", zero}, {"end", end});
        x = anm_mil_emit(&b, "softmax", "softmax", {"x", x}, {"axis", axis});
        x = anm_mil_emit(&b, "add", "add", {"x", x}, {"y", x});
    }
    anm_mil_builder_outputs(&b, &x, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);
    anm_arena *arena = anm_arena_create();
    clock_t before = clock();
    assert_ok(anm_mil_validate(program, arena, NULL, &err), &err);
    double spent = (double)(clock() - before) / CLOCKS_PER_SEC;
    anm_arena_destroy(arena);
    anm_mil_program_destroy(program);
    return spent;
}

/* Time grows with the number of ops, not with its square: eight times as many would take 64 times
 * as long. A ratio, as machines, sanitizers and emulators differ. */
static void time_grows_with_the_ops(void **state) {
    (void)state;
    double few = 1e9, many = 1e9;
    for (int i = 0; i < 3; i++) {
        double a = validation_time(1250), b = validation_time(10000);
        if (a < few) few = a;
        if (b < many) many = b;
    }
    printf("7500 ops validated in %.1f ms, 60000 in %.1f ms\n", few * 1e3, many * 1e3);
    assert_true(many < 24 * few);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_problems_are_collected),
        cmocka_unit_test(unknown_op_is_unsupported),
        cmocka_unit_test(use_before_definition),
        cmocka_unit_test(cycle_of_one),
        cmocka_unit_test(defined_twice),
        cmocka_unit_test(id_outside_of_function),
        cmocka_unit_test(operand_of_nothing),
        cmocka_unit_test(inner_value_used_outside),
        cmocka_unit_test(block_output_undefined),
        cmocka_unit_test(literal_of_wrong_size),
        cmocka_unit_test(dimensions_have_a_limit),
        cmocka_unit_test(short_literal_is_not_read),
        cmocka_unit_test(const_without_val),
        cmocka_unit_test(program_without_functions),
        cmocka_unit_test(states_need_read_state),
        cmocka_unit_test(blocks_only_of_control_flow),
        cmocka_unit_test(deep_nesting_ends),
        cmocka_unit_test(newer_op_warns),
        cmocka_unit_test(time_grows_with_the_ops),
    };
    return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}

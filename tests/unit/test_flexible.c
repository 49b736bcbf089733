/* SPDX-License-Identifier: MIT */
/*
 * Functions with flexible shapes: a plan for each set of shapes gives what the interpreter gives,
 * plans are kept within a bound and share their constants, also when threads ask at once, and what
 * cannot be planned says why.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/inspect.h"
#include "anemone/profile.h"
#include "src/base/file.h"
#include "src/mil/text.h"
#include "src/package/package.h"

#define F(dims) "tensor<fp32, [" dims "]>"
#define I(dims) "tensor<int32, [" dims "]>"

static char root[64];

typedef struct package_text {
    const char *inputs, *body, *outputs;
    anm_feature features[2]; /* of the inputs; shape kinds and bounds */
    size_t count;
} package_text;

/* Shapes of a batch taken apart and put together, as converters write it for x [batch, rows, 6]. */
static const package_text split_heads = {
    F("?, ?, 6") " x",
    I("3") " s = shape(x = x);\n"
    "int32 batch = gather(x = s, indices = int32(0), axis = int32(0));\n"
    "int32 rows = gather(x = s, indices = int32(1), axis = int32(0));\n"
    I("4") " apart = concat(values = (batch, rows, int32(2), int32(3)), axis = int32(0), interleave = bool(false));\n"
    F("6, 6") " w6 = const()[val = " F("6, 6") "([[1, 2, 0, 1, 0, 1], [0, 1, 2, 0, 1, 0], [2, 0, 1, 1, 1, 1], [1, 1, 1, 0, 2, 0], [0, 0, 1, 2, 1, 1], [1, 0, 0, 1, 0, 2]])];\n"
    F("6") " b6 = const()[val = " F("6") "([1, 2, 3, 4, 5, 6])];\n"
    F("?, ?, 6") " p = linear(x = x, weight = w6, bias = b6);\n"
    F("?, ?, 2, 3") " h = reshape(x = p, shape = apart);\n"
    F("?, 2, ?, 3") " t = transpose(x = h, perm = " I("4") "([0, 2, 1, 3]));\n"
    F("?, 2, ?, ?") " q = matmul(x = t, y = t, transpose_x = bool(false), transpose_y = bool(true));\n"
    F("?, 2, ?, ?") " w = softmax(x = q, axis = int32(-1));\n"
    F("?, 2, ?, 3") " m = matmul(x = w, y = t, transpose_x = bool(false), transpose_y = bool(false));\n"
    F("?, ?, 2, 3") " b = transpose(x = m, perm = " I("4") "([0, 2, 1, 3]));\n"
    I("3") " together = concat(values = (batch, rows, int32(6)), axis = int32(0), interleave = bool(false));\n"
    F("?, ?, 6") " r = reshape(x = b, shape = together);\n"
    F("?, ?, 6") " one = fill(shape = together, value = fp32(1));\n"
    F("?, ?, 6") " y = add(x = r, y = one);",
    "y",
    {{.name = "x", .shape = {1, 4, 6}, .shape_kind = ANM_SHAPE_RANGE, .lower = {1, 1, 6}, .upper = {4, 40, 6}}},
    1};

static const int64_t few_shapes[3][ANM_MAX_RANK] = {{2, 5}, {3, 5}, {2, 9}};

/* The half of the columns from a bound that is computed. */
static const package_text enumerated = {
    F("?, ?") " x",
    I("2") " s = shape(x = x);\n"
    "int32 columns = gather(x = s, indices = int32(1), axis = int32(0));\n"
    "int32 half = floor_div(x = columns, y = int32(2));\n"
    "int32 rows = gather(x = s, indices = int32(0), axis = int32(0));\n"
    I("2") " end = concat(values = (rows, half), axis = int32(0), interleave = bool(false));\n"
    F("?, ?") " y = slice_by_index(x = x, begin = " I("2") "([0, 0]), end = end);\n"
    F("?, ?") " z = exp(x = y);",
    "y, z",
    {{.name = "x", .shape = {2, 5}, .shape_kind = ANM_SHAPE_ENUMERATED, .shape_count = 3, .shapes = few_shapes}},
    1};

static const package_text two_inputs = {
    F("?") " a, " F("?") " b",
    F("?") " y = add(x = a, y = b);",
    "y",
    {{.name = "a", .shape = {3}, .shape_kind = ANM_SHAPE_RANGE, .lower = {1}, .upper = {8}},
     {.name = "b", .shape = {3}, .shape_kind = ANM_SHAPE_RANGE, .lower = {1}, .upper = {8}}},
    2};

static const package_text by_value = {
    F("?") " a",
    I("?, 1") " y = non_zero(x = a);",
    "y",
    {{.name = "a", .shape = {3}, .shape_kind = ANM_SHAPE_RANGE, .lower = {1}, .upper = {8}}},
    1};

/* A matrix that has to be turned before it can be used. */
static const package_text turned = {
    F("?, 3") " x",
    F("3, 2") " w = const()[val = " F("3, 2") "([[1, 2], [3, 4], [5, 6]])];\n"
    "tensor<fp16, [2]> k = const()[val = tensor<fp16, [2]>([1, 2])];\n"
    F("2") " c = cast(x = k, dtype = string(\"fp32\"));\n"
    F("?, 2") " m = matmul(x = x, y = w, transpose_x = bool(false), transpose_y = bool(false));\n"
    F("?, 2") " y = mul(x = m, y = c);",
    "y",
    {{.name = "x", .shape = {2, 3}, .shape_kind = ANM_SHAPE_RANGE, .lower = {1, 3}, .upper = {-1, 3}}},
    1};

static anm_mil_program *parse(const package_text *t) {
    anm_strbuf text = {0};
    anm_mil_program *program;
    anm_error err;
    anm_strbuf_printf(&text, "program(1.3)\n{\nfunc main<ios18>(%s) {\n%s\n} -> (%s);\n}", t->inputs,
                      t->body, t->outputs);
    assert_ok(anm_mil_text_parse(text.data, text.len, "text", &program, &err), &err);
    anm_strbuf_free(&text);
    program->spec_version = 9;
    return program;
}

static void write_package(const package_text *t, const char *path) {
    anm_mil_program *program = parse(t);
    const anm_mil_function *f = program->functions[0];
    anm_feature in[2], out[2] = {{0}};
    anm_package_writer *w;
    anm_error err;
    for (size_t i = 0; i < t->count; i++) {
        in[i] = t->features[i];
        in[i].dtype = f->inputs[i]->type->dtype;
        in[i].rank = f->inputs[i]->type->rank;
    }
    for (size_t i = 0; i < f->body->output_count; i++)
        out[i] = (anm_feature){.name = f->body->outputs[i]->name,
                               .dtype = f->body->outputs[i]->type->dtype};
    anm_interface face = {.name = "main", .inputs = in, .input_count = t->count, .outputs = out,
                          .output_count = f->body->output_count};
    anm_description d = {.functions = &face, .function_count = 1, .version = "1"};
    assert_ok(anm_package_writer_open(path, &w, &err), &err);
    assert_ok(anm_package_writer_commit(w, program, &d, &err), &err);
    anm_mil_program_destroy(program);
}

typedef struct opened {
    anm_program *program;
    const anm_function *f;
} opened;

static opened open_text(const package_text *t) {
    static int number;
    char path[100];
    anm_error err;
    opened o;
    snprintf(path, sizeof path, "%s/m%d.mlpackage", root, number++);
    write_package(t, path);
    assert_ok(anm_program_open(path, &o.program, &err), &err);
    o.f = anm_program_function(o.program, NULL);
    return o;
}

static anm_predict_options engine_of(anm_engine_kind kind) {
    anm_predict_options options;
    anm_predict_options_init(&options);
    options.engine = kind;
    options.precision = ANM_PRECISION_FP32;
    options.threads = 1;
    return options;
}

/* Numbers that depend on the place alone. */
static anm_tensor numbered(const char *name, int rank, const int64_t *shape) {
    anm_tensor t = {.name = name, .dtype = ANM_DTYPE_FP32, .rank = rank};
    memcpy(t.shape, shape, (size_t)rank * sizeof *shape);
    int64_t n = anm_shape_elements(shape, rank);
    t.bytes = (size_t)n * sizeof(float);
    float *data = t.data = malloc(t.bytes + 1);
    for (int64_t i = 0; i < n; i++) data[i] = 0.03125f * (float)((i * 7) % 11 - 5);
    return t;
}

static anm_status run(const anm_function *f, const anm_tensor *inputs, size_t count,
                      const anm_predict_options *options, anm_tensor *out, anm_error *err) {
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        out[i] = (anm_tensor){.name = anm_function_output(f, i)->name};
    return anm_predict_alloc(f, inputs, count, out, anm_function_output_count(f), NULL, options,
                             err);
}

static void expect_equal(const anm_tensor *got, const anm_tensor *want) {
    assert_int_equal(got->rank, want->rank);
    for (int i = 0; i < got->rank; i++) assert_int_equal(got->shape[i], want->shape[i]);
    const float *a = got->data, *b = want->data;
    for (int64_t i = 0; i < anm_shape_elements(got->shape, got->rank); i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-4f * fmaxf(1, fabsf(b[i]))))
            fail_msg("%s[%lld]: got %.9g, expected %.9g", got->name, (long long)i, a[i], b[i]);
}

/* By the fast engine alone, beside the interpreter. */
static void compare_at(const anm_function *f, const int64_t *shape, int plans) {
    anm_predict_options fast = engine_of(ANM_ENGINE_FAST), slow = engine_of(ANM_ENGINE_REFERENCE);
    anm_tensor in = numbered("x", anm_function_input(f, 0)->rank, shape), got[2], want[2];
    anm_error err;
    fast.plans = plans;
    assert_ok(run(f, &in, 1, &fast, got, &err), &err);
    assert_ok(run(f, &in, 1, &slow, want, &err), &err);
    for (size_t i = 0; i < anm_function_output_count(f); i++) {
        expect_equal(&got[i], &want[i]);
        anm_tensor_release(&got[i]);
        anm_tensor_release(&want[i]);
    }
    free(in.data);
}

static void equals_the_interpreter(void **state) {
    opened o = open_text(&split_heads);
    anm_plan_facts facts;
    for (int64_t batch = 1; batch <= 4; batch += 3)
        for (int64_t rows = 1; rows <= 40; rows += 13) {
            compare_at(o.f, (const int64_t[]){batch, rows, 6}, 0);
            assert_true(anm_function_plan(o.f, &facts));
            for (size_t i = 0; i < facts.steps; i++) /* no shape is computed at run time */
                if (anm_function_step(o.f, i).interpreted)
                    fail_msg("%s is interpreted", anm_function_step(o.f, i).label);
        }
    assert_int_equal(anm_function_plans(o.f).made, 8);
    compare_at(o.f, (const int64_t[]){4, 27, 6}, 0);
    assert_int_equal(anm_function_plans(o.f).made, 8);
    anm_program_close(o.program);
}

static void one_for_each_enumerated(void **state) {
    opened o = open_text(&enumerated);
    for (size_t i = 0; i < 6; i++) compare_at(o.f, few_shapes[i % 3], 0);
    assert_int_equal(anm_function_plans(o.f).made, 3);
    assert_int_equal(anm_function_plans(o.f).kept, 3);
    anm_program_close(o.program);
}

static void shapes_outside_are_named(void **state) {
    opened o = open_text(&enumerated);
    anm_predict_options options = engine_of(ANM_ENGINE_AUTO);
    anm_error err;
    anm_tensor in = numbered("x", 2, (const int64_t[]){4, 5}), out[2];
    assert_int_equal(run(o.f, &in, 1, &options, out, &err), ANM_ERROR_MISMATCH);
    assert_string_equal(err.where, "function main, input \"x\"");
    assert_string_equal(err.message,
                        "has shape [4, 5]; the model takes [2, 5] or [3, 5] or [2, 9]");
    assert_int_equal(anm_function_prepare_shapes(o.f, &in, 1, &options, &err), ANM_ERROR_MISMATCH);
    in.name = "z";
    assert_int_equal(anm_function_prepare_shapes(o.f, &in, 1, &options, &err),
                     ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_function_plans(o.f).made, 0);
    free(in.data);
    anm_program_close(o.program);
}

/* Before, plans were kept for ever, one for each shape. */
static void plans_are_bounded(void **state) {
    opened o = open_text(&split_heads);
    for (int64_t rows = 1; rows <= 20; rows++)
        compare_at(o.f, (const int64_t[]){1, rows, 6}, 0);
    assert_int_equal(anm_function_plans(o.f).kept, 16);
    assert_int_equal(anm_function_plans(o.f).dropped, 4);
    compare_at(o.f, (const int64_t[]){1, 5, 6}, 0); /* the oldest that is left */
    compare_at(o.f, (const int64_t[]){1, 21, 6}, 2);
    assert_int_equal(anm_function_plans(o.f).kept, 2);
    compare_at(o.f, (const int64_t[]){1, 5, 6}, 2);
    compare_at(o.f, (const int64_t[]){1, 21, 6}, 2);
    assert_int_equal(anm_function_plans(o.f).made, 21);
    anm_program_close(o.program);
}

static void constants_are_shared(void **state) {
    opened o = open_text(&turned);
    anm_plan_facts facts;
    compare_at(o.f, (const int64_t[]){2, 3}, 0);
    assert_true(anm_function_plan(o.f, &facts));
    assert_true(facts.copied >= 24); /* the matrix is turned */
    compare_at(o.f, (const int64_t[]){7, 3}, 0);
    assert_true(anm_function_plan(o.f, &facts));
    assert_true(facts.copied <= 8); /* what passes fold belongs to each */
    anm_program_close(o.program);
}

static void prepared_before_use(void **state) {
    opened o = open_text(&split_heads);
    anm_predict_options options = engine_of(ANM_ENGINE_FAST);
    anm_error err;
    anm_tensor x = {.name = "x", .rank = 3, .shape = {2, 7, 6}};
    assert_ok(anm_function_prepare_shapes(o.f, &x, 1, &options, &err), &err);
    assert_true(anm_function_step_count(o.f) > 0);
    compare_at(o.f, x.shape, 0);
    assert_int_equal(anm_function_plans(o.f).made, 1);
    assert_ok(anm_function_prepare(o.f, &options, &err), &err);
    assert_int_equal(anm_function_plans(o.f).made, 2);
    assert_null(anm_function_step(o.f, 10000).kind);
    anm_program_close(o.program);
}

static int append(void *context, const char *text, size_t length) {
    anm_strbuf_append(context, text, length);
    return 0;
}

/* What passes leave is for the default shapes, though the package leaves them open. */
static void passes_see_the_default_shapes(void **state) {
    opened o = open_text(&split_heads);
    anm_strbuf text = {0};
    anm_error err;
    assert_ok(anm_function_print_passes(o.f, "specialise", 0, append, &text, &err), &err);
    assert_non_null(strstr(anm_strbuf_cstr(&text), "// after pass specialise\n"));
    assert_non_null(strstr(anm_strbuf_cstr(&text), "tensor<fp32, [1, 2, 4, 3]>"));
    assert_null(strchr(anm_strbuf_cstr(&text), '?'));
    anm_strbuf_free(&text);
    anm_program_close(o.program);
}

/* Before, shapes that cannot be planned left all others of the function to the interpreter. What
 * does not fit is said by the interpreter, whatever engine is asked for. */
static void refusal_is_for_these_shapes(void **state) {
    opened o = open_text(&two_inputs);
    anm_predict_options fast = engine_of(ANM_ENGINE_FAST), either = engine_of(ANM_ENGINE_AUTO);
    anm_error err;
    anm_tensor out[1], in[2] = {numbered("a", 1, (const int64_t[]){3}),
                                numbered("b", 1, (const int64_t[]){4})};
    either.precision = ANM_PRECISION_FP16;
    assert_int_equal(run(o.f, in, 2, &fast, out, &err), ANM_ERROR_MISMATCH);
    assert_non_null(strstr(err.where, "y (add)"));
    assert_non_null(strstr(err.message, "[3]"));
    assert_int_equal(run(o.f, in, 2, &either, out, &err), ANM_ERROR_MISMATCH);
    in[1].shape[0] = 3;
    assert_ok(run(o.f, in, 2, &fast, out, &err), &err);
    anm_tensor_release(&out[0]);
    for (int i = 0; i < 2; i++) free(in[i].data);
    anm_program_close(o.program);
}

static void shapes_by_value_are_found_in_the_run(void **state) {
    opened o = open_text(&by_value);
    anm_predict_options fast = engine_of(ANM_ENGINE_FAST);
    anm_error err;
    float numbers[4] = {0, 2, 0, 3};
    anm_tensor out[1], in = {"a", ANM_DTYPE_FP32, 1, {4}, numbers, sizeof numbers};
    assert_ok(run(o.f, &in, 1, &fast, out, &err), &err);
    assert_int_equal(out[0].shape[0], 2);
    assert_int_equal(((const int32_t *)out[0].data)[1], 3);
    anm_tensor_release(&out[0]);
    anm_program_close(o.program);
}

typedef struct asker {
    const anm_function *f;
    int64_t first;
} asker;

static void *ask(void *context) {
    const asker *a = context;
    for (int64_t i = 0; i < 24; i++)
        compare_at(a->f, (const int64_t[]){1, 1 + (a->first + 5 * i) % 12, 6}, 3);
    return NULL;
}

static void threads_may_ask_at_once(void **state) {
    opened o = open_text(&split_heads);
    pthread_t threads[4];
    asker askers[4];
    for (int i = 0; i < 4; i++) {
        askers[i] = (asker){o.f, 3 * i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    }
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(anm_function_plans(o.f).kept <= 3);
    anm_program_close(o.program);
}

static int make_root(void **state) {
    strcpy(root, "anm-flexible-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_interpreter),
        cmocka_unit_test(one_for_each_enumerated),
        cmocka_unit_test(shapes_outside_are_named),
        cmocka_unit_test(plans_are_bounded),
        cmocka_unit_test(constants_are_shared),
        cmocka_unit_test(prepared_before_use),
        cmocka_unit_test(passes_see_the_default_shapes),
        cmocka_unit_test(refusal_is_for_these_shapes),
        cmocka_unit_test(shapes_by_value_are_found_in_the_run),
        cmocka_unit_test(threads_may_ask_at_once),
    };
    return cmocka_run_group_tests_name("flexible", tests, make_root, remove_root);
}

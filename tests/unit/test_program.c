/* SPDX-License-Identifier: MIT */
/* The program tier on small programs made here: descriptions, shapes, buffers, states, damage. */
#include "tests/unit/testing.h"

#include <string.h>

#include "anemone/inspect.h"
#include "anemone/program.h"
#include "src/base/file.h"
#include "src/mil/builder.h"
#include "src/package/package.h"

static char root[64], package[96];
static const char *weight_path = ANM_WEIGHT_PATH;

/*
 * main(x fp16 [1..4, 2], count int32 [1], memory state fp16 [2]) -> y = x * k + memory, with k in
 * the weight file; memory becomes its sum with k.
 */
static void build_program(anm_mil_builder *b, uint64_t offset) {
    static const int64_t flexible[2] = {ANM_DIM_UNKNOWN, 2}, two[1] = {2}, one[1] = {1};
    anm_mil_builder_function(b, "main", "CoreML8");
    anm_mil_value *x = anm_mil_builder_input(b, "x", ANM_DTYPE_FP16, 2, flexible);
    anm_mil_builder_input(b, "count", ANM_DTYPE_INT32, 1, one);
    anm_mil_value *state = anm_mil_builder_state(b, "memory", ANM_DTYPE_FP16, 1, two);
    anm_mil_value *k =
        anm_mil_builder_blob(b, "k", ANM_DTYPE_FP16, 1, two, weight_path, offset, NULL);
    anm_mil_value *memory = anm_mil_emit(b, "read_state", "memory_0", {"input", state});
    anm_mil_value *product = anm_mil_emit(b, "mul", "product", {"x", x}, {"y", k});
    anm_mil_value *y = anm_mil_emit(b, "add", "y", {"x", product}, {"y", memory});
    anm_mil_value *sum = anm_mil_emit(b, "add", "sum", {"x", memory}, {"y", k});
    anm_mil_builder_op_multi(b, "write_state", "write",
                             (const anm_mil_binding[]){{"input", state}, {"data", sum}}, 2, NULL,
                             0);
    anm_mil_builder_outputs(b, &y, 1);
}

static anm_status write_package(anm_error *err) {
    static const uint16_t weights[2] = {0x4000, 0x4400}; /* 2, 4 */
    anm_feature in[2] = {{.name = "x",
                          .dtype = ANM_DTYPE_FP16,
                          .rank = 2,
                          .shape = {1, 2},
                          .shape_kind = ANM_SHAPE_RANGE,
                          .lower = {1, 2},
                          .upper = {4, 2}},
                         {.name = "count", .dtype = ANM_DTYPE_INT32, .rank = 1, .shape = {1}}};
    anm_feature out = {.name = "y", .dtype = ANM_DTYPE_FP16};
    anm_feature state = {.name = "memory", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {2}};
    anm_interface face = {.name = "main",
                          .inputs = in,
                          .input_count = 2,
                          .outputs = &out,
                          .output_count = 1,
                          .states = &state,
                          .state_count = 1};
    anm_description d = {.functions = &face, .function_count = 1, .version = "7"};
    anm_package_writer *w;
    anm_blob_writer *blobs;
    uint64_t offset;
    ANM_TRY(anm_package_writer_open(package, &w, err));
    ANM_TRY(anm_package_writer_blobs(w, &blobs, err));
    ANM_TRY(anm_blob_writer_add(blobs, ANM_DTYPE_FP16, 2, weights, &offset, err));
    anm_mil_program *program = anm_mil_program_create();
    program->spec_version = 9;
    anm_mil_builder b;
    anm_mil_builder_init(&b, program);
    build_program(&b, offset);
    ANM_TRY(anm_mil_builder_finish(&b, err));
    anm_status status = anm_package_writer_commit(w, program, &d, err);
    anm_mil_program_destroy(program);
    return status;
}

static int make_root(void **state) {
    anm_error err;
    strcpy(root, "anm-program-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(package, sizeof package, "%s/small.mlpackage", root);
    return write_package(&err) == ANM_OK ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

typedef struct fixture {
    anm_program *program;
    const anm_function *f;
    anm_state *state;
    float x[8];
    int32_t count;
    anm_tensor inputs[2];
} fixture;

static void open_fixture(fixture *t, anm_precision precision) {
    anm_error err;
    assert_ok(anm_program_open(package, &t->program, &err), &err);
    t->f = anm_program_function(t->program, NULL);
    assert_non_null(t->f);
    assert_ok(anm_state_create(t->f, precision, &t->state, &err), &err);
    for (int i = 0; i < 8; i++) t->x[i] = (float)i;
    t->inputs[0] = (anm_tensor){"x", ANM_DTYPE_FP32, 2, {2, 2}, t->x, 16};
    t->inputs[1] = (anm_tensor){"count", ANM_DTYPE_INT32, 1, {1}, &t->count, 4};
}

static void close_fixture(fixture *t) {
    anm_state_destroy(t->state);
    anm_program_close(t->program);
}

static void describes_functions(void **state) {
    fixture t;
    open_fixture(&t, ANM_PRECISION_FP16);
    assert_int_equal(anm_program_function_count(t.program), 1);
    assert_string_equal(anm_function_name(t.f), "main");
    assert_null(anm_program_function(t.program, "other"));
    assert_int_equal(anm_function_input_count(t.f), 2);
    assert_int_equal(anm_function_input(t.f, 0)->upper[0], 4);
    assert_null(anm_function_input(t.f, 2));
    /* The interface gives no shape for y; the program knows it. */
    assert_int_equal(anm_function_output(t.f, 0)->rank, 2);
    assert_int_equal(anm_function_output(t.f, 0)->shape[0], -1);
    assert_int_equal(anm_function_output(t.f, 0)->shape[1], 2);
    assert_string_equal(anm_function_state(t.f, 0)->name, "memory");
    assert_string_equal(anm_program_metadata(t.program, "version"), "7");
    assert_null(anm_program_metadata(t.program, "author"));
    assert_int_equal(anm_program_specification(t.program), 9);
    close_fixture(&t);
}

static void predicts_and_keeps_state(void **state) {
    fixture t;
    anm_error err;
    float y[4];
    open_fixture(&t, ANM_PRECISION_FP16);
    anm_tensor out = {"y", ANM_DTYPE_FP32, 0, {0}, y, sizeof y};
    for (int turn = 0; turn < 3; turn++) {
        out.bytes = sizeof y;
        assert_ok(anm_predict(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err), &err);
        assert_int_equal(out.rank, 2);
        assert_int_equal(out.shape[0], 2);
        assert_true(y[0] == (float)(2 * turn) && y[1] == (float)(4 + 4 * turn));
        assert_true(y[2] == (float)(4 + 2 * turn) && y[3] == (float)(12 + 4 * turn));
    }
    anm_tensor *memory = anm_state_find(t.state, "memory");
    assert_int_equal(memory->dtype, ANM_DTYPE_FP16);
    assert_int_equal(((uint16_t *)memory->data)[0], 0x4600); /* 6 */
    close_fixture(&t);

    /* Under fp32 the state is fp32 and belongs to fp32 runs only. */
    open_fixture(&t, ANM_PRECISION_FP32);
    assert_int_equal(anm_state_tensor(t.state, 0)->dtype, ANM_DTYPE_FP32);
    assert_int_equal(anm_predict(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    close_fixture(&t);
}

static void weights_stay_inside(void **state) {
    anm_error err;
    anm_program *program;
    weight_path = "@model_path/../com.apple.CoreML/weights/weight.bin";
    assert_ok(write_package(&err), &err);
    assert_int_equal(anm_program_open(package, &program, &err), ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "out of the package"));
    assert_null(program);
    weight_path = ANM_WEIGHT_PATH;
    assert_ok(write_package(&err), &err);
}

/* A precision that is none would index past the interpreters. */
static void precisions_are_checked(void **state) {
    fixture t;
    anm_error err;
    anm_state *s = (anm_state *)&t;
    anm_predict_options options;
    open_fixture(&t, ANM_PRECISION_FP16);
    anm_predict_options_init(&options);
    options.precision = (anm_precision)7;
    assert_int_equal(anm_predict(t.f, t.inputs, 2, NULL, 0, t.state, &options, &err),
                     ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "precision");
    assert_int_equal(anm_state_create(t.f, (anm_precision)7, &s, &err), ANM_ERROR_ARGUMENT);
    assert_null(s);
    close_fixture(&t);
}

/* Rows of a cache that straddled cache lines cost a tenth of the time of a long text. */
static void states_are_aligned_zeros(void **state) {
    for (int i = 0; i < 20; i++) { /* sizes of the heap's own blocks do not change it */
        fixture t;
        void *between = malloc(16 * (size_t)i + 1);
        open_fixture(&t, i % 2 ? ANM_PRECISION_FP16 : ANM_PRECISION_FP32);
        for (size_t k = 0; k < anm_state_count(t.state); k++) {
            const anm_tensor *tensor = anm_state_tensor(t.state, k);
            assert_int_equal((uintptr_t)tensor->data % 64, 0);
            for (size_t b = 0; b < tensor->bytes; b++)
                assert_int_equal(((const char *)tensor->data)[b], 0);
        }
        close_fixture(&t);
        free(between);
    }
}

static void outputs_of_every_kind(void **state) {
    fixture t;
    anm_error err;
    uint16_t half[4];
    open_fixture(&t, ANM_PRECISION_FP16);
    anm_tensor out = {"y", ANM_DTYPE_NONE, 0, {0}, NULL, 0};
    assert_ok(anm_predict(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err), &err);
    assert_int_equal(out.dtype, ANM_DTYPE_FP16); /* only described */
    assert_int_equal(out.bytes, 8);
    out = (anm_tensor){"y", ANM_DTYPE_NONE, 0, {0}, half, 6};
    assert_int_equal(anm_predict(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err), ANM_ERROR_LIMIT);
    out = (anm_tensor){.name = "z"};
    assert_int_equal(anm_predict(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err),
                     ANM_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "y"));
    out = (anm_tensor){.name = "y", .dtype = ANM_DTYPE_FP64};
    assert_ok(anm_predict_alloc(t.f, t.inputs, 2, &out, 1, t.state, NULL, &err), &err);
    assert_int_equal(out.bytes, 32);
    anm_tensor_release(&out);
    assert_null(out.data);
    close_fixture(&t);
}

static anm_status predict_with(fixture *t, size_t count, anm_error *err) {
    return anm_predict(t->f, t->inputs, count, NULL, 0, t->state, NULL, err);
}

static void wrong_inputs_are_named(void **state) {
    fixture t;
    anm_error err;
    open_fixture(&t, ANM_PRECISION_FP16);
    assert_int_equal(predict_with(&t, 1, &err), ANM_ERROR_MISMATCH);
    assert_non_null(strstr(err.message, "\"count\" is missing"));
    t.inputs[0].shape[0] = 5; /* beyond the range */
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_MISMATCH);
    assert_string_equal(err.where, "function main, input \"x\"");
    assert_string_equal(err.message, "has shape [5, 2]; the model takes [1, 2] to [4, 2]");
    t.inputs[0].shape[0] = 4; /* more than the buffer holds */
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_ARGUMENT);
    t.inputs[0].shape[0] = 2;
    t.inputs[0].rank = 1;
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_MISMATCH);
    t.inputs[0].rank = 99;
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_ARGUMENT);
    t.inputs[0].rank = 2;
    t.inputs[1].dtype = ANM_DTYPE_FP32; /* a float for an integer */
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_MISMATCH);
    t.inputs[1].dtype = ANM_DTYPE_INT32;
    t.inputs[1].name = "x";
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_MISMATCH);
    t.inputs[1].name = "counter";
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "x, count"));
    t.inputs[1].name = "count";
    anm_state *own = t.state;
    t.state = NULL;
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_ARGUMENT);
    t.state = own;
    assert_ok(predict_with(&t, 2, &err), &err);
    close_fixture(&t);
}

static void conversion_between_types(void **state) {
    anm_error err;
    float in[3] = {1.5f, -2, 70000};
    uint16_t half[3];
    int32_t whole[3];
    anm_tensor from = {"t", ANM_DTYPE_FP32, 1, {3}, in, 12};
    anm_tensor to = {"t", ANM_DTYPE_FP16, 1, {3}, half, 6};
    assert_ok(anm_tensor_convert(&from, &to, &err), &err);
    assert_int_equal(half[0], 0x3e00);
    assert_int_equal(half[2], 0x7c00);
    to = (anm_tensor){"t", ANM_DTYPE_INT32, 1, {3}, whole, 12};
    assert_ok(anm_tensor_convert(&from, &to, &err), &err);
    assert_int_equal(whole[0], 1);
    assert_int_equal(whole[1], -2);
    to.shape[0] = 4;
    assert_int_equal(anm_tensor_convert(&from, &to, &err), ANM_ERROR_MISMATCH);
    to.shape[0] = 3;
    to.bytes = 11;
    assert_int_equal(anm_tensor_convert(&from, &to, &err), ANM_ERROR_ARGUMENT);
}

static int collect(void *context, const char *text, size_t length) {
    anm_strbuf_append(context, text, length);
    return 0;
}

static void inspection_counts(void **state) {
    anm_program *program;
    anm_error err;
    anm_strbuf mil = {0};
    assert_ok(anm_program_open_to_inspect(package, &program, &err), &err);
    const anm_function *f = anm_program_function_at(program, 0);
    assert_string_equal(anm_function_op(f, 0)->op, "add");
    assert_int_equal(anm_function_op(f, 0)->count, 2);
    assert_int_equal(anm_program_weights(program, 0)->bytes, 4);
    assert_null(anm_program_weights(program, 1));
    assert_null(anm_program_problem(program, 0));
    assert_ok(anm_program_print_mil(program, 0, collect, &mil, &err), &err);
    assert_non_null(strstr(mil.data, "write_state(data = sum, input = memory)"));
    anm_strbuf_free(&mil);
    anm_program_close(program);
}

/* Without its weights a program can be looked at, and says so when it is asked to run. */
static void inspection_without_weights(void **state) {
    char weights[192];
    fixture t;
    anm_error err;
    snprintf(weights, sizeof weights, "%s/Data/com.apple.CoreML/weights", package);
    assert_ok(anm_path_remove(weights, &err), &err);
    assert_int_equal(anm_program_open(package, &t.program, &err), ANM_ERROR_NOT_FOUND);
    assert_ok(anm_program_open_to_inspect(package, &t.program, &err), &err);
    assert_non_null(strstr(anm_program_problem(t.program, 0), "weight.bin"));
    t.f = anm_program_function(t.program, NULL);
    t.inputs[0] = (anm_tensor){"x", ANM_DTYPE_FP32, 2, {2, 2}, t.x, 16};
    t.inputs[1] = (anm_tensor){"count", ANM_DTYPE_INT32, 1, {1}, &t.count, 4};
    assert_ok(anm_state_create(t.f, ANM_PRECISION_FP16, &t.state, &err), &err);
    assert_int_equal(predict_with(&t, 2, &err), ANM_ERROR_ARGUMENT);
    close_fixture(&t);
    assert_ok(write_package(&err), &err);
}

/* A byte wrong anywhere in the model: an error, or a program that runs or says why not. */
static void damaged_models_never_crash(void **state) {
    char file[192];
    anm_error err;
    anm_arena *arena = anm_arena_create();
    char *data;
    size_t size, opened = 0, ran = 0;
    snprintf(file, sizeof file, "%s/Data/com.apple.CoreML/model.mlmodel", package);
    assert_ok(anm_file_read(arena, file, 1 << 20, &data, &size, &err), &err);
    FILE *out = fopen(file, "r+b");
    assert_non_null(out);
    for (size_t at = 0; at < size; at++) {
        static const unsigned char flips[3] = {0x01, 0x08, 0x80};
        for (int k = 0; k < 3; k++) {
            fixture t = {0};
            fseek(out, (long)at, SEEK_SET);
            fputc((unsigned char)data[at] ^ flips[k], out);
            fflush(out);
            if (anm_program_open(package, &t.program, &err) != ANM_OK) continue;
            opened++;
            t.f = anm_program_function(t.program, NULL);
            t.inputs[0] = (anm_tensor){"x", ANM_DTYPE_FP32, 2, {2, 2}, t.x, 16};
            t.inputs[1] = (anm_tensor){"count", ANM_DTYPE_INT32, 1, {1}, &t.count, 4};
            if (t.f && anm_state_create(t.f, ANM_PRECISION_FP16, &t.state, &err) == ANM_OK &&
                predict_with(&t, 2, &err) == ANM_OK)
                ran++;
            close_fixture(&t);
        }
        fseek(out, (long)at, SEEK_SET);
        fputc((unsigned char)data[at], out);
    }
    fclose(out);
    anm_arena_destroy(arena);
    printf("%zu mutants, %zu opened, %zu ran\n", size * 3, opened, ran);
    assert_true(opened > ran && ran > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_functions),        cmocka_unit_test(predicts_and_keeps_state),
        cmocka_unit_test(outputs_of_every_kind),      cmocka_unit_test(wrong_inputs_are_named),
        cmocka_unit_test(precisions_are_checked),     cmocka_unit_test(weights_stay_inside),
        cmocka_unit_test(conversion_between_types),   cmocka_unit_test(inspection_counts),
        cmocka_unit_test(states_are_aligned_zeros),
        cmocka_unit_test(inspection_without_weights), cmocka_unit_test(damaged_models_never_crash),
    };
    return cmocka_run_group_tests_name("program", tests, make_root, remove_root);
}

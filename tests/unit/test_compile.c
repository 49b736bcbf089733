/* SPDX-License-Identifier: MIT */
/*
 * Compiling packages: against real compiled models byte for byte where their files can be made
 * again, and against our own reader. test_compile_all.c compiles every package of the fixtures.
 */
#include <string.h>
#include <unistd.h>

#include "anemone/program.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/mil/builder.h"
#include "src/mil/text.h"
#include "src/package/compile.h"
#include "src/package/protoread.h"
#include "tests/unit/same_program.h"

static char root[64];

static int make_root(void **state) {
    strcpy(root, "anm-compile-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static const char *in_root(const char *name) {
    static char paths[8][256];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static bytes read_bytes(anm_arena *arena, const char *path) {
    bytes b;
    anm_error err;
    assert_ok(anm_file_read(arena, path, 64 << 20, &b.data, &b.size, &err), &err);
    return b;
}

static void assert_same_file(const char *a, const char *b) {
    anm_arena *arena = anm_arena_create();
    bytes x = read_bytes(arena, a), y = read_bytes(arena, b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    anm_arena_destroy(arena);
}

static void assert_text(anm_strbuf *got, const char *expected) {
    assert_false(got->failed);
    assert_string_equal(anm_strbuf_cstr(got), expected);
    anm_strbuf_free(got);
}

/* ---- a package of our own ---- */

enum { FIXED, RANGED, ENUMERATED };

typedef struct sample {
    int spec_version, flexibility;
    const char *input, *text; /* of a string constant; NULL: none */
    bool build_info;
} sample;

static void set_flexibility(anm_feature *f, int flexibility) {
    static const int64_t shapes[2][ANM_MAX_RANK] = {{1, 2}, {4, 2}};
    if (flexibility == RANGED) {
        f->shape_kind = ANM_SHAPE_RANGE;
        f->lower[0] = 1;
        f->upper[0] = 4;
        f->lower[1] = f->upper[1] = 2;
    } else if (flexibility == ENUMERATED) {
        f->shape_kind = ANM_SHAPE_ENUMERATED;
        f->shape_count = 2;
        f->shapes = shapes;
    }
}

static void add_build_info(anm_mil_program *program) {
    anm_error err;
    assert_ok(anm_compile_build_info(program, &err), &err);
    const anm_mil_literal *info = program->attrs[0].literal;
    const anm_mil_literal *items[4] = {info->items[0], info->items[1],
                                       anm_mil_literal_string(program->arena, "a-key"),
                                       anm_mil_literal_string(program->arena, "a value")};
    program->attrs[0].literal = anm_compile_compound(program->arena, info->type, items, 4);
}

/* y = x * weight, [n, 2] * [2], the weight in the blob file. */
static void write_package(const char *path, const sample *s) {
    static const uint16_t weight[2] = {0x3c00, 0x4100};
    const int64_t two[1] = {2}, dims[2] = {s->flexibility ? -1 : 1, 2};
    anm_error err;
    anm_package_writer *w;
    anm_blob_writer *blobs;
    uint64_t offset;
    assert_ok(anm_package_writer_open(path, &w, &err), &err);
    assert_ok(anm_package_writer_blobs(w, &blobs, &err), &err);
    assert_ok(anm_blob_writer_add(blobs, ANM_DTYPE_FP16, 2, weight, &offset, &err), &err);
    anm_mil_program *program = anm_mil_program_create();
    anm_mil_builder b;
    program->spec_version = s->spec_version;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", s->spec_version >= 9 ? "CoreML8" : "CoreML6");
    anm_mil_value *x = anm_mil_builder_input(&b, s->input, ANM_DTYPE_FP16, 2, dims);
    anm_mil_value *k =
        anm_mil_builder_blob(&b, "k", ANM_DTYPE_FP16, 1, two, ANM_WEIGHT_PATH, offset, NULL);
    if (s->text) anm_mil_builder_string(&b, "text", s->text);
    anm_mil_value *y = anm_mil_emit(&b, "mul", "y", {"y", k}, {"x", x});
    anm_mil_builder_outputs(&b, &y, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);
    if (s->build_info) add_build_info(program);
    anm_feature in = {.name = s->input, .dtype = ANM_DTYPE_FP16, .rank = 2, .shape = {1, 2}};
    anm_feature out = {.name = "y", .dtype = ANM_DTYPE_FP16, .rank = 2, .shape = {1, 2}};
    set_flexibility(&in, s->flexibility);
    anm_interface face = {
        .name = "main", .inputs = &in, .input_count = 1, .outputs = &out, .output_count = 1};
    anm_metadata_entry user = {"a/key", "\"v\""};
    anm_description d = {
        .functions = &face, .function_count = 1, .author = "me", .user = &user, .user_count = 1};
    assert_ok(anm_package_writer_commit(w, program, &d, &err), &err);
    anm_mil_program_destroy(program);
}

static const sample plain = {.spec_version = 9, .input = "x"};

static void assert_mil(const char *bundle, const char *expected) {
    anm_arena *arena = anm_arena_create();
    bytes mil = read_bytes(arena, anm_path_join(arena, bundle, "model.mil"));
    assert_string_equal(mil.data, expected);
    anm_arena_destroy(arena);
}

#define INFO_13                                                                                    \
    "program(1.3)\n[buildInfo = dict<string, string>({{\"coremlc-component-MIL\", \"" ANM_VERSION  \
    "\"}, {\"coremlc-version\", \"" ANM_VERSION "\"}})]\n{\n"
#define WEIGHT_13                                                                                  \
    "            tensor<fp16, [2]> k = const()[name = string(\"k\"), val = tensor<fp16, "          \
    "[2]>(BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), offset = uint64(64)))];\n"

static void compiles_a_package(void **state) {
    anm_compile_report *report;
    anm_error err;
    write_package(in_root("p.mlpackage"), &plain);
    assert_ok(anm_compile(in_root("p.mlpackage/"), in_root("a/b/"), NULL, &report, &err), &err);
    assert_string_equal(anm_compile_report_path(report), in_root("a/b/p.mlmodelc"));
    assert_null(anm_compile_report_warning(report, 0));
    assert_true(anm_compile_report_bytes(report) > 500);
    anm_compile_report_free(report);
    assert_mil(in_root("a/b/p.mlmodelc"),
               INFO_13 "    func main<ios18>(tensor<fp16, [1, 2]> x) {\n" WEIGHT_13
                       "            tensor<fp16, [1, 2]> y = mul(x = x, y = k)[name = "
                       "string(\"y\")];\n        } -> (y);\n}");
    assert_same_file(in_root("p.mlpackage/Data/com.apple.CoreML/weights/weight.bin"),
                     in_root("a/b/p.mlmodelc/weights/weight.bin"));
}

static void old_dialect_and_build_info(void **state) {
    const sample s = {.spec_version = 7, .input = "x", .build_info = true, .flexibility = RANGED};
    anm_error err;
    write_package(in_root("old.mlpackage"), &s);
    assert_ok(anm_compile(in_root("old.mlpackage"), NULL, NULL, NULL, &err), &err);
    assert_mil(
        in_root("old.mlmodelc"),
        "program(1.0)\n[buildInfo = dict<tensor<string, []>, tensor<string, []>>({{\"a-key\", \"a "
        "value\"}, {\"coremlc-component-MIL\", \"" ANM_VERSION "\"}, {\"coremlc-version\", "
        "\"" ANM_VERSION "\"}})]\n{\n"
        "    func main<ios16>(tensor<fp16, [?, 2]> x) [FlexibleShapeInformation = "
        "tuple<tuple<tensor<string, []>, dict<tensor<string, []>, tensor<int32, [?]>>>, "
        "tuple<tensor<string, []>, dict<tensor<string, []>, list<tensor<int32, [2]>, "
        "?>>>>(((\"DefaultShapes\", {{\"x\", [1, 2]}}), (\"RangeDims\", {{\"x\", [[1, 4], [2, "
        "2]]}})))] {\n"
        "            tensor<fp16, [2]> k = const()[name = tensor<string, []>(\"k\"), val = "
        "tensor<fp16, [2]>(BLOBFILE(path = tensor<string, []>(\"@model_path/weights/weight.bin\"), "
        "offset = tensor<uint64, []>(64)))];\n"
        "            tensor<fp16, [?, 2]> y = mul(x = x, y = k)[name = tensor<string, "
        "[]>(\"y\")];\n        } -> (y);\n}");
}

static void enumerated_shapes_warn(void **state) {
    const sample s = {.spec_version = 9, .input = "x", .flexibility = ENUMERATED};
    anm_compile_report *report;
    anm_error err;
    anm_package *p;
    write_package(in_root("e.mlpackage"), &s);
    assert_ok(anm_compile(in_root("e.mlpackage"), NULL, NULL, &report, &err), &err);
    assert_non_null(strstr(anm_compile_report_warning(report, 0), "made up"));
    anm_compile_report_free(report);
    assert_ok(anm_package_open(in_root("e.mlmodelc"), 0, &p, &err), &err);
    const anm_mil_literal *info = p->program->functions[0]->attrs[0].literal;
    const anm_mil_literal *sets = info->items[1]->items[1];
    assert_string_equal(p->program->functions[0]->attrs[0].name, "FlexibleShapeInformation");
    assert_true(anm_sv_is(info->items[1]->items[0]->strings[0], "EnumeratedShapes"));
    assert_int_equal(sets->count, 4);
    assert_int_equal(sets->items[0]->strings[0].len, 8);
    assert_false(anm_mil_literal_equal(sets->items[0], sets->items[2]));
    anm_package_close(p);
}

/* ---- the archive ---- */

static void archive_holds_the_packages_bytes(void **state) {
    anm_arena *arena = anm_arena_create();
    anm_error err;
    anm_model_payload payload;
    write_package(in_root("p.mlpackage"), &plain);
    assert_ok(anm_compile(in_root("p.mlpackage"), in_root("arc"), NULL, NULL, &err), &err);
    bytes model = read_bytes(arena, in_root("p.mlpackage/Data/com.apple.CoreML/model.mlmodel"));
    bytes archive = read_bytes(arena, in_root("arc/p.mlmodelc/coremldata.bin"));
    assert_ok(anm_compile_find_payload((uint8_t *)model.data, model.size, "m", &payload, &err),
              &err);
    assert_int_equal(archive.size, 0x53 + payload.size + 16);
    assert_memory_equal(archive.data, "\xf6\x01\0\0\x09\0\0\0", 8);
    assert_int_equal(archive.data[0x2b], 9);
    assert_memory_equal(archive.data + 0x53, payload.data, payload.size);
    assert_memory_equal(archive.data + 0x53 + payload.size, "\xf6\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                        16);
    anm_arena_destroy(arena);
}

static void archive_adds_missing_metadata(void **state) {
    Pb__ModelDescription none = PB__MODEL_DESCRIPTION__INIT;
    anm_strbuf out = {0};
    none.n_functions = 2;
    anm_compile_archive(&out, 8, (anm_model_payload){(const uint8_t *)"abc", 3}, &none);
    assert_int_equal(out.len, 0x53 + 6 + 2 * 16);
    assert_int_equal(out.data[4], 8);
    assert_int_equal(out.data[0x4b], 6);
    assert_memory_equal(out.data + 0x53, "abc\xa2\x06\0", 6);
    anm_strbuf_free(&out);
}

/* The digest of "abc" is FIPS 180's first example. */
static void analytics_hash(void **state) {
    anm_strbuf out = {0};
    anm_error err;
    assert_ok(anm_compile_analytics(&out, (const uint8_t *)"abc", 3, "model", &err), &err);
    assert_int_equal(out.len, 243);
    assert_memory_equal(out.data + 0x98, "modelHash", 9);
    assert_memory_equal(out.data + 0xa9, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", 44);
    anm_strbuf_free(&out);
}

static void damaged_models_have_no_payload(void **state) {
    anm_error err;
    anm_model_payload payload;
    anm_arena *arena = anm_arena_create();
    write_package(in_root("p.mlpackage"), &plain);
    bytes m = read_bytes(arena, in_root("p.mlpackage/Data/com.apple.CoreML/model.mlmodel"));
    uint8_t *data = (uint8_t *)m.data;
    for (size_t n = 0; n < m.size; n++)
        if (anm_compile_find_payload(data, n, "m", &payload, &err) == ANM_OK)
            assert_true(payload.data >= data && payload.data + payload.size <= data + n);
    for (size_t i = 0; i < 8 * m.size; i++) {
        data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (anm_compile_find_payload(data, m.size, "m", &payload, &err) == ANM_OK)
            assert_true(payload.data >= data && payload.data + payload.size <= data + m.size);
        data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(anm_compile_find_payload((const uint8_t *)"\x12\x01", 2, "m", &payload, &err),
                     ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, 2);
    const char *twice = "\x12\x01x\x12\x01y";
    assert_int_equal(anm_compile_find_payload((const uint8_t *)twice, 6, "m", &payload, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_int_equal(err.offset, 5);
    anm_arena_destroy(arena);
}

/* ---- metadata.json ---- */

static void op_names(void **state) {
    static const struct {
        const char *type;
        int opset;
        const char *name;
    } rows[] = {
        {"reduce_sum", 16, "Ios16.reduceSum"},
        {"reduce_sum", 15, "ReduceSum"},
        {"concat", 16, "Concat"},
        {"lstm", 15, "Lstm"},
        {"lstm", 17, "Ios17.lstm"},
        {"read_state", 18, "Ios18.readState"},
        {"shape", 18, "Shape"},
        {"reduce_l2_norm", 16, "Ios16.reduceL2Norm"},
        {"slice_by_index", 16, "SliceByIndex"},
        {"gather", 17, "Ios17.gather"},
        {"transpose", 26, "Ios18.transpose"},
        {"abs", 16, "Ios16.abs"},
        {"write_state", 18, "Ios18.writeState"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        anm_strbuf out = {0};
        anm_compile_op_name(&out, rows[i].type, rows[i].opset);
        assert_text(&out, rows[i].name);
    }
}

static void json_layout(void **state) {
    json_t *value = json_pack("[{s:s, s:i, s:[], s:{}, s:[s, s]}]", "a/b", "\"\n×", "n", 3, "none",
                              "empty", "list", "x", "y");
    anm_strbuf out = {0};
    anm_compile_print_json(value, &out);
    json_decref(value);
    assert_text(&out, "[\n  {\n    \"a\\/b\" : \"\\\"\\n×\",\n    \"n\" : 3,\n    \"none\" : [\n\n"
                      "    ],\n    \"empty\" : {\n\n    },\n    \"list\" : [\n      \"x\",\n"
                      "      \"y\"\n    ]\n  }\n]");
}

static void metadata_of_a_package(void **state) {
    const sample s = {.spec_version = 9, .input = "x", .flexibility = RANGED};
    anm_error err;
    json_t *list;
    write_package(in_root("1-a.mlpackage"), &s);
    assert_ok(anm_compile(in_root("1-a.mlpackage"), NULL, NULL, NULL, &err), &err);
    assert_ok(anm_json_load(in_root("1-a.mlmodelc/metadata.json"), &list, &err), &err);
    json_t *m = json_array_get(list, 0), *x = json_array_get(json_object_get(m, "inputSchema"), 0);
    json_t *expected = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", "x", "type", "MultiArray",
        "dataType", "Float16", "shape", "[1, 2]", "formattedType", "MultiArray (Float16 1 × 2)",
        "hasShapeFlexibility", "1", "shapeFlexibility", "1...4 × 2", "shapeRange",
        "[[1, 4], [2, 2]]", "isOptional", "0", "shortDescription", "");
    assert_true(json_equal(x, expected));
    json_decref(expected);
    assert_string_equal(json_string_value(json_object_get(m, "storagePrecision")), "Float16");
    assert_string_equal(json_string_value(json_object_get(m, "generatedClassName")), "_1_a");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(m, "userDefinedMetadata"), "a/key")),
        "\"v\"");
    json_decref(list);
}

/* ---- the same program, the same results ---- */

static void own_package_is_the_same(void **state) {
    anm_error err;
    write_package(in_root("s.mlpackage"), &plain);
    assert_ok(anm_compile(in_root("s.mlpackage"), NULL, NULL, NULL, &err), &err);
    assert_same_program(in_root("s.mlpackage"), in_root("s.mlmodelc"));
    assert_same_results(in_root("s.mlpackage"), in_root("s.mlmodelc"));
}

/* ---- what is refused ---- */

static void expect_refusal(const sample *s, anm_status status, const char *part) {
    anm_compile_report *report = (anm_compile_report *)1;
    anm_error err;
    write_package(in_root("bad.mlpackage"), s);
    assert_int_equal(anm_compile(in_root("bad.mlpackage"), NULL, NULL, &report, &err), status);
    assert_null(report);
    assert_non_null(strstr(err.message, part));
    assert_false(anm_path_exists(in_root("bad.mlmodelc")));
}

static void refusals(void **state) {
    expect_refusal(&(sample){.spec_version = 9, .input = "x", .text = "a\"b"},
                   ANM_ERROR_UNSUPPORTED, "quote");
    expect_refusal(&(sample){.spec_version = 9, .input = "x", .text = "a\\b"},
                   ANM_ERROR_UNSUPPORTED, "backslash");
    expect_refusal(&(sample){.spec_version = 9, .input = "x", .text = "a\nb"},
                   ANM_ERROR_UNSUPPORTED, "control");
    expect_refusal(&(sample){.spec_version = 10, .input = "x"}, ANM_ERROR_UNSUPPORTED,
                   "specification version 10");
}

static void outputs_are_not_replaced_unasked(void **state) {
    anm_compile_options options;
    anm_error err;
    anm_compile_options_init(&options);
    write_package(in_root("o.mlpackage"), &plain);
    assert_ok(anm_compile(in_root("o.mlpackage"), NULL, &options, NULL, &err), &err);
    assert_int_equal(anm_compile(in_root("o.mlpackage"), NULL, &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    options.overwrite = 1;
    assert_ok(anm_compile(in_root("o.mlpackage"), NULL, &options, NULL, &err), &err);
    assert_int_equal(anm_compile(in_root("o.mlmodelc"), NULL, &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_compile(in_root("none.mlpackage"), NULL, &options, NULL, &err),
                     ANM_ERROR_NOT_FOUND);
}

/* Bits flipped: refused or compiled, never a crash. */
static void mutated_packages_do_not_crash(void **state) {
    const anm_compile_options options = {sizeof options, 1};
    const char *file = in_root("m.mlpackage/Data/com.apple.CoreML/model.mlmodel");
    const sample s = {.spec_version = 9, .input = "x", .flexibility = ENUMERATED};
    anm_arena *arena = anm_arena_create();
    char path[256];
    size_t compiled = 0, refused = 0;
    snprintf(path, sizeof path, "%s", file);
    write_package(in_root("m.mlpackage"), &s);
    bytes m = read_bytes(arena, path);
    for (size_t i = 0; i < 8 * m.size; i += 11) {
        anm_error err;
        m.data[i / 8] ^= (char)(1 << i % 8);
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(m.data, 1, m.size, out), m.size);
        fclose(out);
        anm_status status = anm_compile(in_root("m.mlpackage"), in_root("m"), &options, NULL, &err);
        if (status == ANM_OK) compiled++;
        else refused++;
        m.data[i / 8] ^= (char)(1 << i % 8);
    }
    assert_true(compiled > 0 && refused > 0);
    anm_arena_destroy(arena);
}

/* A program from text with its own signature as interface. */
static anm_status check_text(const char *text, anm_compile_report *report, anm_error *err) {
    anm_mil_program *program;
    assert_ok(anm_mil_text_parse(text, strlen(text), "text", &program, err), err);
    if (program->spec_version > 9) program->spec_version = 9; /* a wrong mixture */
    anm_feature x = {.name = "state", .rank = 1, .shape = {2}};
    anm_interface face = {.name = "main", .inputs = &x, .input_count = 1, .predicted_feature = ""};
    anm_package package = {
        .path = "p", .program = program, .description = {.functions = &face, .function_count = 1}};
    anm_status status = anm_compile_check(&package, report, err);
    anm_mil_program_destroy(program);
    return status;
}

static void programs_of_unknown_form(void **state) {
    anm_compile_report report = {.arena = anm_arena_create()};
    anm_error err;
    assert_int_equal(
        check_text("program(1.0) { func main<ios15>(tensor<fp32, [2]> state) {"
                   "tensor<string, [2]> c = const()[val = tensor<string, [2]>([\"a\", \"b\"])];"
                   "tensor<string, []> l, dict<tensor<string, []>, tensor<fp32, []>> p = "
                   "classify(classes = c, probabilities = state); } -> (l, p); }",
                   &report, &err),
        ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "classif"));
    assert_int_equal(check_text("program(1.0) { func main<ios15>(tensor<fp32, [?]> state) {"
                                "tensor<fp32, [?]> y = relu(x = state); } -> (y); }",
                                &report, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_int_equal(check_text("program(1.0) { func main<ios15>(tensor<fp32, [2]> z) {"
                                "tensor<fp32, [2]> y = relu(x = z); } -> (y); }",
                                &report, &err),
                     ANM_ERROR_MISMATCH);
    assert_int_equal(check_text("program(1.0) { func other<ios15>(tensor<fp32, [2]> z) {"
                                "tensor<fp32, [2]> y = relu(x = z); } -> (y); }",
                                &report, &err),
                     ANM_ERROR_MISMATCH);
    assert_int_equal(check_text("program(1.3) { func main<ios26>(tensor<fp32, [2]> state) {"
                                "tensor<fp32, [2]> y = relu(x = state); } -> (y); }",
                                &report, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "opset"));
    size_t before = report.warnings.len;
    assert_ok(check_text("program(1.0) { func main<ios15>(tensor<fp32, [2]> state) {"
                         "tensor<fp32, [2]> y = relu(x = state); } -> (y); }",
                         &report, &err),
              &err);
    assert_int_equal(report.warnings.len, before + 1); /* called "state" */
    anm_vec_free(&report.warnings);
    anm_arena_destroy(report.arena);
}

static void loops_are_refused(void **state) {
    char path[1024];
    anm_error err;
    snprintf(path, sizeof path, "%s", fixture_path("mlpackage/dtln-aec-128-part1/Manifest.json"));
    *strrchr(path, '/') = '\0';
    assert_int_equal(symlink(path, in_root("loop.mlpackage")), 0);
    assert_int_equal(anm_compile(in_root("loop.mlpackage"), NULL, NULL, NULL, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "nested blocks"));
    assert_int_equal(remove(in_root("loop.mlpackage")), 0);
}

/* ---- real compiled models, made again ---- */

static const char *const real_bundles[] = {
    "coremltools-add", "fluid-argmax", "fluid-token-duration", "fluid-transpose",
    "minilm-l6-a",     "minilm-l6-b",  "test-linear",          "test-multi-io"};
enum { REAL_BUNDLES = sizeof real_bundles / sizeof real_bundles[0] };

/* Before anything is allocated: a test that is skipped frees nothing. */
static void need_bundles(void) {
    (void)fixture_path("mlmodelc/coremltools-add/model.mil");
}

static char *bundle_file(anm_arena *arena, const char *bundle, const char *file) {
    const char *mil = fixture_path("mlmodelc/coremltools-add/model.mil");
    size_t root_length = strlen(mil) - strlen("coremltools-add/model.mil");
    return anm_arena_printf(arena, "%.*s%s/%s", (int)root_length, mil, bundle, file);
}

static void real_archives(void **state) {
    need_bundles();
    anm_arena *arena = anm_arena_create();
    anm_error err;
    for (size_t i = 0; i < REAL_BUNDLES; i++) {
        bytes real = read_bytes(arena, bundle_file(arena, real_bundles[i], "coremldata.bin"));
        uint64_t size;
        Pb__ModelDescription *d;
        anm_strbuf out = {0};
        memcpy(&size, real.data + 0x4b, sizeof size);
        anm_model_payload payload = {(uint8_t *)real.data + 0x53, size};
        assert_ok(anm_proto_parse_description(payload.data, size, "d", &d, &err), &err);
        anm_compile_archive(&out, real.data[0x2b], payload, d);
        assert_int_equal(out.len, real.size);
        assert_memory_equal(out.data, real.data, real.size);
        anm_strbuf_free(&out);
        pb__model_description__free_unpacked(d, NULL);
    }
    anm_arena_destroy(arena);
}

/* All but the 44 characters of the hash, whose source nobody has. */
static void real_analytics(void **state) {
    need_bundles();
    anm_arena *arena = anm_arena_create();
    anm_error err;
    for (size_t i = 0; i < REAL_BUNDLES; i++) {
        bytes real =
            read_bytes(arena, bundle_file(arena, real_bundles[i], "analytics/coremldata.bin"));
        uint64_t length;
        anm_strbuf out = {0};
        memcpy(&length, real.data + 0xe6, sizeof length);
        const char *name = anm_arena_strndup(arena, real.data + 0xee, length);
        assert_ok(anm_compile_analytics(&out, (const uint8_t *)"", 0, name, &err), &err);
        assert_int_equal(out.len, real.size);
        assert_memory_equal(out.data, real.data, 0xa9);
        assert_memory_equal(out.data + 0xd5, real.data + 0xd5, real.size - 0xd5);
        anm_strbuf_free(&out);
    }
    anm_arena_destroy(arena);
}

/* Entries of EnumeratedShapes, one a line without its key: {"0a731900", {{...}}}. Apple's keys are
 * another hash than ours, so the order differs. */
static void list_shape_sets(const char *text, anm_strbuf *out) {
    const char *end = strstr(text, ")))] {"), *at = strstr(text, "(\"EnumeratedShapes\"");
    for (at = strstr(at, "{{\"") + 1; at && at < end; at = strstr(at, "{\"")) {
        const char *start = at + strlen("{\"0a731900\", ");
        const char *stop = strstr(start, "}}}");
        anm_strbuf_append(out, start, (size_t)(stop - start));
        anm_strbuf_putc(out, '\n');
        at = stop;
    }
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_same_lines(char *a, char *b) {
    char *x[64], *y[64], *rest;
    size_t n = 0, m = 0;
    for (char *t = strtok_r(a, "\n", &rest); t && n < 64; t = strtok_r(NULL, "\n", &rest))
        x[n++] = t;
    for (char *t = strtok_r(b, "\n", &rest); t && m < 64; t = strtok_r(NULL, "\n", &rest))
        y[m++] = t;
    assert_int_equal(n, m);
    qsort(x, n, sizeof *x, compare_lines);
    qsort(y, m, sizeof *y, compare_lines);
    for (size_t i = 0; i < n; i++) assert_string_equal(x[i], y[i]);
}

static anm_package *open_real(anm_arena *arena, const char *name) {
    anm_error err;
    anm_package *p;
    char *path = bundle_file(arena, name, "");
    assert_ok(anm_package_open(path, ANM_PACKAGE_NO_WEIGHTS, &p, &err), &err);
    return p;
}

/* Apple's program with its attribute dropped and made again from the interface: Apple's bytes. */
static void real_flexible_shapes(void **state) {
    need_bundles();
    anm_arena *arena = anm_arena_create();
    anm_compile_report report = {.arena = arena};
    anm_error err;
    for (size_t i = 0; i < REAL_BUNDLES; i++) {
        anm_package *p = open_real(arena, real_bundles[i]);
        bytes mil = read_bytes(arena, bundle_file(arena, real_bundles[i], "model.mil"));
        anm_mil_function *f = p->program->functions[0];
        const anm_mil_literal *real = f->attr_count ? f->attrs[0].literal : NULL;
        anm_strbuf text = {0}, sets[2] = {{0}, {0}};
        f->attr_count = 0;
        assert_ok(anm_compile_flexible(p->program, &p->description, &report, &err), &err);
        assert_int_equal(f->attr_count, real != NULL);
        if (real && anm_sv_is(real->items[1]->items[0]->strings[0], "EnumeratedShapes")) {
            anm_mil_text_print(p->program, NULL, &text);
            const char *sets_at = strstr(text.data, "(\"EnumeratedShapes\"");
            assert_memory_equal(text.data, mil.data, (size_t)(sets_at - text.data));
            list_shape_sets(mil.data, &sets[0]);
            list_shape_sets(text.data, &sets[1]);
            assert_int_equal(sets[0].len, sets[1].len);
            assert_same_lines(sets[0].data, sets[1].data);
        } else {
            anm_mil_text_print(p->program, NULL, &text);
            /* One file got a final newline from the repository it comes from. */
            assert_int_equal(text.len, mil.size - (mil.data[mil.size - 1] == '\n'));
            assert_memory_equal(text.data, mil.data, text.len);
        }
        anm_strbuf_free(&text);
        anm_strbuf_free(&sets[0]);
        anm_strbuf_free(&sets[1]);
        anm_package_close(p);
    }
    anm_vec_free(&report.warnings);
    anm_arena_destroy(arena);
}

/* Only the class's name comes from a file that we do not have. */
static void real_metadata(void **state) {
    need_bundles();
    anm_arena *arena = anm_arena_create();
    anm_error err;
    for (size_t i = 0; i < REAL_BUNDLES; i++) {
        anm_package *p = open_real(arena, real_bundles[i]);
        bytes archive = read_bytes(arena, bundle_file(arena, real_bundles[i], "coremldata.bin"));
        json_t *real;
        uint64_t size;
        Pb__ModelDescription *d;
        assert_ok(anm_json_load(bundle_file(arena, real_bundles[i], "metadata.json"), &real, &err),
                  &err);
        json_t *name = json_object_get(json_array_get(real, 0), "generatedClassName");
        memcpy(&size, archive.data + 0x4b, sizeof size);
        assert_ok(anm_proto_parse_description((uint8_t *)archive.data + 0x53, size, "d", &d, &err),
                  &err);
        json_t *ours = anm_compile_metadata(p->program, d, json_string_value(name));
        if (!json_equal(ours, real)) {
            char *text = json_dumps(ours, JSON_INDENT(1) | JSON_SORT_KEYS);
            fail_msg("%s: metadata differs: %s", real_bundles[i], text);
        }
        json_decref(ours);
        json_decref(real);
        pb__model_description__free_unpacked(d, NULL);
        anm_package_close(p);
    }
    anm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles_a_package),
        cmocka_unit_test(old_dialect_and_build_info),
        cmocka_unit_test(enumerated_shapes_warn),
        cmocka_unit_test(archive_holds_the_packages_bytes),
        cmocka_unit_test(archive_adds_missing_metadata),
        cmocka_unit_test(analytics_hash),
        cmocka_unit_test(damaged_models_have_no_payload),
        cmocka_unit_test(op_names),
        cmocka_unit_test(json_layout),
        cmocka_unit_test(metadata_of_a_package),
        cmocka_unit_test(own_package_is_the_same),
        cmocka_unit_test(refusals),
        cmocka_unit_test(mutated_packages_do_not_crash),
        cmocka_unit_test(outputs_are_not_replaced_unasked),
        cmocka_unit_test(programs_of_unknown_form),
        cmocka_unit_test(loops_are_refused),
        cmocka_unit_test(real_archives),
        cmocka_unit_test(real_analytics),
        cmocka_unit_test(real_flexible_shapes),
        cmocka_unit_test(real_metadata),
    };
    return cmocka_run_group_tests_name("compile", tests, make_root, remove_root);
}

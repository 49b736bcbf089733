/* SPDX-License-Identifier: MIT */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/mil/builder.h"
#include "src/package/package.h"
#include "src/package/protonew.h"
#include "src/package/protoread.h"

static char root[64];

static int make_root(void **state) {
    strcpy(root, "anm-package-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static const char *in_root(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static const int64_t two[1] = {2};

/* y = x * weight, the weight in the blob file. */
static void write_small(const char *path) {
    static const uint16_t weight[2] = {0x3c00, 0x4000};
    anm_error err;
    anm_package_writer *w;
    anm_blob_writer *blobs;
    uint64_t offset;
    assert_ok(anm_package_writer_open(path, &w, &err), &err);
    assert_ok(anm_package_writer_blobs(w, &blobs, &err), &err);
    assert_ok(anm_blob_writer_add(blobs, ANM_DTYPE_FP16, 2, weight, &offset, &err), &err);
    anm_mil_program *program = anm_mil_program_create();
    program->spec_version = 9;
    anm_mil_builder b;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    anm_mil_value *x = anm_mil_builder_input(&b, "x", ANM_DTYPE_FP16, 1, two);
    anm_mil_value *k =
        anm_mil_builder_blob(&b, "k", ANM_DTYPE_FP16, 1, two, ANM_WEIGHT_PATH, offset, NULL);
    anm_mil_value *y = anm_mil_emit(&b, "mul", "y", {"x", x}, {"y", k});
    anm_mil_builder_outputs(&b, &y, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);
    anm_feature in = {.name = "x", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {2}};
    anm_feature out = in;
    out.name = "y";
    anm_interface face = {
        .name = "main", .inputs = &in, .input_count = 1, .outputs = &out, .output_count = 1};
    anm_metadata_entry user = {"com.anemll.context_length", "512"};
    anm_description d = {
        .functions = &face, .function_count = 1, .author = "test", .user = &user, .user_count = 1};
    assert_ok(anm_package_writer_commit(w, program, &d, &err), &err);
    anm_mil_program_destroy(program);
}

static void writes_and_reads_back(void **state) {
    const char *path = in_root("small.mlpackage");
    anm_error err;
    anm_package *p;
    write_small(path);
    assert_ok(anm_package_open(path, 0, &p, &err), &err);
    assert_int_equal(p->program->spec_version, 9);
    assert_int_equal(p->program->function_count, 1);
    const anm_mil_function *f = p->program->functions[0];
    assert_string_equal(f->opset, "CoreML8");
    const anm_mil_value *k = f->body->first->outputs[0];
    assert_string_equal(k->name, "k");
    assert_int_equal(((const uint16_t *)k->constant->data)[1], 0x4000);
    assert_string_equal(f->body->outputs[0]->name, "y");
    assert_string_equal(p->description.author, "test");
    assert_string_equal(p->description.user[0].value, "512");
    assert_string_equal(p->description.functions[0].outputs[0].name, "y");
    anm_package_close(p);
}

static void expect_open_error(const char *path, anm_status status, uint64_t offset) {
    anm_error err;
    anm_package *p;
    assert_int_equal(anm_package_open(path, 0, &p, &err), status);
    assert_null(p);
    assert_int_equal(err.offset, offset);
    assert_true(err.message[0] != '\0');
}

static void patch_file(const char *path, long at, const void *data, size_t size) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void damaged_weights_are_refused(void **state) {
    const char *path = in_root("bad.mlpackage");
    char weights[256];
    snprintf(weights, sizeof weights, "%s/Data/com.apple.CoreML/weights/weight.bin", path);
    static const uint64_t huge = UINT64_MAX - 8;
    static const uint32_t wrong = 2;

    write_small(in_root("bad.mlpackage"));
    patch_file(weights, 64, &wrong, 4); /* sentinel */
    expect_open_error(in_root("bad.mlpackage"), ANM_ERROR_FORMAT, 64);

    write_small(in_root("bad.mlpackage"));
    patch_file(weights, 64 + 8, &huge, 8); /* size */
    expect_open_error(in_root("bad.mlpackage"), ANM_ERROR_FORMAT, 64);

    write_small(in_root("bad.mlpackage"));
    patch_file(weights, 64 + 16, &huge, 8); /* data offset */
    expect_open_error(in_root("bad.mlpackage"), ANM_ERROR_FORMAT, 64);

    write_small(in_root("bad.mlpackage"));
    patch_file(weights, 64 + 4, &wrong, 4); /* fp32 instead of fp16 */
    expect_open_error(in_root("bad.mlpackage"), ANM_ERROR_FORMAT, 64);

    write_small(in_root("bad.mlpackage"));
    assert_int_equal(remove(weights), 0);
    expect_open_error(in_root("bad.mlpackage"), ANM_ERROR_NOT_FOUND, ANM_NO_OFFSET);
}

/* Garbage in the padding field is normal for whole-byte types and an error for sub-byte ones. */
static void padding_counts_for_subbyte_types_only(void **state) {
    const char *path = in_root("blobs.bin");
    static const unsigned char three[2] = {0x21, 0x03};
    static const uint64_t garbage = 11751492080;
    anm_error err;
    anm_blob_writer *w;
    anm_blob_file file;
    anm_blob blob;
    uint64_t at_bytes, at_nibbles;
    assert_ok(anm_blob_writer_open(path, &w, &err), &err);
    assert_ok(anm_blob_writer_add(w, ANM_DTYPE_UINT8, 2, three, &at_bytes, &err), &err);
    assert_ok(anm_blob_writer_add(w, ANM_DTYPE_UINT4, 3, three, &at_nibbles, &err), &err);
    assert_int_equal(anm_blob_writer_count(w), 2);
    assert_ok(anm_blob_writer_commit(w, &err), &err);
    path = in_root("blobs.bin");
    patch_file(path, (long)at_bytes + 24, &garbage, 8);
    assert_ok(anm_blob_file_open(path, &file, &err), &err);
    assert_ok(anm_blob_file_expect(&file, at_bytes, ANM_DTYPE_UINT8, 2, &blob, &err), &err);
    assert_ok(anm_blob_file_expect(&file, at_nibbles, ANM_DTYPE_UINT4, 3, &blob, &err), &err);
    assert_int_equal(blob.padding_bits, 4);
    assert_int_equal(anm_blob_file_expect(&file, at_nibbles, ANM_DTYPE_UINT4, 4, &blob, &err),
                     ANM_ERROR_FORMAT);
    anm_blob_file_close(&file);
    patch_file(path, (long)at_nibbles + 24, &garbage, 8);
    assert_ok(anm_blob_file_open(path, &file, &err), &err);
    assert_int_equal(anm_blob_file_expect(&file, at_nibbles, ANM_DTYPE_UINT4, 3, &blob, &err),
                     ANM_ERROR_FORMAT);
    anm_blob_file_close(&file);
}

/* Field 9999, a string: not in our .proto files. */
static void unknown_fields_survive_a_rewrite(void **state) {
    static uint8_t text[] = "\x05hello";
    char from[128];
    anm_error err;
    Pb__Model *model;
    write_small(in_root("a.mlpackage"));
    strcpy(from, in_root("a.mlpackage"));
    assert_ok(anm_package_read_message(from, &model, &err), &err);
    ProtobufCMessageUnknownField extra = {9999, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, 6, text};
    model->description->base.n_unknown_fields = 1;
    model->description->base.unknown_fields = &extra;
    assert_ok(anm_package_rewrite(from, in_root("b.mlpackage"), model, &err), &err);
    model->description->base.n_unknown_fields = 0;
    model->description->base.unknown_fields = NULL;
    pb__model__free_unpacked(model, NULL);

    assert_ok(anm_package_read_message(in_root("b.mlpackage"), &model, &err), &err);
    assert_int_equal(model->description->base.n_unknown_fields, 1);
    assert_int_equal(model->description->base.unknown_fields[0].tag, 9999);
    assert_memory_equal(model->description->base.unknown_fields[0].data, text, 6);
    pb__model__free_unpacked(model, NULL);
    anm_package *p;
    assert_ok(anm_package_open(in_root("b.mlpackage"), 0, &p, &err), &err);
    anm_package_close(p);
}

/* Every byte flipped and every cut: an error or a program, never a crash. */
static void mutated_models_do_not_crash(void **state) {
    const char *file = "m.mlpackage/Data/com.apple.CoreML/model.mlmodel";
    anm_error err;
    anm_arena *arena = anm_arena_create();
    char *data;
    size_t size;
    write_small(in_root("m.mlpackage"));
    assert_ok(anm_file_read(arena, in_root(file), 1 << 20, &data, &size, &err), &err);
    size_t readable = 0;
    for (size_t i = 0; i < size * 9; i++) {
        size_t at = i / 9, n = i % 9 == 8 ? at : size;
        char saved = data[at];
        if (i % 9 < 8) data[at] ^= (char)(1 << i % 9);
        Pb__Model *model;
        if (anm_proto_parse_model(data, n, "mutated", &model, &err) == ANM_OK) {
            anm_mil_program *program = NULL;
            if (model->type_case == PB__MODEL__TYPE_ML_PROGRAM &&
                anm_proto_read_program(model->mlprogram, "mutated", &program, &err) == ANM_OK)
                readable++;
            anm_mil_program_destroy(program);
            pb__model__free_unpacked(model, NULL);
        }
        data[at] = saved;
    }
    assert_true(readable > 0 && readable < size * 9);
    anm_arena_destroy(arena);
}

/* Tuples within tuples: without a limit protobuf-c recurses as deep as the file says. */
static void deep_nesting_is_refused(void **state) {
    enum { LEVELS = 400 };
    anm_strbuf inner = {0}, outer = {0};
    /* ValueType.tupleType(3) { TupleType.types(1) { ... } }, from the inside out. */
    for (int i = 0; i < LEVELS; i++) {
        for (int field = 1; field <= 3; field += 2) {
            anm_strbuf_clear(&outer);
            anm_strbuf_putc(&outer, (char)(field << 3 | 2));
            size_t n = inner.len;
            for (; n >= 0x80; n >>= 7) anm_strbuf_putc(&outer, (char)(n | 0x80));
            anm_strbuf_putc(&outer, (char)n);
            anm_strbuf_append(&outer, inner.data, inner.len);
            anm_strbuf swap = inner;
            inner = outer;
            outer = swap;
        }
    }
    /* Model.mlProgram(502).attributes(4).value(2).type(2) */
    static const char *const keys[] = {"\x12", "\x12", "\x22", "\xb2\x1f"};
    for (int k = 0; k < 4; k++) {
        anm_strbuf_clear(&outer);
        anm_strbuf_puts(&outer, keys[k]);
        size_t n = inner.len;
        for (; n >= 0x80; n >>= 7) anm_strbuf_putc(&outer, (char)(n | 0x80));
        anm_strbuf_putc(&outer, (char)n);
        anm_strbuf_append(&outer, inner.data, inner.len);
        anm_strbuf swap = inner;
        inner = outer;
        outer = swap;
    }
    Pb__Model *model;
    anm_error err;
    assert_int_equal(anm_proto_parse_model(inner.data, inner.len, "deep", &model, &err),
                     ANM_ERROR_FORMAT);
    anm_strbuf_free(&inner);
    anm_strbuf_free(&outer);
}

static void count_values(const char *relative, size_t expected_functions) {
    anm_error err;
    anm_package *p;
    char path[1024];
    snprintf(path, sizeof path, "%s", fixture_path(relative));
    *strrchr(path, '/') = '\0'; /* the manifest's directory */
    assert_ok(anm_package_open(path, 0, &p, &err), &err);
    assert_int_equal(p->program->function_count, expected_functions);
    assert_int_equal(p->description.function_count, expected_functions);
    anm_package_close(p);
}

static void reads_real_packages(void **state) {
    count_values("anemll/qwen3-a/lut6/qwen_FFN_PF_lut6_chunk_01of02.mlpackage/Manifest.json", 2);
    count_values("anemll/llama-tied/fp16/llama_lm_head.mlpackage/Manifest.json", 1);
    count_values("generic/mlp-ios18-lut3-pertensor.mlpackage/Manifest.json", 1);
    count_values("generic/mlp-ios16-int8-asym.mlpackage/Manifest.json", 1);
    count_values("mlpackage/dtln-aec-128-part1/Manifest.json", 1);
}

/* Through the IR and back: the second reading equals the first. */
static void real_programs_write_back(void **state) {
    static const char manifest[] =
        "anemll/qwen3-a/lut4/qwen_FFN_PF_lut4_chunk_01of02.mlpackage/Manifest.json";
    char path[1024];
    anm_error err;
    anm_package *a, *b;
    anm_package_writer *w;
    anm_blob_writer *blobs;
    snprintf(path, sizeof path, "%s", fixture_path(manifest));
    *strrchr(path, '/') = '\0';
    assert_ok(anm_package_open(path, 0, &a, &err), &err);
    assert_ok(anm_package_writer_open(in_root("copy.mlpackage"), &w, &err), &err);
    assert_ok(anm_package_writer_blobs(w, &blobs, &err), &err);
    assert_ok(anm_package_writer_commit(w, a->program, &a->description, &err), &err);
    assert_ok(anm_file_copy(a->blobs[0].path,
                            in_root("copy.mlpackage/Data/com.apple.CoreML/weights/weight.bin"),
                            &err),
              &err);
    assert_ok(anm_package_open(in_root("copy.mlpackage"), 0, &b, &err), &err);
    for (size_t i = 0; i < a->program->function_count; i++) {
        const anm_mil_function *f = a->program->functions[i];
        const anm_mil_function *g = anm_mil_program_find(b->program, f->name);
        assert_non_null(g);
        assert_int_equal(f->value_count, g->value_count);
        const anm_mil_op *q = g->body->first;
        for (const anm_mil_op *p = f->body->first; p; p = p->next, q = q->next) {
            assert_string_equal(p->type, q->type);
            assert_int_equal(p->attr_count, q->attr_count);
            for (size_t k = 0; k < p->attr_count; k++)
                assert_true(anm_mil_literal_equal(p->attrs[k].literal, q->attrs[k].literal));
            for (size_t k = 0; k < p->output_count; k++)
                assert_true(anm_mil_type_equal(p->outputs[k]->type, q->outputs[k]->type));
        }
    }
    anm_package_close(a);
    anm_package_close(b);
}

static void open_compiled(const char *name, size_t functions, bool described) {
    char file[128], path[1024];
    anm_error err;
    anm_package *p;
    snprintf(file, sizeof file, "mlmodelc/%s/model.mil", name);
    snprintf(path, sizeof path, "%s", fixture_path(file));
    *strrchr(path, '/') = '\0';
    assert_ok(anm_package_open(path, ANM_PACKAGE_NO_WEIGHTS, &p, &err), &err);
    assert_true(p->compiled);
    assert_int_equal(p->described, described);
    assert_int_equal(p->description.function_count, functions);
    for (size_t i = 0; i < functions; i++)
        assert_non_null(anm_mil_program_find(p->program, p->description.functions[i].name));
    anm_package_close(p);
}

static void reads_compiled_models(void **state) {
    open_compiled("coremltools-add", 1, true);
    open_compiled("minilm-l6-a", 1, true);
    open_compiled("test-linear", 1, true);
    open_compiled("export-flexible-multifunction", 2, false);
    open_compiled("whisper-tiny-encoder", 1, false);
}

/* A bundle of our own without coremldata.bin, and what is refused. */
static void compiled_models_of_our_own(void **state) {
    static const char mil[] = "program(1.3)\n[buildInfo = dict<string, string>({})]\n{\n"
                              "    func main<ios18>(tensor<fp16, [2, ?]> x) {\n"
                              "            tensor<fp16, [2, ?]> y = mul(x = x, y = x)[name = "
                              "string(\"y\")];\n        } -> (y);\n}";
    anm_error err;
    anm_package *p;
    assert_ok(anm_dir_create(in_root("own.mlmodelc"), &err), &err);
    expect_open_error(in_root("own.mlmodelc"), ANM_ERROR_NOT_FOUND, ANM_NO_OFFSET);
    assert_ok(anm_file_write(in_root("own.mlmodelc/model.mil"), mil, sizeof mil - 1, &err), &err);
    assert_ok(anm_package_open(in_root("own.mlmodelc"), 0, &p, &err), &err);
    const anm_feature *x = &p->description.functions[0].inputs[0];
    assert_string_equal(x->name, "x");
    assert_int_equal(x->shape_kind, ANM_SHAPE_RANGE);
    assert_int_equal(x->upper[0], 2);
    assert_int_equal(x->upper[1], -1);
    anm_package_close(p);

    /* Type 500 is a neural network; an archive that is cut off. */
    unsigned char archive[0x53] = {0xf4, 1};
    assert_ok(anm_file_write(in_root("own.mlmodelc/coremldata.bin"), archive, sizeof archive, &err),
              &err);
    expect_open_error(in_root("own.mlmodelc"), ANM_ERROR_UNSUPPORTED, ANM_NO_OFFSET);
    archive[0] = 0xf6;
    archive[0x4b] = 9;
    assert_ok(anm_file_write(in_root("own.mlmodelc/coremldata.bin"), archive, sizeof archive, &err),
              &err);
    expect_open_error(in_root("own.mlmodelc"), ANM_ERROR_FORMAT, 0x4b);
    assert_ok(anm_file_write(in_root("own.mlmodelc/model.espresso.net"), "{}", 2, &err), &err);
    expect_open_error(in_root("own.mlmodelc"), ANM_ERROR_UNSUPPORTED, ANM_NO_OFFSET);
}

#define TEXT_AND_SHAPES "dict<string, tensor<int32, [?]>>"
#define DEFAULTS(shape) "(\"DefaultShapes\", {{\"x\", " shape "}})"
#define RANGES(defaults, ranges)                                                                   \
    "tuple<tuple<string, " TEXT_AND_SHAPES ">, tuple<string, dict<string, list<tensor<int32, "     \
    "[2]>, ?>>>>((" DEFAULTS(defaults) ", (\"RangeDims\", {{\"x\", " ranges "}})))"
#define SETS(defaults, sets)                                                                       \
    "tuple<tuple<string, " TEXT_AND_SHAPES ">, tuple<string, dict<string, " TEXT_AND_SHAPES        \
    ">>>((" DEFAULTS(defaults) ", (\"EnumeratedShapes\", {" sets "})))"

/* Writes a bundle whose input x has this FlexibleShapeInformation. */
static const char *flexible_bundle(const char *information) {
    anm_strbuf text = {0};
    anm_error err;
    if (!anm_path_exists(in_root("flexible.mlmodelc")))
        assert_ok(anm_dir_create(in_root("flexible.mlmodelc"), &err), &err);
    anm_strbuf_printf(&text,
                      "program(1.3)\n{\n    func main<ios18>(tensor<fp16, [?, 2]> x) "
                      "[FlexibleShapeInformation = %s] {\n tensor<fp16, [?, 2]> y = mul(x = x, y "
                      "= x)[name = string(\"y\")];\n        } -> (y);\n}",
                      information);
    assert_ok(anm_file_write(in_root("flexible.mlmodelc/model.mil"), text.data, text.len, &err),
              &err);
    anm_strbuf_free(&text);
    return in_root("flexible.mlmodelc");
}

/* Without coremldata.bin the text says what shapes there may be; it was not asked before. */
static void shapes_from_the_text(void **state) {
    static const char *const wrong[] = {
        RANGES("[1]", "[[1, 4], [2, 2]]"), RANGES("[1, 2]", "[[1, 4]]"),
        RANGES("[1, 2]", "[[-1, 4], [2, 2]]"), SETS("[1, 2]", "{\"a\", {{\"x\", [3, 2, 1]}}}")};
    anm_error err;
    anm_package *p;
    assert_ok(anm_package_open(flexible_bundle(RANGES("[3, 2]", "[[1, 4], [2, 2]]")), 0, &p, &err),
              &err);
    const anm_feature *x = &p->description.functions[0].inputs[0];
    assert_int_equal(x->shape_kind, ANM_SHAPE_RANGE);
    assert_int_equal(x->shape[0], 3);
    assert_int_equal(x->lower[0], 1);
    assert_int_equal(x->upper[0], 4);
    assert_int_equal(x->upper[1], 2);
    anm_package_close(p);
    assert_ok(anm_package_open(flexible_bundle(SETS("[5, 2]", "{\"a\", {{\"x\", [5, 2]}}}, "
                                                    "{\"b\", {{\"x\", [7, 2]}}}")),
                               0, &p, &err),
              &err);
    x = &p->description.functions[0].inputs[0];
    assert_int_equal(x->shape_kind, ANM_SHAPE_ENUMERATED);
    assert_int_equal(x->shape_count, 2);
    assert_int_equal(x->shape[0], 5);
    assert_int_equal(x->shapes[1][0], 7);
    anm_package_close(p);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_open_error(flexible_bundle(wrong[i]), ANM_ERROR_FORMAT, ANM_NO_OFFSET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_back),
        cmocka_unit_test(damaged_weights_are_refused),
        cmocka_unit_test(padding_counts_for_subbyte_types_only),
        cmocka_unit_test(unknown_fields_survive_a_rewrite),
        cmocka_unit_test(mutated_models_do_not_crash),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(reads_real_packages),
        cmocka_unit_test(real_programs_write_back),
        cmocka_unit_test(reads_compiled_models),
        cmocka_unit_test(compiled_models_of_our_own),
        cmocka_unit_test(shapes_from_the_text),
    };
    return cmocka_run_group_tests_name("package", tests, make_root, remove_root);
}

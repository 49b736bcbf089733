/* SPDX-License-Identifier: MIT */
/* The text form of MIL: round trips, what a parsed program holds, errors with their place. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/mil/text.h"
#include "src/package/package.h"

static anm_mil_program *parse(const char *text) {
    anm_mil_program *program;
    anm_error err;
    assert_ok(anm_mil_text_parse(text, strlen(text), "test", &program, &err), &err);
    return program;
}

/* Checks that `text` prints as `expected`. */
static void check_prints(const char *text, size_t size, const char *expected,
                         size_t expected_size, const char *where) {
    anm_mil_program *program;
    anm_error err;
    anm_strbuf out = {0};
    assert_ok(anm_mil_text_parse(text, size, where, &program, &err), &err);
    anm_mil_text_print(program, NULL, &out);
    assert_false(out.failed);
    for (size_t i = 0; i < out.len && i < expected_size; i++)
        if (out.data[i] != expected[i])
            fail_msg("%s: byte %zu: expected \"%.60s\", printed \"%.60s\"", where, i, expected + i,
                     out.data + i);
    if (out.len != expected_size)
        fail_msg("%s: printed %zu bytes, expected %zu", where, out.len, expected_size);
    anm_strbuf_free(&out);
    anm_mil_program_destroy(program);
}

static void check_file(const char *path, const char *expected_path, size_t dropped) {
    anm_mapping text, expected;
    anm_error err;
    assert_ok(anm_mapping_open(path, &text, &err), &err);
    assert_ok(anm_mapping_open(expected_path, &expected, &err), &err);
    check_prints((const char *)text.data, text.size, (const char *)expected.data,
                 expected.size - dropped, path);
    anm_mapping_close(&text);
    anm_mapping_close(&expected);
}

static const char *const small_texts[] = {"literals", "functions", "nested", "loose.expected"};
enum { SMALL_TEXTS = sizeof small_texts / sizeof small_texts[0] };

static const char *small_path(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s/mil/%s.mil", ANM_TEST_DATA, name);
    return path;
}

static void own_texts_come_back(void **state) {
    for (size_t i = 0; i < SMALL_TEXTS; i++)
        check_file(small_path(small_texts[i]), small_path(small_texts[i]), 0);
}

static void loose_text_becomes_canonical(void **state) {
    char expected[600];
    snprintf(expected, sizeof expected, "%s", small_path("loose.expected"));
    check_file(small_path("loose"), expected, 0);
}

/* Texts that Apple's compiler wrote. */
static const struct {
    const char *name;
    size_t extra; /* bytes at the end that we do not print */
} compiled[] = {
    /* The copy in its repository got a newline at the end, which the compiler never writes. */
    {"coremltools-add", 1},
    {"export-flexible-enumerated", 0}, {"export-flexible-gather", 0},
    {"export-flexible-multifunction", 0}, {"export-fp16-subnormal", 0},
    {"export-quantized-constexpr", 0}, {"fluid-argmax", 0}, {"fluid-token-duration", 0},
    {"fluid-transpose", 0}, {"minilm-l6-a", 0}, {"minilm-l6-b", 0}, {"parakeet-eou-decoder", 0},
    {"test-linear", 0}, {"test-multi-io", 0}, {"whisper-tiny-encoder", 0},
};
enum { COMPILED = sizeof compiled / sizeof compiled[0] };

static void compiled_texts_come_back(void **state) {
    for (size_t i = 0; i < COMPILED; i++) {
        char relative[200];
        snprintf(relative, sizeof relative, "mlmodelc/%s/model.mil", compiled[i].name);
        const char *path = fixture_path(relative);
        check_file(path, path, compiled[i].extra);
    }
}

/* Programs of packages, two with while_loop blocks: what is printed parses and prints the same. */
static void package_programs_come_back(void **state) {
    static const char *const packages[] = {
        "mlpackage/dtln-aec-128-part1", "mlpackage/dtln-aec-128-part1-fp16",
        "generic/cnn-ios16-fp16.mlpackage", "generic/mlp-ios18-int4-block32.mlpackage",
        "anemll/qwen3-a/lut4/qwen_FFN_PF_lut4_chunk_01of02.mlpackage"};
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        char probe[300];
        snprintf(probe, sizeof probe, "%s/Manifest.json", packages[i]);
        const char *manifest = fixture_path(probe);
        char path[1200];
        snprintf(path, sizeof path, "%.*s", (int)(strlen(manifest) - strlen("/Manifest.json")),
                 manifest);
        anm_package *package;
        anm_error err;
        anm_strbuf text = {0};
        assert_ok(anm_package_open(path, ANM_PACKAGE_NO_WEIGHTS, &package, &err), &err);
        anm_mil_text_print(package->program, NULL, &text);
        check_prints(text.data, text.len, text.data, text.len, path);
        anm_strbuf_free(&text);
        anm_package_close(package);
    }
}

/* ---- what a parsed program holds ---- */

static void program_is_filled_in(void **state) {
    anm_mil_program *program = parse(
        "program(1.0) { func f<ios16>(state<tensor<fp16, [2]>> s, tensor<fp32, [?]> x) {"
        "tensor<fp16, [2, 3]> w = const()[val = tensor<fp16, [2, 3]>(BLOBFILE(path = "
        "string(\"@model_path/w.bin\"), offset = uint64(128)))];"
        "int32 k = const()[val = int32(7)];"
        "tensor<fp32, [?]> y = add(x = x, y = fp32(0x1p+0))[name = string(\"label\")];"
        "tensor<fp32, [1]> z = made_up(v = (x, y)); } -> (y); }");
    anm_mil_function *f = anm_mil_program_find(program, "f");
    assert_non_null(f);
    assert_string_equal(f->opset, "CoreML6");
    assert_int_equal(program->spec_version, 7);
    assert_int_equal(program->text_major, 1);
    assert_int_equal(program->text_minor, 0);
    assert_int_equal(f->input_count, 2);
    assert_int_equal(f->inputs[0]->type->kind, ANM_MIL_STATE);
    assert_int_equal(f->inputs[1]->type->shape[0], ANM_DIM_UNKNOWN);
    assert_int_equal(f->value_count, 6);

    anm_mil_op *w = f->body->first, *k = w->next, *y = k->next, *z = y->next;
    const anm_mil_literal *blob = w->outputs[0]->constant;
    assert_non_null(blob);
    assert_string_equal(blob->blob_path, "@model_path/w.bin");
    assert_int_equal(blob->blob_offset, 128);
    assert_null(blob->data);
    assert_int_equal(anm_element_get_int(ANM_DTYPE_INT32, k->outputs[0]->constant->data, 0), 7);
    assert_ptr_equal(k->outputs[0]->def, k);
    assert_int_equal(k->outputs[0]->id, 3);
    assert_non_null(y->spec);
    assert_string_equal(anm_mil_op_label(y), "label");
    assert_ptr_equal(y->args[0].operands[0].value, f->inputs[1]);
    assert_non_null(y->args[1].operands[0].literal);
    assert_null(y->outputs[0]->constant);
    assert_null(z->spec);
    assert_int_equal(z->args[0].count, 2);
    assert_ptr_equal(f->body->outputs[0], y->outputs[0]);
    assert_ptr_equal(f->body->last, z);
    anm_mil_program_destroy(program);
}

static void opset_names_and_tags(void **state) {
    assert_string_equal(anm_mil_opset_tag("CoreML5"), "ios15");
    assert_string_equal(anm_mil_opset_tag("ios18"), "ios18");
    assert_string_equal(anm_mil_opset_name("ios17"), "CoreML7");
    assert_string_equal(anm_mil_opset_name("later99"), "later99");
}

/* ---- printing by options ---- */

static const char ORDER[] =
    "program(1.3)\n{\n    func z<ios17>(fp16 b, fp16 a) {\n"
    "            fp16 c = add(y = a, x = b)[name = string(\"c\"), also = int32(1)];\n"
    "        } -> (c);\n    func m<ios17>() {\n        } -> ();\n}";

static void check_options(const char *text, anm_mil_text_options options, const char *expected) {
    anm_mil_program *program = parse(text);
    anm_strbuf out = {0};
    anm_mil_text_print(program, &options, &out);
    assert_string_equal(anm_strbuf_cstr(&out), expected);
    anm_strbuf_free(&out);
    anm_mil_program_destroy(program);
}

static void order_can_be_kept(void **state) {
    check_options(ORDER, (anm_mil_text_options){.keep_order = true}, ORDER);
    check_options(ORDER, (anm_mil_text_options){.dialect = ANM_MIL_TEXT_1_0},
                  "program(1.0)\n{\n    func m<ios17>() {\n        } -> ();\n"
                  "    func z<ios17>(tensor<fp16, []> a, tensor<fp16, []> b) {\n"
                  "            tensor<fp16, []> c = add(x = b, y = a)[also = tensor<int32, []>(1), "
                  "name = tensor<string, []>(\"c\")];\n        } -> (c);\n}");
}

static void long_tensors_can_be_cut(void **state) {
    anm_mil_program *program = parse(
        "program(1.3){func f(){ tensor<fp16, [2, 2]> w = const()[val = "
        "tensor<fp16, [2, 2]>([[1, 2], [3, 4]])]; } -> (); }");
    anm_mil_op *op = program->functions[0]->body->first;
    anm_strbuf out = {0};
    anm_mil_text_print_op(op, &(anm_mil_text_options){.elide_above = 3}, &out);
    assert_string_equal(anm_strbuf_cstr(&out), "tensor<fp16, [2, 2]> w = const()[val = "
                                               "tensor<fp16, [2, 2]>([0x1p+0, ... 4 values])];");
    anm_strbuf_clear(&out);
    anm_mil_text_print_op(op, &(anm_mil_text_options){.elide_above = 4}, &out);
    assert_string_equal(anm_strbuf_cstr(&out),
                        "tensor<fp16, [2, 2]> w = const()[val = "
                        "tensor<fp16, [2, 2]>([[0x1p+0, 0x1p+1], [0x1.8p+1, 0x1p+2]])];");
    anm_strbuf_free(&out);
    anm_mil_program_destroy(program);
}

static void add_note(void *context, const anm_mil_function *function, const anm_mil_op *op,
                     anm_strbuf *note) {
    if (!op) anm_strbuf_printf(note, "%s %s", (const char *)context, function->name);
    else if (op->next) anm_strbuf_puts(note, "error: one\nerror: two\n");
}

static void notes_are_comments(void **state) {
    static const char text[] = "program(1.3)\n{\n    func f() {\n            a();\n"
                               "            b();\n        } -> ();\n}";
    static const char noted[] =
        "program(1.3)\n{\n    // in f\n    func f() {\n            // error: one\n"
        "            // error: two\n            a();\n            b();\n        } -> ();\n}";
    check_options(text, (anm_mil_text_options){.note = add_note, .note_context = (char[]){"in"}},
                  noted);
    check_options(noted, (anm_mil_text_options){0}, text);
}

/* A program not from text: the dialect follows the specification version, else the opsets. */
static void dialect_follows_the_version(void **state) {
    static const struct {
        int spec_version;
        const char *opset, *first_line;
    } cases[] = {{6, "CoreML5", "program(1.0)"}, {8, "CoreML8", "program(1.0)"},
                 {9, "CoreML7", "program(1.3)"}, {0, "CoreML7", "program(1.0)"},
                 {0, "CoreML8", "program(1.3)"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        anm_mil_program *program = parse("program(1.1){func f(){}->();}");
        anm_strbuf out = {0};
        program->text_major = program->text_minor = 0;
        program->spec_version = cases[i].spec_version;
        program->functions[0]->opset = cases[i].opset;
        anm_mil_text_print(program, NULL, &out);
        assert_memory_equal(out.data, cases[i].first_line, 12);
        anm_strbuf_free(&out);
        anm_mil_program_destroy(program);
    }
}

/* ---- errors ---- */

/* '~' marks where the error is, and is not part of the text. */
#define IN_F(ops) "program(1.3){func f<ios18>(fp16 x){" ops "}->();}"
#define VALUE(v) IN_F("int8 c = const()[val = " v "];")

static const struct {
    const char *text, *message;
    anm_status status;
} wrong[] = {
    {"~", "expected 'program', found the end", ANM_ERROR_FORMAT},
    {"~programme(1.3){}", "expected 'program', found 'programme'", ANM_ERROR_FORMAT},
    {"program(~2.0){}", "only version 1", ANM_ERROR_UNSUPPORTED},
    {"program(1~){}", "expected '.', found ')'", ANM_ERROR_FORMAT},
    {"program(1.~99999999999999999999){}", "a minor version is too large", ANM_ERROR_FORMAT},
    {"program(1.3)\n{\n  func f() { } -> (); }\n ~x", "line 4, column 2: expected the end",
     ANM_ERROR_FORMAT},
    {"program(1.3){~", "expected 'func', found the end", ANM_ERROR_FORMAT},
    {"program(1.3){func f(){}->();func ~f(){}->();}", "function f is defined twice",
     ANM_ERROR_FORMAT},
    {"program(1.3){func f(fp16 a, fp16 ~a){}->();}", "", ANM_ERROR_FORMAT},
    {"program(1.3){func f(~fp17 a){}->();}", "expected a type, found 'fp17'", ANM_ERROR_FORMAT},
    {"program(1.3){func f(tensor<~half, []> a){}->();}", "expected an element type",
     ANM_ERROR_FORMAT},
    {"program(1.3){func f(tensor<fp16, [1, ~-1]> a){}->();}", "expected a dimension",
     ANM_ERROR_FORMAT},
    {"program(1.3){func f(tensor<fp16, [1,1,1,1,1,1,1,1,~1]> a){}->();}", "at most 8 dimensions",
     ANM_ERROR_LIMIT},
    {"program(1.3){func f(tensor<fp16, [~9223372036854775808]> a){}->();}", "too large",
     ANM_ERROR_FORMAT},
    {"program(1.3){func f(dict<string~> a){}->();}", "expected ','", ANM_ERROR_FORMAT},
    {"program(1.3){func f(){}->(~y);}", "y is not defined before here", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = ~z);"), "z is not defined before here", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = ~z); fp16 z = relu(x = x);"), "z is not defined", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = ~y);"), "y is not defined before here", ANM_ERROR_FORMAT},
    {IN_F("fp16 ~x = relu(x = x);"), "x is defined twice", ANM_ERROR_FORMAT},
    {IN_F("fp16 a, fp16 a = split(x = x)~;"), "a is defined twice", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = x, ~x = x);"), "x is given twice", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = x)[n = int8(1), ~n = int8(1)];"), "n is given twice",
     ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = x)~"), "expected ';', found '}'", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x ~x);"), "expected '=', found 'x'", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = x ~y = x);"), "expected ',' or ')'", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = ~7(x = x);"), "expected an op", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = relu(x = (x, ~));"), "expected the name of a value", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = cond() { ~b () {} -> (); };"), "expected 'block'", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = cond() { block () { fp16 in = relu(x = x); } -> (in); }; relu(x = ~in);"),
     "in is not defined before here", ANM_ERROR_FORMAT},
    {IN_F("fp16 y = cond() { block (fp16 ~x) {} -> (); };"), "x is defined twice",
     ANM_ERROR_FORMAT},
    {VALUE("int8(~128)"), "128 does not fit int8", ANM_ERROR_FORMAT},
    {VALUE("int8(~-129)"), "does not fit", ANM_ERROR_FORMAT},
    {VALUE("uint4(~16)"), "does not fit uint4", ANM_ERROR_FORMAT},
    {VALUE("uint64(~18446744073709551616)"), "does not fit", ANM_ERROR_FORMAT},
    {VALUE("uint8(~-1)"), "does not fit", ANM_ERROR_FORMAT},
    {VALUE("int8(~1.5)"), "a number of type int8", ANM_ERROR_FORMAT},
    {VALUE("int8(~)"), "a number of type int8", ANM_ERROR_FORMAT},
    {VALUE("fp16(~65520)"), "does not fit fp16", ANM_ERROR_FORMAT},
    {VALUE("fp32(~0x1p+128)"), "does not fit fp32", ANM_ERROR_FORMAT},
    {VALUE("fp64(~1e999)"), "does not fit fp64", ANM_ERROR_FORMAT},
    {VALUE("fp16(~0x)"), "a number of type fp16", ANM_ERROR_FORMAT},
    {VALUE("fp16(~0x1p)"), "a number of type fp16", ANM_ERROR_FORMAT},
    {VALUE("fp16(~--1)"), "a number of type fp16", ANM_ERROR_FORMAT},
    {VALUE("fp16(~infinity)"), "a number of type fp16", ANM_ERROR_FORMAT},
    {VALUE("bool(~1)"), "true or false", ANM_ERROR_FORMAT},
    {VALUE("string(~abc)"), "expected a string", ANM_ERROR_FORMAT},
    {VALUE("string(\"~\\q\")"), "unknown escape", ANM_ERROR_FORMAT},
    {VALUE("string(\"~\\777\")"), "unknown escape", ANM_ERROR_FORMAT},
    {VALUE("string(\"~\\xg\")"), "unknown escape", ANM_ERROR_FORMAT},
    {"program(1.3)[a = string(~\"abc", "a string without its end", ANM_ERROR_FORMAT},
    {"program(1.3)[a = string(~\"abc\\", "a string without its end", ANM_ERROR_FORMAT},
    {VALUE("tensor<int8, [3]>(~[1, 2])"), "expected 3 items in dimension 0, found 2",
     ANM_ERROR_FORMAT},
    {VALUE("tensor<int8, [?, ?]>([[1, 2], ~[1]])"), "expected 2 items in dimension 1, found 1",
     ANM_ERROR_FORMAT},
    {VALUE("tensor<int8, [1000000000000]>(~[1])"), "expected 1000000000000 items",
     ANM_ERROR_FORMAT},
    {VALUE("tensor<int8, [2, 2]>([~1, 2])"), "expected '['", ANM_ERROR_FORMAT},
    {VALUE("tensor<int8, [...]>(~1)"), "known rank", ANM_ERROR_FORMAT},
    {VALUE("list<int8, 2>(~[1])"), "expected a list of 2 items, found 1", ANM_ERROR_FORMAT},
    {VALUE("tuple<int8, bool>((1~))"), "expected ','", ANM_ERROR_FORMAT},
    {VALUE("dict<int8, bool>({{1, true}, ~2})"), "expected '{'", ANM_ERROR_FORMAT},
    {VALUE("state<int8>(~1)"), "a state has no written value", ANM_ERROR_FORMAT},
    {VALUE("tensor<fp16, [?]>(~BLOBFILE())"), "known shape", ANM_ERROR_FORMAT},
    {VALUE("fp16(BLOBFILE(path = ~int8(1)))"), "path as a string", ANM_ERROR_FORMAT},
    {VALUE("fp16(BLOBFILE(path = string(\"a\"), offset = ~int32(1)))"), "offset as a uint64",
     ANM_ERROR_FORMAT},
    {VALUE("fp16(BLOBFILE(path = string(~BLOBFILE(path = string(\"a\")"), "expected a string",
     ANM_ERROR_FORMAT},
    {VALUE("fp16(~BLOBFILE(path = string(\"a\\0\"), offset = uint64(64)))"), "zero byte",
     ANM_ERROR_FORMAT},
};

static void errors_say_where(void **state) {
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *mark = strchr(wrong[i].text, '~');
        size_t before = (size_t)(mark - wrong[i].text), after = strlen(mark + 1);
        /* Exactly sized, so that reading on past the end is seen. */
        char *text = malloc(before + after ? before + after : 1);
        memcpy(text, wrong[i].text, before);
        memcpy(text + before, mark + 1, after);
        anm_mil_program *program = (anm_mil_program *)1;
        anm_error err = {0};
        anm_status status = anm_mil_text_parse(text, before + after, "w.mil", &program, &err);
        if (status != wrong[i].status || !strstr(err.message, wrong[i].message) ||
            err.offset != before)
            fail_msg("%s: got %s at %llu: %s", wrong[i].text, anm_status_name(status),
                     (unsigned long long)err.offset, err.message);
        assert_null(program);
        assert_string_equal(err.where, "w.mil");
        free(text);
    }
}

/* `depth` times `open` inside what closes nothing: it must stop at the limit. */
static void check_depth(const char *start, const char *open, const char *message) {
    anm_strbuf text = {0};
    anm_mil_program *program;
    anm_error err = {0};
    anm_strbuf_puts(&text, start);
    for (int i = 0; i < 100000; i++) anm_strbuf_puts(&text, open);
    assert_int_equal(anm_mil_text_parse(text.data, text.len, "deep", &program, &err),
                     ANM_ERROR_LIMIT);
    assert_non_null(strstr(err.message, message));
    anm_strbuf_free(&text);
}

static void depth_is_limited(void **state) {
    check_depth("program(1.3){func f(", "list<", "nested deeper than 32");
    check_depth("program(1.3){func f(){", "a(){block(){", "nested deeper than 64");
}

static void long_lists_of_names_are_refused(void **state) {
    anm_strbuf text = {0};
    anm_mil_program *program;
    anm_error err = {0};
    anm_strbuf_puts(&text, "program(1.3){func f(fp16 x){a(");
    for (int i = 0; i < 100000; i++) anm_strbuf_printf(&text, "a%d = x, ", i);
    assert_int_equal(anm_mil_text_parse(text.data, text.len, "long", &program, &err),
                     ANM_ERROR_LIMIT);
    anm_strbuf_free(&text);
}

/* ---- mutations ---- */

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *const pieces[] = {"(", ")", "[", "]", "{", "}", "<", ">", ",", "=", ";", "\"",
                                     "\\", "?", "-", "0x1p+0", "nan", "//", "tensor<", "x",
                                     "99999999999", "BLOBFILE(", "", " "};

/* Changes up to four places: another byte, a piece put in, a stretch cut out or repeated. */
static size_t mutate(char *text, size_t size, size_t room, uint32_t *seed) {
    for (uint32_t n = 1 + next_random(seed) % 4; n && size; n--) {
        size_t at = next_random(seed) % size, length = next_random(seed) % 12;
        const char *piece = pieces[next_random(seed) % (sizeof pieces / sizeof pieces[0])];
        if (length > size - at) length = size - at;
        switch (next_random(seed) % 4) {
        case 0: text[at] = (char)next_random(seed); break;
        case 1:
            memmove(text + at, text + at + length, size - at - length);
            size -= length;
            break;
        case 2: length = strlen(piece); /* fall through */
        default:
            if (size + length > room) break;
            memmove(text + at + length, text + at, size - at);
            memcpy(text + at, piece, strlen(piece) < length ? strlen(piece) : length);
            size += length;
        }
    }
    return size;
}

/* Whatever parses must print as a text that parses and prints the same. Gives 1 if it parses. */
static int check_mutant(const char *text, size_t size) {
    anm_mil_program *program, *again;
    anm_strbuf once = {0}, twice = {0};
    anm_error err;
    if (anm_mil_text_parse(text, size, "mutant", &program, &err) != ANM_OK) {
        assert_null(program);
        assert_true(err.offset <= size);
        return 0;
    }
    anm_mil_text_print(program, NULL, &once);
    assert_ok(anm_mil_text_parse(once.data, once.len, "printed mutant", &again, &err), &err);
    anm_mil_text_print(again, NULL, &twice);
    assert_string_equal(once.data, twice.data);
    anm_strbuf_free(&once);
    anm_strbuf_free(&twice);
    anm_mil_program_destroy(program);
    anm_mil_program_destroy(again);
    return 1;
}

/* Gives how many mutants parsed. */
static int fuzz_file(const char *path, int rounds, uint32_t seed) {
    anm_mapping file;
    anm_error err;
    int parsed = 0;
    assert_ok(anm_mapping_open(path, &file, &err), &err);
    size_t room = file.size + 64;
    for (int i = 0; i < rounds; i++) {
        char *text = anm_malloc(room);
        memcpy(text, file.data, file.size);
        size_t size = mutate(text, file.size, room, &seed);
        char *exact = anm_malloc(size ? size : 1);
        memcpy(exact, text, size);
        parsed += check_mutant(exact, size);
        anm_free(exact);
        anm_free(text);
    }
    anm_mapping_close(&file);
    return parsed;
}

static void mutants_never_crash(void **state) {
    int parsed = 0;
    for (size_t i = 0; i < SMALL_TEXTS; i++)
        parsed += fuzz_file(small_path(small_texts[i]), 3000, (uint32_t)i + 1);
    printf("%d of %d mutants parse\n", parsed, 3000 * SMALL_TEXTS);
    assert_true(parsed > 100); /* or the round trip above was hardly tried */
}

static void mutated_compiled_texts_never_crash(void **state) {
    for (size_t i = 0; i < COMPILED; i++) {
        char relative[200];
        snprintf(relative, sizeof relative, "mlmodelc/%s/model.mil", compiled[i].name);
        fuzz_file(fixture_path(relative), 40, (uint32_t)i + 77);
    }
}

/* Every prefix of a text is an error, with nothing read behind it. */
static void cut_texts_are_errors(void **state) {
    anm_mapping file;
    anm_error err;
    assert_ok(anm_mapping_open(small_path("nested"), &file, &err), &err);
    for (size_t size = 0; size < file.size; size++) {
        anm_mil_program *program;
        char *exact = anm_malloc(size ? size : 1);
        memcpy(exact, file.data, size);
        assert_int_equal(anm_mil_text_parse(exact, size, "cut", &program, &err), ANM_ERROR_FORMAT);
        anm_free(exact);
    }
    anm_mapping_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_texts_come_back),
        cmocka_unit_test(loose_text_becomes_canonical),
        cmocka_unit_test(compiled_texts_come_back),
        cmocka_unit_test(package_programs_come_back),
        cmocka_unit_test(program_is_filled_in),
        cmocka_unit_test(opset_names_and_tags),
        cmocka_unit_test(order_can_be_kept),
        cmocka_unit_test(long_tensors_can_be_cut),
        cmocka_unit_test(notes_are_comments),
        cmocka_unit_test(dialect_follows_the_version),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(long_lists_of_names_are_refused),
        cmocka_unit_test(mutants_never_crash),
        cmocka_unit_test(mutated_compiled_texts_never_crash),
        cmocka_unit_test(cut_texts_are_errors),
    };
    return cmocka_run_group_tests_name("mil_text", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* safetensors: the reference implementation's cases, our own error table, mutations, writing. */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/hf/safetensors_internal.h"

static char temp_dir[64];

static const char *temp_path(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", temp_dir, name);
    return path;
}

static int make_temp(void **state) {
    strcpy(temp_dir, "anm-test-XXXXXX");
    return mkdtemp(temp_dir) ? 0 : -1;
}

static int remove_temp(void **state) {
    return anm_path_remove(temp_dir, NULL) == ANM_OK ? 0 : -1;
}

/* Parses a copy that ends where the file ends, so that a read beyond it is seen by ASan. */
static anm_status parse(const void *bytes, size_t size, anm_safetensors_header *out,
                        anm_arena *arena, anm_error *err) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(err, 0, sizeof *err);
    anm_status status = anm_safetensors_parse(arena, copy, size, "test", out, err);
    size_t covered = 0;
    for (size_t i = 0; status == ANM_OK && i < out->count; i++) {
        const anm_tensor *t = &out->tensors[i];
        const uint8_t *data = t->data;
        assert_true(data >= copy && data + t->bytes <= copy + size);
        covered += t->bytes;
    }
    if (status == ANM_OK) assert_true(covered <= size - 8);
    free(copy);
    return status;
}

/* A file of that JSON text and `data_size` bytes of data; returns its size. */
static size_t make_file(uint8_t *buffer, const char *json, size_t data_size) {
    size_t length = strlen(json);
    for (int i = 0; i < 8; i++) buffer[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(buffer + 8, json, length);
    for (size_t i = 0; i < data_size; i++) buffer[8 + length + i] = (uint8_t)(i * 37 + 5);
    return 8 + length + data_size;
}

/* What the reference implementation says of each case, and where we see the problem. */
static const struct {
    const char *name;
    anm_status status;
    uint64_t offset;
} malformed[] = {
    {"test_empty_shapes_allowed_0", ANM_OK, 0},
    {"test_deserialization_0", ANM_OK, 0},
    {"test_lifetimes_0", ANM_OK, 0},
    {"test_metadata_incomplete_buffer_0", ANM_ERROR_FORMAT, 84},
    {"test_metadata_incomplete_buffer_1", ANM_ERROR_FORMAT, 82},
    {"test_header_too_large_0", ANM_ERROR_FORMAT, 0},
    {"test_invalid_header_non_utf8_0", ANM_ERROR_FORMAT, 8},
    {"test_invalid_header_not_json_0", ANM_ERROR_FORMAT, 9},
    {"test_whitespace_padded_header_0", ANM_OK, 0},
    {"test_whitespace_leading_padded_header_0", ANM_OK, 0},
    {"test_zero_sized_tensor_0", ANM_OK, 0},
    {"test_invalid_info_0", ANM_ERROR_FORMAT, 9},
    {"test_validation_overflow_0", ANM_ERROR_FORMAT, 62},
    {"test_validation_overflow_1", ANM_ERROR_FORMAT, 9},
    {"test_header_too_small_0", ANM_ERROR_FORMAT, 0},
    {"test_invalid_header_length_0", ANM_ERROR_FORMAT, 0},
};
enum { MALFORMED = sizeof malformed / sizeof malformed[0] };

static void check_malformed(json_t *expect, size_t i) {
    char name[128];
    anm_error err = {0};
    anm_safetensors *file;
    snprintf(name, sizeof name, "malformed/%s.safetensors", malformed[i].name);
    const char *wanted =
        json_string_value(json_object_get(json_object_get(expect, name), "expect"));
    assert_non_null(wanted);
    assert_int_equal(malformed[i].status == ANM_OK, strcmp(wanted, "Ok") == 0);
    snprintf(name, sizeof name, "safetensors/malformed/%s.safetensors", malformed[i].name);
    anm_status status = anm_safetensors_open(fixture_path(name), &file, &err);
    if (status != malformed[i].status || (status && err.offset != malformed[i].offset))
        fail_msg("%s: %s at %llu: %s", name, anm_status_name(status),
                 (unsigned long long)err.offset, err.message);
    assert_int_equal(file != NULL, status == ANM_OK);
    anm_safetensors_close(file);
}

static void malformed_fixtures(void **state) {
    json_t *expect = json_load_file(fixture_path("safetensors/malformed/EXPECT.json"), 0, NULL);
    assert_int_equal(json_object_size(expect), MALFORMED);
    for (size_t i = 0; i < MALFORMED; i++) check_malformed(expect, i);
    json_decref(expect);
}

static void valid_fixtures(void **state) {
    static const double doubles[] = {1, 2, 3, 24, 25, 26};
    anm_error err;
    anm_safetensors *f;
    assert_ok(
        anm_safetensors_open(fixture_path("safetensors/tensor-2d-float64.safetensors"), &f, &err),
        &err);
    const anm_tensor *t = anm_safetensors_find(f, "embedding");
    assert_non_null(t);
    assert_int_equal(t->dtype, ANM_DTYPE_FP64);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 2);
    assert_int_equal(t->shape[1], 3);
    for (int i = 0; i < 6; i++) assert_true(anm_element_get(t->dtype, t->data, i) == doubles[i]);
    anm_safetensors_close(f);

    assert_ok(
        anm_safetensors_open(fixture_path("safetensors/coffeevampir-model.safetensors"), &f, &err),
        &err);
    assert_string_equal(anm_safetensors_metadata(f, "git_tag"), "v1.45");
    assert_null(anm_safetensors_metadata(f, "absent"));
    assert_string_equal(anm_safetensors_get(f, 1)->name, "fc1.weight");
    assert_null(anm_safetensors_find(f, "__metadata__"));
    assert_null(anm_safetensors_get(f, anm_safetensors_count(f)));
    anm_safetensors_close(f);
}

#define T(name, dtype, shape, range)                                                               \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" range "}"
#define NONE ANM_NO_OFFSET

/* JSON text, bytes of data, and the verdict. Offsets count from the start of the file. */
static const struct {
    const char *json;
    size_t data;
    anm_status status;
    uint64_t offset;
} headers[] = {
    {"{}", 0, ANM_OK, 0},
    {"{" T("a", "F32", "[2]", "[0,8]") "," T("b", "BF16", "[1]", "[8,10]") "}", 10, ANM_OK, 0},
    /* The JSON's order need not be the data's. */
    {"{" T("a", "U8", "[2]", "[8,10]") "," T("b", "I64", "[]", "[0,8]") "}", 10, ANM_OK, 0},
    {"{\"__metadata__\":null}", 0, ANM_OK, 0},
    {"{\"a\":{\"new\":[1],\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, ANM_OK, 0},
    {"", 0, ANM_ERROR_FORMAT, 8},
    {"[]", 0, ANM_ERROR_FORMAT, 8},
    {"7", 0, ANM_ERROR_FORMAT, 8},
    {"{} {}", 0, ANM_ERROR_FORMAT, 12},
    {"{\"__metadata__\":[]}", 0, ANM_ERROR_FORMAT, 9},
    {"{\"__metadata__\":{\"k\":1}}", 0, ANM_ERROR_FORMAT, 9},
    {"{\"a\":1}", 0, ANM_ERROR_FORMAT, 9},
    {"{\"a\":{}}", 0, ANM_ERROR_FORMAT, 9},
    {"{\"\":{}}", 0, ANM_ERROR_FORMAT, 9},
    {"{\"\\u0061\":{}}", 0, ANM_ERROR_FORMAT, NONE},
    /* A value that looks like the name is not taken for it. */
    {"{\"__metadata__\":{\"x\":\"a\"},\"a\":{}}", 0, ANM_ERROR_FORMAT, 34},
    {"{" T("a", "F33", "[1]", "[0,4]") "}", 4, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "F32\\u0000", "[1]", "[0,4]") "}", 4, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "F4", "[2]", "[0,1]") "}", 1, ANM_ERROR_UNSUPPORTED, 9},
    {"{" T("a", "U8", "[1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, ANM_OK, 0},
    {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, ANM_ERROR_UNSUPPORTED, 9},
    {"{" T("a", "U8", "[-1]", "[0,1]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1.0]", "[0,1]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "{}", "[0,1]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[4611686018427387904,2,0]", "[0,0]") "}", 0, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "F64", "[288230376151711744]", "[0,0]") "}", 0, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[0]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[0,1,2]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[-1,0]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[1,0]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[0,9223372036854775807]") "}", 1, ANM_ERROR_FORMAT, 9},
    {"{" T("a", "U8", "[1]", "[9223372036854775806,9223372036854775807]") "}", 1, ANM_ERROR_FORMAT,
     98},
    /* Duplicate name: jansson reports the end of the second one. */
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("a", "U8", "[1]", "[0,1]") "}", 1, ANM_ERROR_FORMAT,
     64},
    /* Overlap and hole: where the second tensor's data begins. */
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[2,6]") "}", 6, ANM_ERROR_FORMAT,
     8 + 105 + 2},
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[5,9]") "}", 9, ANM_ERROR_FORMAT,
     8 + 105 + 5},
    {"{" T("a", "U8", "[4]", "[1,5]") "}", 5, ANM_ERROR_FORMAT, 8 + 53 + 1},
    /* The same range twice, unless it is empty. */
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[0,4]") "}", 4, ANM_ERROR_FORMAT,
     8 + 105},
    {"{" T("a", "U8", "[0]", "[0,0]") "," T("b", "U8", "[0]", "[0,0]") "}", 0, ANM_OK, 0},
    {"{}", 3, ANM_ERROR_FORMAT, 10},
};

static void header_verdicts(void **state) {
    uint8_t buffer[512];
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        anm_safetensors_header out;
        anm_error err;
        anm_arena *arena = anm_arena_create();
        size_t size = make_file(buffer, headers[i].json, headers[i].data);
        anm_status status = parse(buffer, size, &out, arena, &err);
        if (status != headers[i].status || (status && err.offset != headers[i].offset))
            fail_msg("%s: %s at %lld: %s", headers[i].json, anm_status_name(status),
                     (long long)err.offset, err.message);
        anm_arena_destroy(arena);
    }
}

static void order_is_that_of_the_data(void **state) {
    uint8_t buffer[512];
    anm_safetensors_header out;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    size_t size = make_file(
        buffer, "{" T("a", "U8", "[2]", "[8,10]") "," T("b", "I64", "[]", "[0,8]") "}", 10);
    assert_ok(anm_safetensors_parse(arena, buffer, size, "test", &out, &err), &err);
    assert_int_equal(out.count, 2);
    assert_string_equal(out.tensors[0].name, "b");
    assert_int_equal(out.tensors[0].rank, 0);
    assert_ptr_equal(out.tensors[1].data, buffer + size - 2);
    anm_arena_destroy(arena);
}

/* A length field above the limit is refused even where the file would be that long. */
static void header_limit(void **state) {
    uint8_t prefix[8] = {0x01, 0xe1, 0xf5, 0x05}; /* 100,000,001 */
    anm_safetensors *file;
    anm_error err;
    anm_writer *w;
    assert_ok(anm_writer_open(temp_path("long"), &w, &err), &err);
    assert_ok(anm_writer_write(w, prefix, 8, &err), &err);
    assert_ok(anm_writer_commit(w, &err), &err);
    assert_int_equal(truncate(temp_path("long"), 100000009), 0);
    assert_int_equal(anm_safetensors_open(temp_path("long"), &file, &err), ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, 0);
    assert_non_null(strstr(err.message, "limit"));
}

/* Every bit of the header flipped, every length cut: never a bad read, and a verdict each time. */
static void mutations(void **state) {
    uint8_t buffer[512];
    size_t size =
        make_file(buffer,
                  "{\"__metadata__\":{\"k\":\"v\"}," T("a", "F32", "[2,1]", "[0,8]") "," T(
                      "bb", "BF16", "[3]", "[8,14]") "," T("c", "U8", "[]", "[14,15]") "}",
                  15);
    size_t accepted = 0, refused = 0;
    for (size_t m = 0; m < (size - 15) * 8 + size; m++) {
        anm_safetensors_header out;
        anm_error err;
        anm_arena *arena = anm_arena_create();
        bool flip = m < (size - 15) * 8;
        size_t length = flip ? size : m - (size - 15) * 8;
        if (flip) buffer[m / 8] ^= (uint8_t)(1u << m % 8);
        anm_status status = parse(buffer, length, &out, arena, &err);
        if (flip) buffer[m / 8] ^= (uint8_t)(1u << m % 8);
        assert_true(status == ANM_OK || status == ANM_ERROR_FORMAT ||
                    status == ANM_ERROR_UNSUPPORTED);
        assert_true(flip || status == ANM_ERROR_FORMAT);
        status == ANM_OK ? accepted++ : refused++;
        anm_arena_destroy(arena);
    }
    assert_true(accepted > 30 && refused > 1000);
}

static void write_matches_reference_layout(void **state) {
    static const char json[] = "{" T("attn.0", "F32", "[1,2,3]", "[0,24]") "}";
    float values[6] = {0, 1, 2, 3, 4, 5};
    anm_tensor t = {"attn.0", ANM_DTYPE_FP32, 3, {1, 2, 3}, values, sizeof values};
    anm_error err;
    anm_mapping file;
    assert_ok(anm_safetensors_write(temp_path("one"), &t, 1, NULL, &err), &err);
    assert_ok(anm_mapping_open(temp_path("one"), &file, &err), &err);
    assert_int_equal(file.size, 8 + 64 + 24);
    assert_memory_equal(file.data, "\x40\0\0\0\0\0\0\0", 8);
    assert_memory_equal(file.data + 8, json, sizeof json - 1);
    for (size_t i = sizeof json - 1; i < 64; i++) assert_int_equal(file.data[8 + i], ' ');
    assert_memory_equal(file.data + 72, values, sizeof values);
    anm_mapping_close(&file);
}

/* All types of the format, in the order in which the reference implementation stores them. */
static const anm_dtype dtypes[] = {
    ANM_DTYPE_UINT64,    ANM_DTYPE_INT64,   ANM_DTYPE_FP64, ANM_DTYPE_FP32,   ANM_DTYPE_UINT32,
    ANM_DTYPE_INT32,     ANM_DTYPE_BF16,    ANM_DTYPE_FP16, ANM_DTYPE_UINT16, ANM_DTYPE_INT16,
    ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP8E5M2, ANM_DTYPE_INT8, ANM_DTYPE_UINT8,  ANM_DTYPE_BOOL,
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

static void round_trip_all_dtypes(void **state) {
    static const char *const metadata[] = {"format", "pt", "note", "a \"quoted\" \xc3\xa9", NULL};
    static char names[DTYPES][8];
    static uint8_t data[DTYPES][24];
    anm_tensor tensors[DTYPES] = {0};
    anm_error err;
    anm_safetensors *file;
    for (int i = 0; i < DTYPES; i++) {
        int from = (i * 7 + 3) % DTYPES; /* the caller's order must not matter */
        for (int b = 0; b < 24; b++) data[i][b] = (uint8_t)(i * 24 + b);
        snprintf(names[i], sizeof names[i], "t%d", i);
        tensors[from] = (anm_tensor){
            names[i], dtypes[i], 2, {3, 1}, data[i], (size_t)(3 * anm_dtype_bits(dtypes[i]) / 8)};
    }
    assert_ok(anm_safetensors_write(temp_path("all"), tensors, DTYPES, metadata, &err), &err);
    assert_ok(anm_safetensors_open(temp_path("all"), &file, &err), &err);
    assert_int_equal(anm_safetensors_count(file), DTYPES);
    assert_string_equal(anm_safetensors_metadata(file, "note"), metadata[3]);
    for (int i = 0; i < DTYPES; i++) {
        const anm_tensor *t = anm_safetensors_get(file, (size_t)i);
        size_t element = (size_t)anm_dtype_bits(dtypes[i]) / 8;
        assert_string_equal(t->name, names[i]);
        assert_ptr_equal(t, anm_safetensors_find(file, names[i]));
        assert_int_equal(t->dtype, dtypes[i]);
        assert_int_equal((uintptr_t)t->data % element, 0);
        assert_int_equal(t->bytes, 3 * element);
        assert_memory_equal(t->data, data[i], t->bytes);
    }
    anm_safetensors_close(file);
}

static void same_dtype_is_sorted_by_name(void **state) {
    uint8_t byte[3] = {1, 2, 3};
    anm_tensor tensors[] = {{"b", ANM_DTYPE_UINT8, 0, {0}, &byte[0], 1},
                            {"B", ANM_DTYPE_UINT8, 0, {0}, &byte[1], 1},
                            {"a", ANM_DTYPE_UINT8, 0, {0}, &byte[2], 1}};
    anm_error err;
    anm_safetensors *file;
    assert_ok(anm_safetensors_write(temp_path("names"), tensors, 3, NULL, &err), &err);
    assert_ok(anm_safetensors_open(temp_path("names"), &file, &err), &err);
    assert_string_equal(anm_safetensors_get(file, 0)->name, "B");
    assert_string_equal(anm_safetensors_get(file, 1)->name, "a");
    assert_int_equal(*(uint8_t *)anm_safetensors_get(file, 1)->data, 3);
    anm_safetensors_close(file);
    assert_ok(anm_safetensors_write(temp_path("none"), NULL, 0, NULL, &err), &err);
    assert_ok(anm_safetensors_open(temp_path("none"), &file, &err), &err);
    assert_int_equal(anm_safetensors_count(file), 0);
    anm_safetensors_close(file);
}

static void write_refuses(void **state) {
    static const char *const bad_metadata[] = {"k", "\xff", NULL};
    uint8_t data[8] = {0};
    anm_tensor good = {"a", ANM_DTYPE_UINT8, 1, {8}, data, 8};
    anm_tensor two[2] = {good, good};
    anm_error err;
    const char *path = temp_path("refused");
    assert_int_equal(anm_safetensors_write(path, two, 2, NULL, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_safetensors_write(path, &good, 1, bad_metadata, &err), ANM_ERROR_ARGUMENT);
    anm_tensor bad = good;
    bad.bytes = 7;
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_ARGUMENT);
    bad = good;
    bad.name = "__metadata__";
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_ARGUMENT);
    bad.name = NULL;
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_ARGUMENT);
    bad.name = "\xc3";
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_ARGUMENT);
    bad = good;
    bad.data = NULL;
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_ARGUMENT);
    bad = good;
    bad.dtype = ANM_DTYPE_INT4;
    assert_int_equal(anm_safetensors_write(path, &bad, 1, NULL, &err), ANM_ERROR_UNSUPPORTED);
    assert_int_equal(anm_safetensors_write("/nonexistent/x", &good, 1, NULL, &err), ANM_ERROR_IO);
    assert_false(anm_path_exists(path));
}

static void open_errors(void **state) {
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\n";
    anm_error err;
    anm_safetensors *file = (anm_safetensors *)1;
    assert_int_equal(anm_safetensors_open(temp_path("absent"), &file, &err), ANM_ERROR_NOT_FOUND);
    assert_null(file);
    assert_ok(anm_file_write(temp_path("lfs"), pointer, sizeof pointer - 1, &err), &err);
    assert_int_equal(anm_safetensors_open(temp_path("lfs"), &file, &err), ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "Git LFS"));
    assert_int_equal(anm_safetensors_open(temp_dir, &file, &err), ANM_ERROR_IO);
    anm_safetensors_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_fixtures),
        cmocka_unit_test(valid_fixtures),
        cmocka_unit_test(header_verdicts),
        cmocka_unit_test(order_is_that_of_the_data),
        cmocka_unit_test(header_limit),
        cmocka_unit_test(mutations),
        cmocka_unit_test(write_matches_reference_layout),
        cmocka_unit_test(round_trip_all_dtypes),
        cmocka_unit_test(same_dtype_is_sorted_by_name),
        cmocka_unit_test(write_refuses),
        cmocka_unit_test(open_errors),
    };
    return cmocka_run_group_tests(tests, make_temp, remove_temp);
}

/* SPDX-License-Identifier: MIT */
/* The GGUF reader: values and tensors, and every way in which a file can be malformed. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/half.h"
#include "src/hf/gguf.h"
#include "tests/unit/gguf_model.h"

static const char path[] = "test_gguf.gguf";
static anm_error err;

static void put_file(const void *bytes, size_t size) {
    assert_ok(anm_file_write(path, bytes, size, &err), &err);
}

/* ---- dequantisation ---- */

/* Random blocks of each type, read whole and in parts, against the definition value by value. */
static void blocks(void **state) {
    enum { COUNT = 2048 };
    static const uint32_t types[] = {GGUF_Q8_0, GGUF_Q4_0, GGUF_Q4_K, GGUF_Q6_K};
    static uint8_t data[4 * COUNT];
    static float out[COUNT];
    uint64_t seed = 99;
    for (int i = 0; i < 4; i++) {
        anm_tensor t = {.name = "x", .rank = 1, .shape = {COUNT}, .data = data};
        anm_weight w = {.tensor = &t, .coding = anm_gguf_type_get(types[i])->coding};
        t.bytes = gguf_random(types[i], data, COUNT, &seed);
        for (size_t first = 0; first < 300; first += 37) {
            size_t count = first ? 5 * first : COUNT;
            anm_weight_floats(&w, first, count, out);
            for (size_t k = 0; k < count; k++) {
                float want = gguf_value(types[i], data, (int64_t)(first + k));
                assert_memory_equal(&out[k], &want, sizeof want);
            }
        }
    }
}

/* One block by hand: all extremes of Q6_K and Q4_K. */
static void extremes(void **state) {
    uint8_t block[210];
    float out[256];
    uint16_t one = 0x3c00;
    anm_tensor t = {.name = "x", .rank = 1, .shape = {256}, .data = block};
    anm_weight w = {.tensor = &t, .coding = &anm_gguf_q6_k};
    memset(block, 0xff, sizeof block); /* q 63, scales -1 */
    memcpy(block + 208, &one, 2);
    anm_weight_floats(&w, 0, 256, out);
    for (int i = 0; i < 256; i++) assert_true(out[i] == -31);
    memset(block, 0, 192); /* q 0 */
    anm_weight_floats(&w, 0, 256, out);
    for (int i = 0; i < 256; i++) assert_true(out[i] == 32);
    w.coding = &anm_gguf_q4_k;
    memset(block, 0xff, 144); /* q 15, scales and minima 63 */
    memcpy(block, &one, 2);
    memcpy(block + 2, &one, 2);
    anm_weight_floats(&w, 0, 256, out);
    for (int i = 0; i < 256; i++) assert_true(out[i] == 63 * 15 - 63);
}

/* ---- reading ---- */

static void small(gguf_writer *w) {
    static const float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const int64_t shape[2] = {2, 4};
    const anm_sv texts[] = {{"one", 3}, {"", 0}, {"three", 5}};
    *w = (gguf_writer){0};
    gguf_put_text(w, "general.architecture", "llama");
    gguf_put_u32(w, "n", 7);
    gguf_put_f32(w, "eps", 1e-6f);
    gguf_put_bool(w, "flag", true);
    gguf_put_texts(w, "texts", texts, 3);
    gguf_put_ints(w, "ints", (const int32_t[]){-1, 5}, 2);
    gguf_put_tensor(w, "a", GGUF_F32, 2, shape, data, sizeof data);
    gguf_put_tensor(w, "b", GGUF_F32, 1, shape, data, 8);
}

static void metadata(void **state) {
    gguf_writer w;
    anm_gguf *g;
    int64_t n;
    double eps;
    bool flag;
    anm_sv text;
    const anm_gguf_value *array;
    small(&w);
    gguf_write(&w, path);
    assert_ok(anm_gguf_open(path, &g, &err), &err);
    assert_ok(anm_gguf_get_int(g, "n", 0, &n, &err), &err);
    assert_ok(anm_gguf_get_number(g, "eps", 0, &eps, &err), &err);
    assert_ok(anm_gguf_get_bool(g, "flag", false, &flag, &err), &err);
    assert_ok(anm_gguf_get_text(g, "general.architecture", &text, &err), &err);
    assert_true(n == 7 && eps == 1e-6 && flag && anm_sv_is(text, "llama"));
    assert_ok(anm_gguf_get_int(g, "none", 5, &n, &err), &err);
    assert_int_equal(n, 5);
    assert_ok(anm_gguf_get_array(g, "texts", ANM_GGUF_STRING, &array, &err), &err);
    const uint8_t *next = array->data;
    assert_int_equal(array->count, 3);
    assert_true(anm_sv_is(anm_gguf_next_text(&next), "one"));
    assert_true(anm_sv_is(anm_gguf_next_text(&next), ""));
    assert_true(anm_sv_is(anm_gguf_next_text(&next), "three"));
    assert_int_equal(anm_gguf_get_array(g, "ints", ANM_GGUF_STRING, &array, &err),
                     ANM_ERROR_FORMAT);
    assert_int_equal(anm_gguf_get_int(g, "eps", 0, &n, &err), ANM_ERROR_FORMAT);
    assert_true(err.offset != ANM_NO_OFFSET);
    anm_gguf_close(g);
}

static void tensors(void **state) {
    gguf_writer w;
    anm_gguf *g;
    float value;
    small(&w);
    gguf_write(&w, path);
    assert_ok(anm_gguf_open(path, &g, &err), &err);
    assert_int_equal(anm_gguf_tensor_count(g), 2);
    const anm_gguf_tensor *t = anm_gguf_tensor_find(g, "a");
    assert_true(t->tensor.rank == 2 && t->tensor.shape[0] == 2 && t->tensor.shape[1] == 4);
    memcpy(&value, (const uint8_t *)t->tensor.data + 20, 4);
    assert_true(value == 6);
    assert_null(anm_gguf_tensor_find(g, "c"));
    anm_gguf_close(g);
}

static void decimals(void **state) {
    assert_true(anm_gguf_decimal(1e-6f) == 1e-6);
    assert_true(anm_gguf_decimal(1e-5f) == 1e-5);
    assert_true(anm_gguf_decimal(500000) == 500000);
    assert_true(anm_gguf_decimal(0.1f) == 0.1);
    assert_true(anm_gguf_decimal(0x1.fffffep-1f) == (double)0x1.fffffep-1f ||
                (float)anm_gguf_decimal(0x1.fffffep-1f) == 0x1.fffffep-1f);
}

/* ---- malformed ---- */

static void refused(anm_status status, uint64_t offset, const char *message) {
    anm_gguf *g = (anm_gguf *)1;
    anm_status got = anm_gguf_open(path, &g, &err);
    assert_null(g);
    if (got != status || !strstr(err.message, message) || err.offset != offset)
        fail_msg("%s at %llu: %s; wanted \"%s\" at %llu", anm_status_name(got),
                 (unsigned long long)err.offset, err.message, message, (unsigned long long)offset);
}

/* The small file with `size` bytes at `at` replaced. */
static void patched(size_t at, const void *bytes, size_t size, anm_status status, uint64_t offset,
                    const char *message) {
    gguf_writer w;
    small(&w);
    anm_strbuf file = gguf_bytes(&w);
    memcpy(file.data + at, bytes, size);
    put_file(file.data, file.len);
    anm_strbuf_free(&file);
    gguf_free(&w);
    refused(status, offset, message);
}

/* Where `text` lies in the small file. */
static size_t find(const char *text) {
    gguf_writer w;
    small(&w);
    anm_strbuf file = gguf_bytes(&w);
    const char *p = memmem(file.data, file.len, text, strlen(text));
    size_t at = p ? (size_t)(p - file.data) : 0;
    anm_strbuf_free(&file);
    gguf_free(&w);
    assert_true(at > 0);
    return at;
}

static void headers(void **state) {
    const uint64_t many = UINT64_C(1) << 60, all = UINT64_MAX;
    const uint32_t old = 1, swapped = 0x03000000, future = 4;
    patched(0, "GGML", 4, ANM_ERROR_FORMAT, 0, "does not begin with");
    patched(4, &old, 4, ANM_ERROR_UNSUPPORTED, 4, "version 1");
    patched(4, &future, 4, ANM_ERROR_UNSUPPORTED, 4, "version 4");
    patched(4, &swapped, 4, ANM_ERROR_UNSUPPORTED, 4, "big-endian");
    patched(8, &many, 8, ANM_ERROR_FORMAT, 24, "tensors cannot be");
    patched(16, &many, 8, ANM_ERROR_FORMAT, 24, "metadata values cannot be");
    patched(24, &all, 8, ANM_ERROR_FORMAT, 32, "ends within a key");
}

static void bad_values(void **state) {
    const uint32_t kind = 13, array = 9;
    const uint64_t many = UINT64_C(1) << 61;
    const uint8_t two = 2;
    size_t n = find("n\4"), flag = find("flag"), texts = find("texts"), ints = find("ints");
    patched(n + 1, &kind, 4, ANM_ERROR_FORMAT, n + 1, "value type 13");
    patched(n, " ", 1, ANM_ERROR_FORMAT, n - 8, "not 1 to 65535");
    patched(ints, "flag", 4, ANM_ERROR_FORMAT, ints - 8, "\"flag\" is there twice");
    patched(flag + 8, &two, 1, ANM_ERROR_FORMAT, flag + 8, "truth value");
    patched(texts + 9, &array, 4, ANM_ERROR_FORMAT, texts + 5, "array of arrays");
    patched(texts + 13, &many, 8, ANM_ERROR_FORMAT, texts + 21, "strings cannot be");
    patched(texts + 21, &many, 8, ANM_ERROR_FORMAT, texts + 29, "ends within a string");
    patched(ints + 12, &many, 8, ANM_ERROR_FORMAT, ints + 20, "values cannot be");
}

/* Names' lengths, "a", the rank, sizes 4 and 2, the type, the offset. */
static void bad_tensors(void **state) {
    const uint64_t zero = 0, huge = UINT64_C(1) << 62, odd = 3, far = 1 << 20;
    const uint32_t five = 5, q5_k = 13, unknown = 99, q8_0 = 8;
    size_t a = find("a\2") - 8, b = a + 8 + 1 + 4 + 16 + 4 + 8;
    patched(a, &zero, 8, ANM_ERROR_FORMAT, a, "not 1 to 255 bytes");
    patched(a + 9, &five, 4, ANM_ERROR_FORMAT, a, "5 dimensions");
    patched(a + 13, &zero, 8, ANM_ERROR_FORMAT, a, "dimension 0");
    patched(a + 13, &huge, 8, ANM_ERROR_FORMAT, a, "which cannot be");
    patched(a + 29, &unknown, 4, ANM_ERROR_FORMAT, a, "type 99");
    patched(a + 29, &q5_k, 4, ANM_ERROR_UNSUPPORTED, a, "Q5_K");
    patched(a + 29, &q8_0, 4, ANM_ERROR_FORMAT, a, "whole Q8_0 blocks");
    patched(a + 33, &odd, 8, ANM_ERROR_FORMAT, a, "not at a multiple of 32");
    patched(a + 33, &far, 8, ANM_ERROR_FORMAT, a, "beyond the file's end");
    patched(b + 25, &zero, 8, ANM_ERROR_FORMAT, b, "overlap");
    patched(b + 8, "a", 1, ANM_ERROR_FORMAT, b, "\"a\" is there twice");
}

/* Cut anywhere, the file is refused, and never read beyond its end. */
static void truncated(void **state) {
    gguf_writer w;
    small(&w);
    anm_strbuf file = gguf_bytes(&w);
    for (size_t size = 1; size + 24 < file.len; size++) { /* the last tensor is followed by 24 */
        anm_gguf *g;
        put_file(file.data, size);
        assert_int_equal(anm_gguf_open(path, &g, &err), ANM_ERROR_FORMAT);
        assert_true(err.offset <= size);
    }
    anm_strbuf_free(&file);
    gguf_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),   cmocka_unit_test(extremes),    cmocka_unit_test(metadata),
        cmocka_unit_test(tensors),  cmocka_unit_test(decimals),    cmocka_unit_test(headers),
        cmocka_unit_test(bad_values), cmocka_unit_test(bad_tensors), cmocka_unit_test(truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

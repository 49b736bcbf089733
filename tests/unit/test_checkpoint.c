/* SPDX-License-Identifier: MIT */
/* Model directories: one file, shards with an index, and what is refused. */
#include "tests/unit/testing.h"

#include "src/base/dtype.h"
#include "src/base/log.h"
#include "src/hf/checkpoint.h"
#include "src/hf/safetensors_internal.h"

static const char index_name[] = "model.safetensors.index.json";
static char dir[64];
static anm_error err;
static char logged[4][512];
static int log_count;

static void keep_log(void *context, anm_log_level level, const char *message) {
    if (level == ANM_LOG_WARNING && log_count < 4)
        snprintf(logged[log_count], sizeof logged[0], "%s", message);
    log_count++;
}

static int make_dir(void **state) {
    strcpy(dir, "anm-test-XXXXXX");
    log_count = 0;
    anm_log_set(keep_log, NULL);
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    anm_log_set(NULL, NULL);
    return anm_path_remove(dir, NULL) == ANM_OK ? 0 : -1;
}

static const char *in_dir(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_text(const char *name, const char *text) {
    assert_ok(anm_file_write(in_dir(name), text, strlen(text), &err), &err);
}

/* A weight file whose tensors hold 0, 1, 2, ... plus 100 times their position in the list. */
static void put_weights(const char *file, const char *const *names, size_t count) {
    static float values[4][6];
    anm_tensor tensors[4];
    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++) {
        for (int j = 0; j < 6; j++) values[i][j] = (float)(100 * (int)i + j);
        tensors[i] = (anm_tensor){names[i], ANM_DTYPE_FP32, 2, {2, 3}, values[i], 24};
    }
    assert_ok(anm_safetensors_write(in_dir(file), tensors, count, NULL, &err), &err);
}

/* Opening must fail with that status, and the report must hold both words. */
static void refused(anm_status wanted, const char *where, const char *message) {
    anm_checkpoint *c = (anm_checkpoint *)1;
    anm_status status = anm_checkpoint_open(dir, &c, &err);
    assert_null(c);
    if (status != wanted || !strstr(err.where, where) || !strstr(err.message, message))
        fail_msg("%s: %s: %s", anm_status_name(status), err.where, err.message);
}

static void single_file(void **state) {
    const char *names[] = {"b", "a"};
    anm_checkpoint *c;
    const anm_weight *w;
    put_weights("model.safetensors", names, 2);
    assert_ok(anm_checkpoint_open(dir, &c, &err), &err);
    assert_string_equal(anm_checkpoint_dir(c), dir);
    assert_int_equal(anm_checkpoint_count(c), 2);
    assert_string_equal(anm_checkpoint_get(c, 0)->tensor->name, "a");
    assert_null(anm_checkpoint_get(c, 2));
    assert_ok(anm_checkpoint_require(c, "b", &w, &err), &err);
    assert_string_equal(w->path, in_dir("model.safetensors"));
    assert_true(anm_element_get(w->tensor->dtype, w->tensor->data, 5) == 5);
    assert_true(anm_element_get(ANM_DTYPE_FP32, anm_checkpoint_find(c, "a")->tensor->data, 1) ==
                101);
    assert_int_equal(anm_checkpoint_require(c, "c", &w, &err), ANM_ERROR_NOT_FOUND);
    assert_null(w);
    assert_string_equal(err.where, dir);
    anm_checkpoint_close(c);
    anm_checkpoint_close(NULL);
}

static void two_shards(void **state) {
    const char *first[] = {"a", "b"}, *second[] = {"c"};
    anm_checkpoint *c;
    put_weights("one.safetensors", first, 2);
    put_weights("two.safetensors", second, 1);
    put_text(index_name, "{\"metadata\":{\"total_size\":72},\"weight_map\":{\"c\":"
                         "\"two.safetensors\",\"a\":\"one.safetensors\",\"b\":"
                         "\"one.safetensors\"}}");
    assert_ok(anm_checkpoint_open(dir, &c, &err), &err);
    assert_int_equal(anm_checkpoint_count(c), 3);
    assert_string_equal(anm_checkpoint_find(c, "b")->path, in_dir("one.safetensors"));
    assert_string_equal(anm_checkpoint_find(c, "c")->path, in_dir("two.safetensors"));
    assert_true(anm_element_get(ANM_DTYPE_FP32, anm_checkpoint_find(c, "b")->tensor->data, 0) ==
                100);
    assert_int_equal(log_count, 0);
    anm_checkpoint_close(c);
}

static void unlisted_tensors_are_kept(void **state) {
    const char *names[] = {"a", "extra.0", "extra.1"};
    anm_checkpoint *c;
    put_weights("one.safetensors", names, 3);
    put_text(index_name, "{\"weight_map\":{\"a\":\"one.safetensors\"}}");
    assert_ok(anm_checkpoint_open(dir, &c, &err), &err);
    assert_non_null(anm_checkpoint_find(c, "extra.1"));
    assert_int_equal(log_count, 1);
    assert_non_null(strstr(logged[0], "2 tensors"));
    assert_non_null(strstr(logged[0], "extra.0"));
    anm_checkpoint_close(c);
}

/* Both places in which transformers has kept the language model of a larger one. */
static void language_model_of_a_larger_model(void **state) {
    const char *names[] = {"language_model.model.norm.weight", "language_model.lm_head.weight",
                           "model.language_model.layers.0.mlp.up_proj.weight", "vision_tower.x"};
    anm_checkpoint *c;
    put_weights("model.safetensors", names, 4);
    assert_ok(anm_checkpoint_open(dir, &c, &err), &err);
    assert_int_equal(anm_checkpoint_count(c), 4);
    const anm_weight *norm = anm_checkpoint_find(c, "model.norm.weight");
    assert_non_null(norm);
    assert_string_equal(norm->tensor->name, "model.norm.weight");
    assert_true(anm_element_get(ANM_DTYPE_FP32, norm->tensor->data, 5) == 5);
    assert_non_null(anm_checkpoint_find(c, "lm_head.weight"));
    assert_non_null(anm_checkpoint_find(c, "model.layers.0.mlp.up_proj.weight"));
    assert_non_null(anm_checkpoint_find(c, "vision_tower.x"));
    assert_null(anm_checkpoint_find(c, "language_model.model.norm.weight"));
    anm_checkpoint_close(c);
}

static void bad_index(void **state) {
    static const struct {
        const char *text, *message;
        anm_status status;
    } cases[] = {
        {"{\"weight_map\":{\"a\":\"gone.safetensors\"}}", "gone.safetensors", ANM_ERROR_NOT_FOUND},
        {"{\"weight_map\":{\"z\":\"one.safetensors\"}}", "\"z\" is not in", ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":\"../one.safetensors\"}}", "plain file name", ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":\"..\"}}", "plain file name", ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":\"\"}}", "plain file name", ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":\"one.safetensors\\u0000\"}}", "plain file name",
         ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":7}}", "plain file name", ANM_ERROR_FORMAT},
        {"{\"weight_map\":[]}", "weight_map", ANM_ERROR_FORMAT},
        {"[1]", "weight_map", ANM_ERROR_FORMAT},
        {"{\"weight_map\":{\"a\":\"one.safetensors\",\"a\":\"one.safetensors\"}}", "duplicate",
         ANM_ERROR_FORMAT},
        {"{", "JSON", ANM_ERROR_FORMAT},
        {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", ANM_ERROR_FORMAT},
    };
    const char *names[] = {"a"};
    put_weights("one.safetensors", names, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_text(index_name, cases[i].text);
        refused(cases[i].status, index_name, cases[i].message);
    }
}

static void duplicate_across_shards(void **state) {
    const char *first[] = {"a", "b"}, *second[] = {"b"};
    put_weights("one.safetensors", first, 2);
    put_weights("two.safetensors", second, 1);
    put_text(index_name, "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
    refused(ANM_ERROR_FORMAT, "two.safetensors", "one.safetensors");
}

static void bad_shard(void **state) {
    put_text("one.safetensors", "\x01\x02\x03");
    put_text(index_name, "{\"weight_map\":{\"a\":\"one.safetensors\"}}");
    refused(ANM_ERROR_FORMAT, "one.safetensors", "8 bytes");
    put_text("one.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    refused(ANM_ERROR_FORMAT, "one.safetensors", "Git LFS");
}

static void other_formats(void **state) {
    static const char *const found[][2] = {
        {"pytorch_model.bin", "pickle"},
        {"pytorch_model-00001-of-00002.bin", "pickle"},
        {"mmproj-F16.gguf", "language model"},
        {"consolidated.00.pth", "pickle"},
        {"model-00001-of-00002.safetensors", "index.json"},
        {"x.mlpackage", "converted"},
    };
    refused(ANM_ERROR_NOT_FOUND, dir, "no model.safetensors");
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        put_text(found[i][0], "x");
        put_text("zzz.bin", "x");
        refused(ANM_ERROR_NOT_FOUND, dir, found[i][1]);
        assert_non_null(strstr(err.message, found[i][0]));
        assert_ok(anm_path_remove(in_dir(found[i][0]), &err), &err);
    }
}

static void wrong_directory(void **state) {
    anm_checkpoint *c;
    put_text("file", "x");
    assert_int_equal(anm_checkpoint_open(in_dir("file"), &c, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_checkpoint_open(in_dir("absent"), &c, &err), ANM_ERROR_NOT_FOUND);
    assert_null(c);
}

/* Resident pages of this process, in bytes. */
static size_t resident(void) {
    unsigned long total = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu %lu", &total, &pages) != 2) skip();
    fclose(f);
    return pages * 4096;
}

static void dropped_pages_come_back(void **state) {
    enum { SIZE = 16 << 20 };
    unsigned char *data = malloc(SIZE);
    anm_checkpoint *c;
    size_t sum = 0;
    for (size_t i = 0; i < SIZE; i++) data[i] = (unsigned char)(i >> 12);
    anm_tensor t = {"big", ANM_DTYPE_UINT8, 1, {SIZE}, data, SIZE};
    assert_ok(anm_safetensors_write(in_dir("model.safetensors"), &t, 1, NULL, &err), &err);
    assert_ok(anm_checkpoint_open(dir, &c, &err), &err);
    const anm_weight *w = anm_checkpoint_find(c, "big");
    const volatile unsigned char *bytes = w->tensor->data;
    for (size_t i = 0; i < SIZE; i += 4096) sum += bytes[i];
    size_t before = resident();
    anm_weight_drop(w, 0, SIZE);
    assert_true(resident() + SIZE / 2 < before);
    for (size_t i = 0; i < SIZE; i += 4096) sum -= bytes[i];
    assert_int_equal(sum, 0);
    assert_memory_equal(w->tensor->data, data, SIZE);
    anm_checkpoint_close(c);
    free(data);
}

static void fixture_checkpoint(void **state) {
    static const char *const dirs[] = {"anemll/qwen3-a/hf", "anemll/qwen25-a/hf",
                                       "anemll/llama-tied/hf", "models/stories260K-hf"};
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        anm_checkpoint *c;
        const anm_weight *w;
        assert_ok(anm_checkpoint_open(fixture_path(dirs[i]), &c, &err), &err);
        assert_ok(anm_checkpoint_require(c, "model.embed_tokens.weight", &w, &err), &err);
        assert_int_equal(w->tensor->rank, 2);
        anm_checkpoint_close(c);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(single_file),
        TEST(two_shards),
        TEST(unlisted_tensors_are_kept),
        TEST(language_model_of_a_larger_model),
        TEST(bad_index),
        TEST(duplicate_across_shards),
        TEST(bad_shard),
        TEST(other_formats),
        TEST(wrong_directory),
        TEST(dropped_pages_come_back),
        TEST(fixture_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Sessions copied, saved and restored: the continuation is the same to the bit, or refused. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/file.h"
#include "src/base/sha256.h"
#include "tests/unit/open_model.h"

enum { TOKENS = 40, DIGEST = ANM_SHA256_HEX - 1 };

static char root[64], file[96];
static anm_llm *demo, *lut, *window;

static int open_models(void **state) {
    anm_convert_options plain, packed, local;
    strcpy(root, "anm-session-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(file, sizeof file, "%s/session", root);
    anm_convert_options_init(&plain);
    plain.context_length = 128;
    plain.batch_size = 8;
    packed = local = plain;
    packed.lut_ffn.bits = 8;
    local.context_length = 48;
    local.batch_size = 4;
    return convert_and_open(&demo, ANM_TEST_SOURCE_ROOT "/models/demo", root, "demo", &plain) ||
           convert_and_open(&lut, ANM_TEST_SOURCE_ROOT "/models/demo", root, "lut", &packed) ||
           convert_and_open(&window, ANM_TEST_DATA "/gemma3/text", root, "window", &local);
}

static int remove_models(void **state) {
    anm_llm_close(demo);
    anm_llm_close(lut);
    anm_llm_close(window);
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static int32_t token(const anm_llm *llm, size_t index) {
    return (int32_t)((index * index * 7 + 3 * index + 1) % (anm_llm_vocab_size(llm) - 1));
}

static anm_session *at(const anm_llm *llm, size_t count) {
    int32_t ids[TOKENS];
    anm_error err;
    anm_session *s;
    for (size_t i = 0; i < count; i++) ids[i] = token(llm, i);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    if (count) assert_ok(anm_session_sync(s, ids, count, &err), &err);
    return s;
}

static anm_session *restored(const anm_llm *llm) {
    anm_error err;
    anm_session *s = at(llm, 3); /* what was there before is gone */
    assert_ok(anm_session_restore(s, file, &err), &err);
    assert_null(anm_session_logits(s));
    return s;
}

/* Both go on with the same tokens. */
static void same_from_here(anm_session *a, anm_session *b, const anm_llm *llm, int steps) {
    anm_error err;
    size_t count, other;
    anm_session_tokens(a, &count);
    const int32_t *ids = anm_session_tokens(b, &other);
    assert_int_equal(count, other);
    if (count) assert_memory_equal(anm_session_tokens(a, &count), ids, count * sizeof *ids);
    for (int i = 0; i < steps; i++) {
        int32_t next = token(llm, count + (size_t)i + 5);
        assert_ok(anm_session_append(a, next, &err), &err);
        assert_ok(anm_session_append(b, next, &err), &err);
        assert_memory_equal(anm_session_logits(a), anm_session_logits(b),
                            anm_llm_vocab_size(llm) * sizeof(float));
    }
}

static void round_trip(const anm_llm *llm, size_t count, size_t rewound) {
    anm_error err;
    anm_session *a = at(llm, count);
    anm_session_rewind(a, rewound);
    assert_ok(anm_session_save(a, file, &err), &err);
    anm_session *b = restored(llm);
    same_from_here(a, b, llm, 6);
    anm_session_destroy(a);
    anm_session_destroy(b);
}

/* The window's rows are 8: within it, at its end, beyond it, and shortened from beyond it. */
static void files_continue(void **state) {
    static const size_t counts[][2] = {{0, 0}, {1, 1}, {7, 7}, {8, 8}, {30, 30}, {20, 13}, {30, 5}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        round_trip(demo, counts[i][0], counts[i][1]);
        round_trip(window, counts[i][0], counts[i][1]);
    }
}

static void forks_part(void **state) {
    const anm_llm *models[] = {demo, window};
    for (int m = 0; m < 2; m++)
        for (size_t count = 0; count <= 30; count += 10) {
            anm_error err;
            anm_session *a = at(models[m], count), *b, *c;
            assert_ok(anm_session_fork(a, &b, &err), &err);
            assert_int_equal(anm_session_greedy(a), anm_session_greedy(b));
            assert_int_equal(!anm_session_logits(a), !anm_session_logits(b));
            assert_ok(anm_session_fork(a, &c, &err), &err);
            for (int i = 0; i < 3; i++) assert_ok(anm_session_append(c, 1 + i, &err), &err);
            same_from_here(a, b, models[m], 5);
            anm_session_destroy(a);
            anm_session_destroy(b);
            anm_session_destroy(c);
        }
}

static size_t saved_size(const anm_llm *llm, size_t count) {
    anm_error err;
    anm_mapping map;
    anm_session *s = at(llm, count);
    assert_ok(anm_session_save(s, file, &err), &err);
    anm_session_destroy(s);
    assert_ok(anm_mapping_open(file, &map, &err), &err);
    size_t size = map.size;
    anm_mapping_close(&map);
    return size;
}

/* Twice the tokens, twice the rows: nothing of the cache beyond them. */
static void only_filled_rows_are_saved(void **state) {
    size_t ten = saved_size(demo, 10), twenty = saved_size(demo, 20), thirty = saved_size(demo, 30);
    assert_int_equal(thirty - twenty, twenty - ten);
    assert_true(ten - (twenty - ten) < 512);
}

static void expect_refusal(anm_session *s, anm_status status, const char *says) {
    anm_error err;
    assert_int_equal(anm_session_restore(s, file, &err), status);
    assert_non_null(strstr(err.message, says));
    assert_string_equal(err.where, file);
}

static void other_models_are_refused(void **state) {
    anm_error err;
    anm_llm_options options;
    anm_llm *exact;
    char dir[128];
    anm_session *s = at(demo, 10);
    assert_ok(anm_session_save(s, file, &err), &err);
    anm_session_destroy(s);
    s = at(lut, 4);
    expect_refusal(s, ANM_ERROR_MISMATCH, "another model");
    anm_session_destroy(s);
    snprintf(dir, sizeof dir, "%s/demo", root);
    anm_llm_options_init(&options);
    options.precision = ANM_PRECISION_FP32;
    assert_ok(anm_llm_open(dir, &options, &exact, &err), &err);
    s = at(exact, 2);
    expect_refusal(s, ANM_ERROR_MISMATCH, "fp32");
    anm_session_destroy(s);
    anm_llm_close(exact);
}

static char *read_saved(size_t *size) {
    anm_error err;
    anm_mapping map;
    assert_ok(anm_mapping_open(file, &map, &err), &err);
    char *copy = malloc(map.size);
    memcpy(copy, map.data, map.size);
    *size = map.size;
    anm_mapping_close(&map);
    return copy;
}

static void write_saved(const char *data, size_t size) {
    anm_error err;
    assert_ok(anm_file_write(file, data, size, &err), &err);
}

/* Bits turned and ends cut everywhere; the session goes on as if nothing had been tried. */
static void damage_is_found(void **state) {
    anm_error err;
    size_t size;
    anm_session *s = at(demo, 12), *untouched = at(demo, 9), *tried = at(demo, 9);
    assert_ok(anm_session_save(s, file, &err), &err);
    char *good = read_saved(&size), *bad = malloc(size);
    for (int i = 0; i < 40; i++) {
        size_t where = i < 20 ? (size_t)i * 14 : size - 1 - (size_t)(i - 20) * (size / 21);
        memcpy(bad, good, size);
        bad[where] ^= 1 << i % 8;
        write_saved(bad, size);
        assert_int_equal(anm_session_restore(tried, file, &err), ANM_ERROR_FORMAT);
        write_saved(good, where);
        assert_int_equal(anm_session_restore(tried, file, &err), ANM_ERROR_FORMAT);
    }
    same_from_here(untouched, tried, demo, 3);
    write_saved(good, size);
    assert_ok(anm_session_restore(tried, file, &err), &err);
    same_from_here(s, tried, demo, 3);
    assert_int_equal(anm_session_restore(tried, "/nonexistent", &err), ANM_ERROR_NOT_FOUND);
    anm_session_destroy(s);
    anm_session_destroy(untouched);
    anm_session_destroy(tried);
    free(good);
    free(bad);
}

/* With a checksum that is right: whoever made the file, it is not believed. */
static void contents_are_checked(void **state) {
    static const struct {
        size_t offset;
        uint32_t value;
        const char *says;
    } changes[] = {{8, 2, "version 2"},     {16, 0x30303030, "another model"},
                   {80, 4096, "contradict"}, {80, 13, "state is not"},
                   {88, 13, "contradict"},  {88, 11, "state is not"},
                   {96, 0, "contradict"},   {96, 99, "contradict"},
                   {104, 0x7fffffff, "outside the vocabulary"}};
    anm_error err;
    size_t size;
    anm_session *s = at(demo, 12);
    assert_ok(anm_session_save(s, file, &err), &err);
    char *good = read_saved(&size), *bad = malloc(size);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char hex[ANM_SHA256_HEX];
        anm_sha256 hash;
        memcpy(bad, good, size);
        memcpy(bad + changes[i].offset, &changes[i].value, 4);
        anm_sha256_begin(&hash);
        anm_sha256_add(&hash, bad, size - DIGEST);
        assert_ok(anm_sha256_end(&hash, hex, &err), &err);
        memcpy(bad + size - DIGEST, hex, DIGEST);
        write_saved(bad, size);
        assert_int_not_equal(anm_session_restore(s, file, &err), ANM_OK);
        if (!strstr(err.message, changes[i].says)) fail_msg("%zu: %s", i, err.message);
    }
    anm_session_destroy(s);
    free(good);
    free(bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_continue),
        cmocka_unit_test(forks_part),
        cmocka_unit_test(only_filled_rows_are_saved),
        cmocka_unit_test(other_models_are_refused),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(contents_are_checked),
    };
    return cmocka_run_group_tests_name("session_file", tests, open_models, remove_models);
}

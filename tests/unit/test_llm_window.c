/* SPDX-License-Identifier: MIT */
/*
 * Sessions of a model with sliding windows: below, across and beyond the window, in steps and
 * batches, shortened and taken up again; against the logits of tools/reference/gemma3.py.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/llm.h"
#include "anemone/safetensors.h"
#include "src/base/file.h"

enum { COUNT = 40, VOCAB = 83, CONTEXT = 48, BATCH = 4, WINDOW = 8 };
#define OUT "test_llm_window.out"

static int32_t tokens[COUNT];
static float truth[COUNT][VOCAB];

static void read_reference(void) {
    anm_error err;
    anm_safetensors *file;
    assert_ok(anm_safetensors_open(ANM_TEST_DATA "/gemma3/text/reference.safetensors", &file, &err),
              &err);
    memcpy(tokens, anm_safetensors_find(file, "tokens")->data, sizeof tokens);
    memcpy(truth, anm_safetensors_find(file, "rounded")->data, sizeof truth);
    anm_safetensors_close(file);
}

static anm_llm *open_chunks(int64_t context, int64_t batch, int chunks) {
    anm_error err;
    anm_llm *llm;
    anm_llm_options options;
    anm_convert_options convert;
    anm_convert_options_init(&convert);
    convert.context_length = context;
    convert.batch_size = batch;
    convert.chunks = chunks;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(ANM_TEST_DATA "/gemma3/text", OUT, &convert, NULL, &err), &err);
    anm_llm_options_init(&options);
    options.precision = ANM_PRECISION_FP32;
    assert_ok(anm_llm_open(OUT, &options, &llm, &err), &err);
    assert_int_equal(anm_llm_vocab_size(llm), VOCAB);
    read_reference();
    return llm;
}

static anm_llm *open_model(int64_t context, int64_t batch) {
    return open_chunks(context, batch, 1);
}

/* The session's logits are those that follow the first n tokens. */
static void expect(const anm_session *s, size_t n) {
    size_t count;
    const float *logits = anm_session_logits(s);
    assert_memory_equal(anm_session_tokens(s, &count), tokens, n * sizeof *tokens);
    assert_int_equal(count, n);
    assert_non_null(logits);
    for (int i = 0; i < VOCAB; i++)
        if (!(fabsf(logits[i] - truth[n - 1][i]) < 1e-4f))
            fail_msg("after %zu tokens logit %d is %g, not %g", n, i, logits[i], truth[n - 1][i]);
}

static anm_session *start(const anm_llm *llm) {
    anm_error err;
    anm_session *s;
    assert_ok(anm_session_create(llm, &s, &err), &err);
    return s;
}

static void sync(anm_session *s, size_t n) {
    anm_error err;
    assert_ok(anm_session_sync(s, tokens, n, &err), &err);
    expect(s, n);
}

static void append(anm_session *s) {
    size_t count;
    anm_error err;
    anm_session_tokens(s, &count);
    assert_ok(anm_session_append(s, tokens[count], &err), &err);
    expect(s, count + 1);
}

/* Prompts of every length, each from nothing, and three steps behind each. */
static void prompts_of_every_length(void **state) {
    anm_llm *llm = open_model(CONTEXT, BATCH);
    for (size_t n = 1; n <= COUNT; n++) {
        anm_session *s = start(llm);
        sync(s, n);
        for (size_t i = n; i < n + 3 && i < COUNT; i++) append(s);
        anm_session_destroy(s);
    }
    anm_llm_close(llm);
}

/* A prompt that grows by 1, 2, 3, ... tokens: batches begin anywhere. */
static void growing_prompt(void **state) {
    anm_llm *llm = open_model(CONTEXT, BATCH);
    anm_session *s = start(llm);
    for (size_t n = 1, more = 2; n <= COUNT; n += more++) sync(s, n);
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* From every length back to every shorter one, and on from there by a step and by a prompt. */
static void rewinding(void **state) {
    anm_llm *llm = open_model(CONTEXT, BATCH);
    anm_session *s = start(llm);
    for (size_t from = 2; from <= 24; from++)
        for (size_t to = 1; to < from; to += 3) {
            sync(s, from);
            anm_session_rewind(s, to);
            assert_null(anm_session_logits(s));
            append(s);
            sync(s, from);
            anm_session_rewind(s, to);
            sync(s, to);
        }
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* Another text after a common beginning: nothing of the first may be left in a window. */
static void another_continuation(void **state) {
    anm_error err;
    int32_t other[20];
    anm_llm *llm = open_model(CONTEXT, BATCH);
    anm_session *s = start(llm);
    for (size_t same = 3; same < 20; same += 5) {
        memcpy(other, tokens, sizeof other);
        for (size_t i = same; i < 20; i++) other[i] = (tokens[i] + 1) % VOCAB;
        assert_ok(anm_session_sync(s, other, 20, &err), &err);
        sync(s, 21);
        assert_ok(anm_session_sync(s, other, 6, &err), &err);
        sync(s, 9);
    }
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* Without anything to rotate, a rewind reuses what is there. */
static void reuse(void **state) {
    anm_generate_options options;
    anm_generate_result result;
    anm_error err;
    anm_llm *llm = open_model(CONTEXT, BATCH);
    anm_session *s = start(llm);
    anm_generate_options_init(&options);
    options.max_tokens = 0;
    sync(s, WINDOW);
    assert_ok(anm_generate(s, tokens, WINDOW - 2, &options, &result, &err), &err);
    assert_int_equal(result.reused_tokens, WINDOW - 3);
    sync(s, WINDOW + 1);
    assert_ok(anm_generate(s, tokens, COUNT, &options, &result, &err), &err);
    assert_int_equal(result.reused_tokens, WINDOW + 1);
    assert_ok(anm_generate(s, tokens, WINDOW - 2, &options, &result, &err), &err);
    assert_int_equal(result.reused_tokens, 0);
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* A context that the window covers: two functions, one token at a time or in batches. */
static void context_within_the_window(void **state) {
    static const int64_t batches[] = {1, 3, 6};
    for (int b = 0; b < 3; b++) {
        anm_llm *llm = open_model(6, batches[b]);
        anm_session *s = start(llm);
        sync(s, 4);
        append(s);
        append(s);
        sync(s, 3);
        anm_session_destroy(s);
        anm_llm_close(llm);
    }
}

/* A layer to a chunk: some have local layers only, one has a global one only; all share states. */
static void chunks(void **state) {
    for (int n = 2; n <= 4; n += 2) {
        anm_llm *llm = open_chunks(CONTEXT, BATCH, n);
        anm_session *s = start(llm);
        sync(s, 3);
        sync(s, WINDOW + 3);
        for (size_t i = 0; i < 5; i++) append(s);
        sync(s, COUNT);
        anm_session_destroy(s);
        anm_llm_close(llm);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_of_every_length), cmocka_unit_test(growing_prompt),
        cmocka_unit_test(rewinding),               cmocka_unit_test(another_continuation),
        cmocka_unit_test(reuse),                   cmocka_unit_test(context_within_the_window),
        cmocka_unit_test(chunks),
    };
    return cmocka_run_group_tests_name("llm_window", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sessions that read prompts in more rows than their packages have: the same logits as in the
 * packages' own batches, whatever the prompt's length, up to the end of the context.
 */
#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/llm.h"
#include "src/base/file.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_prefill_rows.hf"
#define OUT "test_prefill_rows.out"
enum { CONTEXT = 96, BATCH = 8, VOCAB = 72 };

static const tiny_model model = {"qwen3", "Qwen3ForCausalLM", 64, 2, 4, 2, 16, 96, VOCAB,
                                 .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16};

static void convert(const char *from, int64_t context, int64_t batch, bool monolithic) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = context;
    options.batch_size = batch;
    options.monolithic = monolithic;
    options.chunks = monolithic ? 1 : 2;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(from, OUT, &options, NULL, &err), &err);
}

/* At the C level, which multiplies in fp32, so that only the order of sums can differ. */
static anm_llm *open_rows(int64_t rows) {
    anm_llm *llm;
    anm_error err;
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.cpu = "c";
    options.threads = 2;
    options.prefill_rows = rows;
    assert_ok(anm_llm_open(OUT, &options, &llm, &err), &err);
    return llm;
}

/* Of the functions that prompts have needed so far, and the packages'. */
static size_t most_rows(const anm_llm *llm) {
    anm_llm_part part;
    size_t most = 0;
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        if (part.rows > most) most = part.rows;
    return most;
}

static bool has_rows(const anm_llm *llm, size_t rows) {
    anm_llm_part part;
    size_t found = 0;
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        found += part.chunk && part.rows == rows;
    return found > 0;
}

static void expect_same(const float *got, const float *want, size_t count, int length) {
    double worst = 0, squares = 0;
    assert_non_null(got);
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)got[i] - want[i]);
        squares += (double)want[i] * want[i];
        if (!(d <= worst)) worst = d;
    }
    worst /= sqrt(squares / (double)count);
    /* K and V are fp16: a sum in another order may round one of them otherwise. */
    if (!(worst <= 3e-3)) fail_msg("%d tokens: logits differ by %g of their size", length, worst);
}

static void compare_lengths(const int *lengths, size_t count, size_t vocab, int64_t rows,
                            size_t rows_wanted) {
    anm_llm *narrow = open_rows(1), *wide = open_rows(rows);
    anm_session *a, *b;
    anm_error err;
    int32_t tokens[CONTEXT];
    for (int i = 0; i < CONTEXT; i++) tokens[i] = (int32_t)((size_t)(i * 31 + 7) % vocab);
    assert_ok(anm_session_create(narrow, &a, &err), &err);
    assert_ok(anm_session_create(wide, &b, &err), &err);
    for (size_t i = 0; i < count; i++) {
        size_t n = (size_t)lengths[i];
        tokens[0] = (int32_t)((size_t)(i + 1) % vocab); /* nothing matches what was there before */
        assert_ok(anm_session_sync(a, tokens, n, &err), &err);
        assert_ok(anm_session_sync(b, tokens, n, &err), &err);
        expect_same(anm_session_logits(b), anm_session_logits(a), vocab, lengths[i]);
        if (n == anm_llm_context_length(wide)) continue;
        assert_ok(anm_session_append(a, tokens[n], &err), &err);
        assert_ok(anm_session_append(b, tokens[n], &err), &err);
        expect_same(anm_session_logits(b), anm_session_logits(a), vocab, lengths[i] + 1);
        /* From the middle: what is there already stays. */
        assert_ok(anm_session_sync(b, tokens, n + 1 < CONTEXT ? n + 1 : n, &err), &err);
    }
    assert_int_equal(most_rows(wide), rows_wanted);
    anm_session_destroy(a);
    anm_session_destroy(b);
    anm_llm_close(narrow);
    anm_llm_close(wide);
}

static void read_prompt(const anm_llm *llm, size_t count) {
    anm_session *s;
    anm_error err;
    int32_t tokens[CONTEXT] = {3, 1, 4, 1, 5};
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_ok(anm_session_sync(s, tokens, count, &err), &err);
    anm_session_destroy(s);
}

static void any_length_of_prompt(void **state) {
    static const int lengths[] = {1, 8, 9, 15, 16, 17, 29, 32, 33, 61, 64, 65, 80, 88, 89, 95, 96};
    tiny_model_write(&model, MODEL);
    convert(MODEL, CONTEXT, BATCH, false);
    compare_lengths(lengths, sizeof lengths / sizeof *lengths, VOCAB, 64, 64);
    compare_lengths(lengths, sizeof lengths / sizeof *lengths, VOCAB, 0, 96);
    /* No power of two, and no multiple of the batch. */
    compare_lengths(lengths, sizeof lengths / sizeof *lengths, VOCAB, 47, 40);
    compare_lengths(lengths, 4, VOCAB, 9, 8);
}

static void everything_in_one_package(void **state) {
    static const int lengths[] = {7, 24, 41, 96};
    tiny_model_write(&model, MODEL);
    convert(MODEL, CONTEXT, BATCH, true);
    compare_lengths(lengths, sizeof lengths / sizeof *lengths, VOCAB, 32, 32);
}

/* A prompt of few tokens, or what is left of a long one, fills a part of the packages' batch. */
static void fewer_rows_than_the_package_has(void **state) {
    static const int lengths[] = {1, 5, 6, 15, 16, 17, 20, 21, 33, 40, 63, 64, 70, 85, 96};
    anm_llm *llm;
    tiny_model_write(&model, MODEL);
    for (int form = 0; form < 2; form++) {
        convert(MODEL, CONTEXT, 32, form == 1);
        compare_lengths(lengths, sizeof lengths / sizeof *lengths, VOCAB, 0, 96);
    }
    llm = open_rows(0);
    read_prompt(llm, 5);
    read_prompt(llm, 24);
    assert_false(has_rows(llm, 16));
    read_prompt(llm, 6);
    assert_true(has_rows(llm, 16) && !has_rows(llm, 96));
    anm_llm_close(llm);
    llm = open_rows(1);
    read_prompt(llm, 6);
    assert_false(has_rows(llm, 16));
    anm_llm_close(llm);
}

/* Wide below the window alone; beyond, batches are the packages'. */
static void windows(void **state) {
    static const int lengths[] = {5, 8, 9, 31, 40};
    convert(ANM_TEST_DATA "/gemma3/text", CONTEXT / 2, 4, false);
    compare_lengths(lengths, sizeof lengths / sizeof *lengths, 83, 32, 8);
}

static void environment_and_wrong_numbers(void **state) {
    anm_llm *llm;
    anm_error err;
    anm_llm_options options;
    tiny_model_write(&model, MODEL);
    convert(MODEL, CONTEXT, BATCH, false);
    setenv("ANEMONE_PREFILL_ROWS", "16", 1);
    llm = open_rows(0);
    read_prompt(llm, CONTEXT);
    assert_int_equal(most_rows(llm), 16);
    anm_llm_close(llm);
    setenv("ANEMONE_PREFILL_ROWS", "many", 1);
    anm_llm_options_init(&options);
    assert_int_equal(anm_llm_open(OUT, &options, &llm, &err), ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "\"many\" is no number of rows"));
    unsetenv("ANEMONE_PREFILL_ROWS");
    options.prefill_rows = -2;
    assert_int_equal(anm_llm_open(OUT, &options, &llm, &err), ANM_ERROR_ARGUMENT);
}

static int clean_up(void **state) {
    anm_error err;
    anm_status a = anm_path_remove(OUT, &err), b = anm_path_remove(MODEL, &err);
    return a != ANM_OK || b != ANM_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length_of_prompt),
        cmocka_unit_test(everything_in_one_package),
        cmocka_unit_test(fewer_rows_than_the_package_has),
        cmocka_unit_test(windows),
        cmocka_unit_test(environment_and_wrong_numbers),
    };
    return cmocka_run_group_tests_name("prefill_rows", tests, NULL, clean_up);
}

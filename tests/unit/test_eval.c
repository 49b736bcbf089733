/* SPDX-License-Identifier: MIT */
/*
 * Evaluation: against likelihoods computed here from the reference logits of the demo model, and
 * windows, statistics and errors by themselves.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "anemone/anemone.h"
#include "src/base/file.h"
#include "src/llm/eval.h"
#include "tests/unit/open_model.h"

enum { NARROW = 64, MOST_TOKENS = 4096 };

static char root[64], demo[96], narrow[96];
static const char stories[] = ANM_TEST_SOURCE_ROOT "/models/demo/heldout-stories.txt";

static anm_status convert(const char *out, int64_t context) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = context;
    return anm_convert(ANM_TEST_SOURCE_ROOT "/models/demo", out, &options, NULL, &err);
}

static int make_models(void **state) {
    strcpy(root, "anm-eval-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(demo, sizeof demo, "%s/demo", root);
    snprintf(narrow, sizeof narrow, "%s/narrow", root);
    return convert(demo, 0) == ANM_OK && convert(narrow, NARROW) == ANM_OK ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static anm_eval_text *text_of(const int32_t *ids, size_t count) {
    anm_eval_text *text;
    anm_error err;
    assert_ok(anm_eval_text_create(NULL, 0, &text, &err), &err);
    assert_ok(anm_eval_text_add(text, ids, count, &err), &err);
    return text;
}

static const char *write_text(const char *content) {
    static char path[128];
    anm_error err;
    snprintf(path, sizeof path, "%s/text.txt", root);
    assert_ok(anm_file_write(path, content, strlen(content), &err), &err);
    return path;
}

static anm_eval_text *read_text(const anm_llm *llm, const char *path, int documents) {
    anm_eval_text *text;
    anm_error err;
    assert_ok(anm_eval_text_read(anm_llm_tokenizer(llm), path, documents, &text, &err), &err);
    return text;
}

/* What a run tells token by token. */
typedef struct record {
    anm_eval_token tokens[MOST_TOKENS];
    size_t count;
} record;

static void keep_token(void *context, const anm_eval_token *token) {
    record *r = context;
    assert_true(r->count < MOST_TOKENS);
    r->tokens[r->count++] = *token;
}

static anm_eval_options recording(record *r) {
    anm_eval_options options;
    anm_eval_options_init(&options);
    r->count = 0;
    options.on_token = keep_token;
    options.callback_context = r;
    return options;
}

/* -ln softmax(row)[id], the plain way: no maximum is taken off. */
static double plain_nll(const float *row, size_t vocab, int32_t id) {
    long double sum = 0;
    for (size_t i = 0; i < vocab; i++) sum += expl((long double)row[i]);
    return (double)-logl(expl((long double)row[id]) / sum);
}

static void equals_an_independent_computation(void **state) {
    static record r;
    anm_safetensors *reference;
    anm_error err;
    anm_eval_result half, single;
    double sum = 0, squares = 0;
    assert_ok(anm_safetensors_open(ANM_TEST_DATA "/demo-logits.safetensors", &reference, &err),
              &err);
    const int32_t *ids = anm_safetensors_find(reference, "input_ids")->data;
    const anm_tensor *logits = anm_safetensors_find(reference, "logits");
    size_t count = (size_t)logits->shape[0], vocab = (size_t)logits->shape[1], n = count - 1;
    anm_eval_text *text = text_of(ids, count);
    anm_eval_options options = recording(&r);
    anm_llm *llm = open_llm(demo, ANM_PRECISION_FP32);
    assert_ok(anm_eval_perplexity(llm, text, &options, &single, &err), &err);
    assert_int_equal(r.count, n);
    for (size_t i = 0; i < n; i++) {
        double x = plain_nll((const float *)logits->data + i * vocab, vocab, ids[i + 1]);
        assert_int_equal(r.tokens[i].index, i + 1);
        assert_int_equal(r.tokens[i].token, ids[i + 1]);
        assert_true(fabs(r.tokens[i].nll[0] - x) < 2e-3);
        sum += x;
        squares += x * x;
    }
    double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
    double error = sqrt(variance / ((double)n - 1));
    printf("NLL %.6f, of the reference %.6f\n", single.score.nll, mean);
    assert_true(fabs(single.score.nll - mean) < 1e-3);
    assert_true(fabs(single.score.perplexity - exp(mean)) < 1e-3 * exp(mean));
    assert_true(fabs(single.score.standard_error - error) < 1e-3 * error);
    assert_true(fabs(single.score.nll_high - single.score.nll_low - 3.92 * error) < 4e-3 * error);
    anm_llm_close(llm);
    llm = open_llm(demo, ANM_PRECISION_FP16);
    assert_ok(anm_eval_perplexity(llm, text, NULL, &half, &err), &err);
    assert_true(fabs(half.score.nll - mean) < 5e-3);
    anm_llm_close(llm);
    anm_eval_text_free(text);
    anm_safetensors_close(reference);
}

/* Each token once, each with the context that is promised: for all small sizes. */
static void windows_cover_every_token_once(void **state) {
    for (size_t prefix = 0; prefix < 2; prefix++)
        for (size_t room = 2; room < 9; room++)
            for (size_t stride = 1; stride < room; stride++)
                for (size_t count = 0; count < 30; count++) {
                    const anm_eval_plan plan = {prefix, room, stride};
                    anm_eval_window w = {0};
                    size_t next = prefix ? 0 : 1;
                    while (anm_eval_next_window(&plan, count, &w)) {
                        assert_int_equal(w.first, next);
                        assert_true(w.end > w.first && w.end <= count && w.end - w.begin <= room);
                        assert_true(w.begin == 0 || w.first - w.begin == room - stride);
                        next = w.end;
                    }
                    assert_int_equal(next, count < next ? next : count);
                }
}

/* By hand: the text in a session of its own for every token. */
static void strided_windows_of_a_narrow_model(void **state) {
    static record r;
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_text *text = read_text(llm, stories, 0);
    const int32_t *ids = text->documents.data[0].tokens;
    anm_eval_options options = recording(&r);
    anm_eval_result result;
    anm_session *s;
    anm_error err;
    options.context = 16;
    options.stride = 5;
    options.max_tokens = 60;
    assert_ok(anm_eval_perplexity(llm, text, &options, &result, &err), &err);
    assert_int_equal(result.tokens, 60);
    assert_int_equal(result.windows, 10); /* 15 tokens, then 5 each */
    assert_int_equal(result.evaluated, 15 * 10);
    assert_int_equal(r.count, 60);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (size_t i = 0; i < r.count; i++) {
        size_t index = i + 1, begin = index < 16 ? 0 : (index - 11) / 5 * 5;
        assert_int_equal(r.tokens[i].index, index);
        assert_ok(anm_session_sync(s, ids + begin, index - begin, &err), &err);
        double x = plain_nll(anm_session_logits(s), anm_llm_vocab_size(llm), ids[index]);
        assert_true(fabs(r.tokens[i].nll[0] - x) < 1e-3);
    }
    anm_session_destroy(s);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

/* The default context and stride: the model's, and half of it. */
static void narrow_and_wide_models_agree_on_the_same_windows(void **state) {
    anm_llm *a = open_llm(narrow, ANM_PRECISION_FP32), *b = open_llm(demo, ANM_PRECISION_FP32);
    anm_eval_text *text = read_text(a, stories, 0);
    anm_eval_options options;
    anm_eval_comparison result;
    anm_error err;
    anm_eval_options_init(&options);
    options.max_tokens = 200;
    assert_ok(anm_eval_compare(a, b, text, &options, &result, &err), &err);
    assert_int_equal(result.reference.context, NARROW);
    assert_int_equal(result.reference.stride, NARROW / 2);
    assert_int_equal(result.other.tokens, 200);
    assert_true(result.kl < 1e-8 && fabs(result.nll_difference) < 1e-5);
    anm_eval_text_free(text);
    anm_llm_close(a);
    anm_llm_close(b);
}

static void documents_stand_alone(void **state) {
    static record r;
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    const char *path = write_text("A cat.<|endoftext|>\n<|endoftext|>\nA cat.<|endoftext|>\nA cat");
    anm_eval_text *text = read_text(llm, path, 1), *whole = read_text(llm, path, 0);
    anm_eval_options options = recording(&r);
    anm_eval_result result;
    anm_error err;
    assert_int_equal(anm_eval_text_document_count(text), 4);
    assert_int_equal(anm_eval_text_document_count(whole), 1);
    size_t n = text->documents.data[0].count;
    assert_int_equal(text->documents.data[0].tokens[n - 1],
                     anm_tokenizer_token_id(anm_llm_tokenizer(llm), "<|endoftext|>"));
    assert_int_equal(text->documents.data[1].count, 1); /* the separator alone: nothing to score */
    assert_int_equal(text->documents.data[3].count, n - 2);
    assert_int_equal(anm_eval_text_token_count(text), 3 * n - 1);
    assert_ok(anm_eval_perplexity(llm, text, &options, &result, &err), &err);
    assert_int_equal(result.documents, 3);
    assert_int_equal(r.count, (n - 1) * 2 + n - 3);
    for (size_t i = 0; i < n - 3; i++) { /* the same start has the same likelihoods */
        assert_true(r.tokens[i].nll[0] == r.tokens[n - 1 + i].nll[0]);
        assert_true(r.tokens[i].nll[0] == r.tokens[2 * (n - 1) + i].nll[0]);
    }
    anm_eval_text_free(text);
    anm_eval_text_free(whole);
    anm_llm_close(llm);
}

/* A prefix is in every window, so that the first token is scored too. */
static void prefix_goes_before_every_window(void **state) {
    static record r;
    static const int32_t ids[] = {70, 71, 72, 73, 74, 75, 76, 77, 78}, bos = 2045;
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_options options = recording(&r);
    anm_eval_result result;
    anm_eval_text *text;
    anm_session *s;
    anm_error err;
    options.context = 6;
    options.stride = 2;
    assert_ok(anm_eval_text_create(&bos, 1, &text, &err), &err);
    assert_ok(anm_eval_text_add(text, ids, 9, &err), &err);
    assert_ok(anm_eval_perplexity(llm, text, &options, &result, &err), &err);
    assert_int_equal(result.tokens, 9);
    assert_int_equal(result.windows, 3); /* 0-4, 2-6, 4-8 */
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (size_t i = 0; i < 9; i++) {
        int32_t timeline[6] = {bos};
        size_t begin = i < 5 ? 0 : i < 7 ? 2 : 4;
        memcpy(timeline + 1, ids + begin, (i - begin) * sizeof *ids);
        assert_ok(anm_session_sync(s, timeline, 1 + i - begin, &err), &err);
        double x = plain_nll(anm_session_logits(s), anm_llm_vocab_size(llm), ids[i]);
        assert_true(fabs(r.tokens[i].nll[0] - x) < 1e-3);
    }
    anm_session_destroy(s);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

/* A post-processor with tokens on both sides: those before the text are the prefix. */
static void prefix_comes_from_the_post_processor(void **state) {
    char path[128];
    anm_tokenizer *tokenizer;
    anm_eval_text *text;
    anm_error err;
    json_t *file = json_load_file(ANM_TEST_SOURCE_ROOT "/models/demo/tokenizer.json", 0, NULL);
    json_t *template =
        json_loads("{\"type\": \"TemplateProcessing\", \"single\": ["
                   "{\"SpecialToken\": {\"id\": \"<|im_start|>\", \"type_id\": 0}},"
                   "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},"
                   "{\"SpecialToken\": {\"id\": \"<|im_end|>\", \"type_id\": 0}}], \"pair\": [],"
                   "\"special_tokens\": {"
                   "\"<|im_start|>\": {\"id\": \"x\", \"ids\": [2046, 2045], "
                   "\"tokens\": [\"a\", \"b\"]},"
                   "\"<|im_end|>\": {\"id\": \"y\", \"ids\": [2047], \"tokens\": [\"c\"]}}}",
                   0, NULL);
    assert_non_null(file);
    assert_non_null(template);
    json_object_set_new(file, "post_processor", template);
    snprintf(path, sizeof path, "%s/tokenizer.json", root);
    assert_int_equal(json_dump_file(file, path, 0), 0);
    json_decref(file);
    assert_ok(anm_tokenizer_open(path, &tokenizer, &err), &err);
    assert_ok(anm_eval_text_read(tokenizer, write_text("A cat."), 0, &text, &err), &err);
    assert_int_equal(text->prefix_count, 2);
    assert_int_equal(text->prefix[0], 2046);
    assert_int_equal(text->prefix[1], 2045);
    for (size_t i = 0; i < text->tokens; i++) assert_true(text->documents.data[0].tokens[i] < 2045);
    anm_eval_text_free(text);
    anm_tokenizer_close(tokenizer);
}

static void bits_per_byte_counts_the_text(void **state) {
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_text *text = read_text(llm, write_text("A cat sat.<|endoftext|>\n"), 1);
    anm_eval_result result;
    anm_error err;
    int32_t first = text->documents.data[0].tokens[0];
    size_t skipped = strlen(anm_tokenizer_token_text(anm_llm_tokenizer(llm), first));
    assert_ok(anm_eval_perplexity(llm, text, NULL, &result, &err), &err);
    assert_int_equal(result.bytes, strlen("A cat sat.") - skipped);
    double bits = result.score.nll * (double)result.tokens / log(2) / (double)result.bytes;
    assert_true(fabs(result.score.bits_per_byte - bits) < 1e-12);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

static void model_against_itself(void **state) {
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP16);
    anm_eval_text *text = read_text(llm, stories, 0);
    anm_eval_options options;
    anm_eval_comparison c;
    anm_error err;
    anm_eval_options_init(&options);
    options.max_tokens = 100;
    assert_ok(anm_eval_compare(llm, llm, text, &options, &c, &err), &err);
    assert_true(c.kl == 0 && c.kl_max == 0 && c.kl_p99 == 0 && c.top1_agreement == 1);
    assert_true(c.perplexity_difference == 0 && c.perplexity_difference_standard_error == 0);
    assert_true(c.nll_difference == 0 && c.nll_difference_standard_error == 0);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

/* Every figure of a comparison again, from its tokens. */
static void half_against_single_precision(void **state) {
    static record r;
    anm_llm *half = open_llm(narrow, ANM_PRECISION_FP16);
    anm_llm *single = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_text *text = read_text(half, stories, 0);
    anm_eval_options options = recording(&r);
    anm_eval_comparison c;
    anm_error err;
    options.max_tokens = 300;
    assert_ok(anm_eval_compare(single, half, text, &options, &c, &err), &err);
    double n = (double)r.count, a = 0, b = 0, kl = 0, largest = 0, squares = 0, delta = 0;
    for (size_t i = 0; i < r.count; i++) {
        a += r.tokens[i].nll[0] / n;
        b += r.tokens[i].nll[1] / n;
        kl += r.tokens[i].kl / n;
        largest = fmax(largest, r.tokens[i].kl);
    }
    for (size_t i = 0; i < r.count; i++) {
        double x = r.tokens[i].nll[0] - a, y = r.tokens[i].nll[1] - b;
        squares += (y - x) * (y - x);
        delta += (exp(b) * y - exp(a) * x) * (exp(b) * y - exp(a) * x);
    }
    assert_true(c.kl > 0 && c.kl < 1e-4 && fabs(c.kl - kl) < 1e-9);
    assert_true(c.kl_max == largest && c.kl_p99 <= largest && c.kl_p99 > c.kl);
    assert_true(c.top1_agreement > 0.98 && c.top1_agreement <= 1);
    assert_true(fabs(c.reference.score.nll - a) < 1e-9 && fabs(c.other.score.nll - b) < 1e-9);
    assert_true(fabs(c.nll_difference - (b - a)) < 1e-9 && c.nll_difference != 0);
    double error = sqrt(squares / n / (n - 1)), perplexity_error = sqrt(delta / n / (n - 1));
    assert_true(fabs(c.nll_difference_standard_error - error) < 1e-6 * error);
    assert_true(fabs(c.perplexity_difference_standard_error - perplexity_error) <
                1e-6 * perplexity_error);
    anm_eval_text_free(text);
    anm_llm_close(half);
    anm_llm_close(single);
}

static void statistics(void **state) {
    const float big[] = {1e30f, 1e30f}, masked[] = {0, -INFINITY, 0}, none[] = {-INFINITY};
    const float broken[] = {1, NAN, 2}, infinite[] = {1, INFINITY};
    const float p[] = {0, (float)log(3)}, q[] = {0, 0};
    double values[200];
    anm_eval_moments m = {0};
    assert_true(fabs(anm_eval_log_sum_exp(p, 2) - log(4)) < 1e-6);
    assert_true(fabs(anm_eval_log_sum_exp(masked, 3) - log(2)) < 1e-12);
    assert_true(anm_eval_log_sum_exp(big, 2) > 9e29);
    assert_true(isnan(anm_eval_log_sum_exp(none, 1)) && isnan(anm_eval_log_sum_exp(broken, 3)));
    assert_true(isnan(anm_eval_log_sum_exp(infinite, 2)));
    double kl = 0.25 * log(0.5) + 0.75 * log(1.5);
    assert_true(fabs(anm_eval_kl(p, log(4), q, log(2), 2) - kl) < 1e-6);
    assert_true(anm_eval_kl(masked, log(2), masked, log(2), 3) == 0);
    assert_int_equal(anm_eval_argmax(q, 2), 0);
    assert_int_equal(anm_eval_argmax(p, 2), 1);
    for (int i = 0; i < 200; i++) values[i] = (i * 7) % 200 + 1; /* 1 .. 200 in some order */
    assert_true(anm_eval_percentile(values, 200, 0.99) == 198);
    assert_true(anm_eval_percentile(values, 1, 0.99) == 1);
    anm_eval_moments_add(&m, 1);
    assert_true(isnan(anm_eval_standard_error(&m)));
    anm_eval_moments_add(&m, 3);
    anm_eval_moments_add(&m, 8);
    assert_true(fabs(m.mean - 4) < 1e-12 && fabs(m.squares - 26) < 1e-12);
    assert_true(fabs(anm_eval_standard_error(&m) - sqrt(26.0 / 6)) < 1e-12);
}

static anm_status status_with(const anm_llm *llm, const anm_eval_text *text, size_t context,
                              size_t stride, anm_error *err) {
    anm_eval_options options;
    anm_eval_result result;
    anm_eval_options_init(&options);
    options.context = context;
    options.stride = stride;
    options.max_tokens = 3;
    return anm_eval_perplexity(llm, text, &options, &result, err);
}

static anm_status status_of_text(const anm_llm *llm, const char *content, int documents) {
    anm_error err;
    anm_eval_text *text;
    anm_status status =
        anm_eval_text_read(anm_llm_tokenizer(llm), write_text(content), documents, &text, &err);
    assert_true((status == ANM_OK) == (text != NULL));
    if (status != ANM_OK) assert_string_equal(err.where, write_text(content));
    anm_eval_text_free(text);
    return status;
}

static void wrong_texts_and_options(void **state) {
    static const int32_t ids[] = {70, 71, 72, 73, 74};
    static const int32_t outside[] = {70, 2048}, negative[] = {70, -1};
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP16);
    anm_eval_text *text;
    anm_error err;
    assert_int_equal(status_of_text(llm, "", 0), ANM_ERROR_ARGUMENT);
    assert_int_equal(status_of_text(llm, "A", 0), ANM_ERROR_ARGUMENT);
    assert_int_equal(status_of_text(llm, "", 1), ANM_ERROR_ARGUMENT);
    assert_int_equal(status_of_text(llm, "<|endoftext|>\n<|endoftext|>\n", 1), ANM_ERROR_ARGUMENT);
    assert_int_equal(status_of_text(llm, "<|endoftext|><|endoftext|>", 0), ANM_OK);
    assert_int_equal(anm_eval_text_read(anm_llm_tokenizer(llm), "/nowhere/x", 0, &text, &err),
                     ANM_ERROR_NOT_FOUND);
    assert_null(text);
    text = text_of(ids, 5);
    assert_int_equal(status_with(llm, text, 0, 0, &err), ANM_OK);
    assert_int_equal(status_with(llm, text, 2, 1, &err), ANM_OK);
    assert_int_equal(status_with(llm, text, NARROW, NARROW - 1, &err), ANM_OK);
    assert_int_equal(status_with(llm, text, NARROW, NARROW, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "stride");
    assert_int_equal(status_with(llm, text, NARROW + 1, 0, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "context");
    assert_int_equal(status_with(llm, text, 1, 0, &err), ANM_ERROR_ARGUMENT);
    anm_eval_text_free(text);
    text = text_of(ids, 1);
    assert_int_equal(status_with(llm, text, 0, 0, &err), ANM_ERROR_ARGUMENT);
    anm_eval_text_free(text);
    text = text_of(outside, 2);
    assert_int_equal(status_with(llm, text, 0, 0, &err), ANM_ERROR_ARGUMENT);
    anm_eval_text_free(text);
    text = text_of(negative, 2);
    assert_int_equal(status_with(llm, text, 0, 0, &err), ANM_ERROR_ARGUMENT);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

/* One token is written in another way in the other model's tokenizer. */
static void vocabularies_must_match(void **state) {
    static const int32_t ids[] = {70, 71};
    char other[96], path[128], *data, *mark;
    size_t size;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    anm_eval_comparison result;
    snprintf(other, sizeof other, "%s/other", root);
    assert_int_equal(convert(other, NARROW), ANM_OK);
    snprintf(path, sizeof path, "%s/tokenizer.json", other);
    assert_ok(anm_file_read(arena, path, 1 << 20, &data, &size, &err), &err);
    assert_non_null(mark = strstr(data, "im_start"));
    memcpy(mark, "im_stars", 8);
    assert_ok(anm_file_write(path, data, size, &err), &err);
    anm_llm *x = open_llm(narrow, ANM_PRECISION_FP16), *y = open_llm(other, ANM_PRECISION_FP16);
    anm_eval_text *text = text_of(ids, 2);
    assert_int_equal(anm_eval_compare(x, y, text, NULL, &result, &err), ANM_ERROR_MISMATCH);
    assert_non_null(strstr(err.message, "token 2046"));
    anm_eval_text_free(text);
    anm_llm_close(x);
    anm_llm_close(y);
    anm_arena_destroy(arena);
}

static int count_and_stop(void *context, const anm_eval_progress *p) {
    uint64_t *calls = context;
    assert_int_equal(p->scored, ++*calls);
    assert_int_equal(p->to_score, 40);
    assert_true(p->evaluated <= p->to_evaluate && p->seconds_left >= 0 && p->nll > 0);
    return *calls == 7;
}

static void progress_can_cancel(void **state) {
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP16);
    anm_eval_text *text = read_text(llm, stories, 0);
    anm_eval_options options;
    anm_eval_result result;
    anm_error err;
    uint64_t calls = 0;
    anm_eval_options_init(&options);
    options.max_tokens = 40;
    options.progress = count_and_stop;
    options.callback_context = &calls;
    assert_int_equal(anm_eval_perplexity(llm, text, &options, &result, &err), ANM_ERROR_CANCELLED);
    assert_int_equal(calls, 7);
    anm_eval_text_free(text);
    anm_llm_close(llm);
}

typedef struct answers {
    anm_eval_item items[8];
    double sums[8][4];
    char groups[8][16];
    size_t count;
} answers;

static void keep_item(void *context, const anm_eval_item *item) {
    answers *a = context;
    assert_true(a->count < 8 && item->choice_count <= 4);
    memcpy(a->sums[a->count], item->log_likelihoods, item->choice_count * sizeof(double));
    snprintf(a->groups[a->count], sizeof a->groups[0], "%s", item->group);
    a->items[a->count++] = *item;
}

#define ASK(question) "<|im_start|>user\\n" question "<|im_end|>\\n<|im_start|>assistant\\n"

/* The tokens of a text one by one, the last `scored` of them scored. */
static double by_hand(const anm_llm *llm, const char *text, size_t scored) {
    anm_token_list ids = {0};
    anm_session *s;
    anm_error err;
    double sum = 0;
    assert_ok(anm_eval_encode(anm_llm_tokenizer(llm), text, strlen(text), false, &ids, &err), &err);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (size_t i = 0; i < ids.len; i++) {
        if (i >= ids.len - scored)
            sum -= plain_nll(anm_session_logits(s), anm_llm_vocab_size(llm), ids.ids[i]);
        assert_ok(anm_session_append(s, ids.ids[i], &err), &err);
    }
    anm_session_destroy(s);
    anm_token_list_free(&ids);
    return sum;
}

static size_t token_count(const anm_llm *llm, const char *text) {
    anm_token_list ids = {0};
    anm_error err;
    assert_ok(anm_eval_encode(anm_llm_tokenizer(llm), text, strlen(text), false, &ids, &err), &err);
    size_t count = ids.len;
    anm_token_list_free(&ids);
    return count;
}

/* What the demo model knows, asked as it was taught; the second "answer" is wrong. */
static void multiple_choice(void **state) {
    static const char lines[] = "{\"context\": \"" ASK(
        "What is the opposite of hot?") "The opposite of hot is\","
                                        " \"choices\": [\"tall.\", \"cold.\", \"happy.\"], "
                                        "\"answer\": 1, \"group\": \"words\"}\n"
                                        "\n"
                                        "{\"context\": \"" ASK(
                                            "What colour is the sky?") "The sky is\","
                                                                       " \"choices\": "
                                                                       "[\"blue.\", "
                                                                       "\"green.\"], "
                                                                       "\"answer\": 1, "
                                                                       "\"group\": "
                                                                       "\"words\"}\r\n"
                                                                       "{\"context\": "
                                                                       "\"" ASK("What is 7 plus "
                                                                                "5?") "7 plus 5 "
                                                                                      "is 1\", "
                                                                                      "\"delimit"
                                                                                      "er\": "
                                                                                      "\"\","
                                                                                      " \"choice"
                                                                                      "s\": "
                                                                                      "[\"1.\", "
                                                                                      "\"2.\", "
                                                                                      "\"3.\", "
                                                                                      "\"4.\"], "
                                                                                      "\"answer"
                                                                                      "\": 1}";
    answers a = {.count = 0};
    anm_llm *llm = open_llm(demo, ANM_PRECISION_FP32);
    anm_eval_tasks_options options;
    anm_eval_tasks_result result;
    anm_error err;
    anm_eval_tasks_options_init(&options);
    options.on_item = keep_item;
    options.callback_context = &a;
    assert_ok(anm_eval_tasks(llm, write_text(lines), &options, &result, &err), &err);
    assert_int_equal(result.items, 3);
    assert_int_equal(result.correct, 2);
    assert_int_equal(result.truncated, 0);
    assert_true(fabs(result.accuracy.value - 2.0 / 3) < 1e-12);
    assert_int_equal(a.items[0].picked, 1);
    assert_int_equal(a.items[1].picked, 0);
    assert_int_equal(a.items[2].picked, 1);
    assert_int_equal(a.items[1].line, 3);
    assert_string_equal(a.groups[0], "words");
    assert_string_equal(a.groups[2], "");
    double cold = by_hand(llm,
                          "<|im_start|>user\nWhat is the opposite of hot?<|im_end|>\n"
                          "<|im_start|>assistant\nThe opposite of hot is cold.",
                          2);
    double four = by_hand(llm,
                          "<|im_start|>user\nWhat is 7 plus 5?<|im_end|>\n"
                          "<|im_start|>assistant\n7 plus 5 is 14.",
                          2);
    assert_true(fabs(a.sums[0][1] - cold) < 2e-3);
    assert_true(fabs(a.sums[2][3] - four) < 2e-3);
    anm_llm_close(llm);
}

/* The length of a choice counts in the normalised pick only; spaces go with the choice. */
static void normalised_choice(void **state) {
    static const char lines[] =
        "{\"context\": \"One day, Lily went to the\", \"choices\": [\"forest to see the big tree\","
        " \"xq\"], \"answer\": 0}\n"
        "{\"context\": \"One day, Lily went to the  \", \"delimiter\": \"\","
        " \"choices\": [\"a\", \"b\"], \"answer\": 0}\n";
    answers a = {.count = 0};
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_tasks_options options;
    anm_eval_tasks_result result;
    anm_error err;
    anm_eval_tasks_options_init(&options);
    options.on_item = keep_item;
    options.callback_context = &a;
    assert_ok(anm_eval_tasks(llm, write_text(lines), &options, &result, &err), &err);
    double longer = a.sums[0][0], shorter = a.sums[0][1];
    assert_int_equal(a.items[0].picked, shorter > longer);
    assert_int_equal(a.items[0].picked_normalised, shorter / 2 > longer / 26);
    assert_true(a.items[0].picked != a.items[0].picked_normalised);
    assert_int_equal(result.correct_normalised, 1 + (a.items[1].picked_normalised == 0));
    const char before[] = "One day, Lily went to the", whole[] = "One day, Lily went to the  a";
    size_t scored = token_count(llm, whole) - token_count(llm, before);
    assert_true(scored > 1);
    assert_true(fabs(a.sums[1][0] - by_hand(llm, whole, scored)) < 2e-3);
    anm_llm_close(llm);
}

/* A long context loses its start: the answer is that of its end. */
static void long_contexts_lose_their_start(void **state) {
    char line[4096] = "{\"context\": \"";
    answers a = {.count = 0};
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_tasks_options options;
    anm_eval_tasks_result result;
    anm_error err;
    for (int i = 0; i < 30 + NARROW; i++) strcat(line, i < 30 ? "9" : "1");
    strcat(line, "\", \"choices\": [\"2\", \"3\"], \"delimiter\": \"\", \"answer\": 0}");
    anm_eval_tasks_options_init(&options);
    options.on_item = keep_item;
    options.callback_context = &a;
    assert_ok(anm_eval_tasks(llm, write_text(line), &options, &result, &err), &err);
    assert_int_equal(result.truncated, 1);
    char end[NARROW + 2] = "";
    memset(end, '1', NARROW); /* single digits are single tokens */
    end[NARROW] = '3';
    anm_llm *wide = open_llm(demo, ANM_PRECISION_FP32);
    assert_true(fabs(a.sums[0][1] - by_hand(wide, end, 1)) < 2e-3);
    anm_llm_close(wide);
    anm_llm_close(llm);
}

static void wrong_questions(void **state) {
    static const struct {
        const char *text, *message;
        anm_status status;
    } cases[] = {
        {"", "no questions", ANM_ERROR_ARGUMENT},
        {"\n \n", "no questions", ANM_ERROR_ARGUMENT},
        {"\n{", "", ANM_ERROR_FORMAT},
        {"[1]", "not a JSON object", ANM_ERROR_FORMAT},
        {"{\"choices\": [\"a\", \"b\"], \"answer\": 0}", "context", ANM_ERROR_FORMAT},
        {"{\"context\": 3}", "context", ANM_ERROR_FORMAT},
        {"{\"context\": \"a\"}", "choices", ANM_ERROR_FORMAT},
        {"{\"context\": \"a\", \"choices\": [\"a\"], \"answer\": 0}", "choices", ANM_ERROR_FORMAT},
        {"{\"context\": \"a\", \"choices\": [\"a\", 1], \"answer\": 0}", "choice 1",
         ANM_ERROR_FORMAT},
        {"{\"context\": \"a\", \"choices\": [\"a\", \"b\"], \"answer\": 2}", "from 0 to 1",
         ANM_ERROR_FORMAT},
        {"{\"context\": \"a\", \"choices\": [\"a\", \"b\"], \"answer\": \"A\"}", "answer",
         ANM_ERROR_FORMAT},
        {"{\"context\": \" \", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "context is empty",
         ANM_ERROR_FORMAT},
        {"{\"context\": \"a\", \"choices\": "
         "[\"11111111111111111111111111111111111111111111111111111"
         "11111111111111111111\", \"b\"], \"answer\": 0}",
         "choice 0 has", ANM_ERROR_LIMIT},
    };
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP16);
    anm_eval_tasks_result result;
    anm_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(anm_eval_tasks(llm, write_text(cases[i].text), NULL, &result, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].message)) fail_msg("%zu: %s", i, err.message);
        if (cases[i].status == ANM_ERROR_FORMAT)
            assert_non_null(strstr(err.where, i == 2 ? "text.txt:2" : "text.txt:1"));
    }
    assert_int_equal(anm_eval_tasks(llm, "/nowhere/x", NULL, &result, &err), ANM_ERROR_NOT_FOUND);
    anm_llm_close(llm);
}

static void proportions(void **state) {
    anm_eval_share s = anm_eval_proportion(8, 10);
    assert_true(fabs(s.standard_error - sqrt(0.16 / 9)) < 1e-12);
    assert_true(fabs(s.low - 0.4902) < 5e-4 && fabs(s.high - 0.9433) < 5e-4); /* from tables */
    s = anm_eval_proportion(0, 5);
    assert_true(s.low == 0 && s.high > 0.4 && s.standard_error == 0);
    assert_true(isnan(anm_eval_proportion(0, 0).value));
}

static anm_eval_model *open_model(const char *dir) {
    anm_eval_model *model;
    anm_error err;
    assert_ok(anm_eval_model_open(dir, NULL, &model, &err), &err);
    return model;
}

/*
 * A checkpoint's own forward pass in the place of packages: the perplexity of the packages in fp32,
 * and the same distance to the fp16 ones, over windows that overlap. Reversed, KL is another figure
 * but as small.
 */
static void checkpoints_are_measured_too(void **state) {
    anm_error err;
    anm_eval_comparison c, reversed;
    anm_eval_result alone, fp32;
    anm_eval_options options;
    anm_eval_model *checkpoint = open_model(ANM_TEST_SOURCE_ROOT "/models/demo");
    anm_eval_model *packages = open_model(narrow);
    anm_llm *llm = open_llm(narrow, ANM_PRECISION_FP32);
    anm_eval_text *text = read_text(llm, stories, 1);
    anm_eval_options_init(&options);
    options.max_tokens = 300;
    options.context = NARROW;
    options.stride = 24;
    assert_ok(anm_eval_perplexity(llm, text, &options, &fp32, &err), &err);
    assert_ok(anm_eval_model_perplexity(checkpoint, text, &options, &alone, &err), &err);
    assert_ok(anm_eval_model_compare(checkpoint, packages, text, &options, &c, &err), &err);
    assert_ok(anm_eval_model_compare(packages, checkpoint, text, &options, &reversed, &err), &err);
    assert_int_equal(alone.tokens, 300);
    assert_int_equal(alone.evaluated, fp32.evaluated);
    assert_true(fabs(alone.score.nll - fp32.score.nll) < 1e-4);
    assert_true(c.reference.score.nll == alone.score.nll);
    assert_true(reversed.other.score.nll == alone.score.nll);
    assert_true(c.kl > 0 && c.kl < 1e-5 && reversed.kl > 0 && reversed.kl < 1e-5);
    assert_true(c.top1_agreement > 0.98);
    assert_null(anm_eval_model_llm(checkpoint));
    assert_string_equal(anm_eval_model_name(checkpoint), "demo");
    assert_int_equal(anm_eval_model_compare(checkpoint, checkpoint, text, &options, &c, &err),
                     ANM_ERROR_ARGUMENT);
    anm_eval_text_free(text);
    anm_llm_close(llm);
    anm_eval_model_close(packages);
    anm_eval_model_close(checkpoint);
}

static void models_that_are_none(void **state) {
    anm_error err;
    anm_eval_model *model;
    char empty[128];
    snprintf(empty, sizeof empty, "%s/empty", root);
    assert_ok(anm_dir_create(empty, &err), &err);
    assert_int_equal(anm_eval_model_open(empty, NULL, &model, &err), ANM_ERROR_NOT_FOUND);
    assert_null(model);
    assert_int_equal(anm_eval_model_open("absent", NULL, &model, &err), ANM_ERROR_NOT_FOUND);
    anm_eval_model_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_an_independent_computation),
        cmocka_unit_test(windows_cover_every_token_once),
        cmocka_unit_test(strided_windows_of_a_narrow_model),
        cmocka_unit_test(narrow_and_wide_models_agree_on_the_same_windows),
        cmocka_unit_test(documents_stand_alone),
        cmocka_unit_test(prefix_goes_before_every_window),
        cmocka_unit_test(prefix_comes_from_the_post_processor),
        cmocka_unit_test(bits_per_byte_counts_the_text),
        cmocka_unit_test(model_against_itself),
        cmocka_unit_test(half_against_single_precision),
        cmocka_unit_test(statistics),
        cmocka_unit_test(wrong_texts_and_options),
        cmocka_unit_test(vocabularies_must_match),
        cmocka_unit_test(progress_can_cancel),
        cmocka_unit_test(multiple_choice),
        cmocka_unit_test(normalised_choice),
        cmocka_unit_test(long_contexts_lose_their_start),
        cmocka_unit_test(wrong_questions),
        cmocka_unit_test(proportions),
        cmocka_unit_test(checkpoints_are_measured_too),
        cmocka_unit_test(models_that_are_none),
    };
    return cmocka_run_group_tests_name("eval", tests, make_models, remove_root);
}

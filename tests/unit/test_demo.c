/* SPDX-License-Identifier: MIT */
/*
 * The whole way with trained models: checkpoint, packages, tokenizer, template, generation,
 * against references that were computed in float64 from the checkpoint by other code.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "anemone/anemone.h"
#include "src/base/file.h"
#include "tests/unit/open_model.h"

static const char demo_source[] = ANM_TEST_SOURCE_ROOT "/models/demo";
static char root[64], demo[96];

static int convert_demo(void **state) {
    anm_error err;
    char text[900];
    strcpy(root, "anm-demo-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(demo, sizeof demo, "%s/demo", root);
    if (anm_convert(demo_source, demo, NULL, NULL, &err) == ANM_OK) return 0;
    anm_error_format(&err, text, sizeof text);
    printf("converting the demo model: %s\n", text);
    return -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static json_t *load_json(const char *path) {
    json_error_t problem;
    json_t *root_value = json_load_file(path, 0, &problem);
    if (!root_value) fail_msg("%s: %s", path, problem.text);
    return root_value;
}

static void vectors_of_the_tokenizer(void **state) {
    json_t *file = load_json(ANM_TEST_DATA "/demo-tokenizer-vectors.json");
    const json_t *vectors = json_object_get(file, "vectors");
    anm_tokenizer *tokenizer;
    anm_token_list ids = {0};
    anm_encode_options options;
    anm_error err;
    assert_ok(anm_tokenizer_open(demo, &tokenizer, &err), &err);
    anm_encode_options_init(&options);
    options.add_special_tokens = false;
    options.parse_special = true;
    assert_true(json_array_size(vectors) >= 30);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *v = json_array_get(vectors, i), *expected = json_object_get(v, "ids");
        const char *text = json_string_value(json_object_get(v, "text"));
        char *decoded;
        size_t length;
        int32_t wanted[256];
        size_t count = json_array_size(expected);
        assert_in_range(count, 0, 256);
        for (size_t k = 0; k < count; k++)
            wanted[k] = (int32_t)json_integer_value(json_array_get(expected, k));
        if (text) { /* some vectors are ids that no text gives */
            assert_ok(anm_tokenizer_encode(tokenizer, text, strlen(text), &options, &ids, &err),
                      &err);
            assert_int_equal(ids.len, count);
            for (size_t k = 0; k < count; k++) assert_int_equal(ids.ids[k], wanted[k]);
        }
        assert_ok(anm_tokenizer_decode(tokenizer, wanted, count, false, &decoded, &length, &err),
                  &err);
        assert_string_equal(decoded, json_string_value(json_object_get(v, "decoded")));
        anm_tokenizer_text_free(decoded);
    }
    anm_token_list_free(&ids);
    anm_tokenizer_close(tokenizer);
    json_decref(file);
}

typedef struct answer {
    char text[4096];
    int32_t ids[512];
    size_t length, count;
} answer;

static int keep(void *context, const anm_token_event *event) {
    answer *a = context;
    assert_true(a->length + event->length < sizeof a->text);
    memcpy(a->text + a->length, event->text, event->length);
    a->length += event->length;
    a->text[a->length] = '\0';
    if (event->token >= 0) a->ids[a->count++] = event->token;
    return 0;
}

static void check_prompt(const anm_llm *llm, const json_t *c, anm_token_list *ids) {
    anm_chat_message messages[16];
    anm_chat_options options;
    anm_encode_options encode;
    anm_error err;
    char *text;
    size_t length, count = json_array_size(json_object_get(c, "messages"));
    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++) {
        const json_t *m = json_array_get(json_object_get(c, "messages"), i);
        messages[i] = (anm_chat_message){
            .role = json_string_value(json_object_get(m, "role")),
            .content = json_string_value(json_object_get(m, "content")),
        };
    }
    anm_chat_options_init(&options);
    options.add_generation_prompt = 1;
    assert_ok(anm_chat_template_render(anm_llm_chat_template(llm), messages, count, &options, &text,
                                       &length, &err),
              &err);
    assert_string_equal(text, json_string_value(json_object_get(c, "prompt")));
    anm_encode_options_init(&encode);
    encode.add_special_tokens = false;
    encode.parse_special = true;
    assert_ok(anm_tokenizer_encode(anm_llm_tokenizer(llm), text, length, &encode, ids, &err), &err);
    anm_chat_text_free(text);
    const json_t *expected = json_object_get(c, "prompt_ids");
    assert_int_equal(ids->len, json_array_size(expected));
    for (size_t k = 0; k < ids->len; k++)
        assert_int_equal(ids->ids[k], json_integer_value(json_array_get(expected, k)));
}

/* Template, ids, greedy answer and its end, as the reference has them. */
static void answers_of_the_demo_model(void **state) {
    json_t *file = load_json(ANM_TEST_DATA "/demo-greedy.json");
    const json_t *cases = json_object_get(file, "cases");
    json_int_t limit = json_integer_value(json_object_get(file, "limit"));
    anm_llm *llm = open_llm(demo, ANM_PRECISION_FP32);
    anm_session *session;
    anm_token_list prompt = {0};
    anm_error err;
    size_t checked = 0;
    assert_ok(anm_session_create(llm, &session, &err), &err);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i), *expected = json_object_get(c, "ids");
        check_prompt(llm, c, &prompt);
        /* Where the reference's two best are this close, rounding may choose. */
        if (json_number_value(json_object_get(c, "smallest_margin")) < 0.02) continue;
        answer a = {.length = 0};
        anm_generate_options options;
        anm_generate_result result;
        anm_generate_options_init(&options);
        options.max_tokens = limit;
        options.on_token = keep;
        options.context = &a;
        assert_ok(anm_generate(session, prompt.ids, prompt.len, &options, &result, &err), &err);
        assert_int_equal(a.count, json_array_size(expected));
        for (size_t k = 0; k < a.count; k++)
            assert_int_equal(a.ids[k], json_integer_value(json_array_get(expected, k)));
        assert_string_equal(a.text, json_string_value(json_object_get(c, "text")));
        bool ended = json_is_true(json_object_get(c, "ended"));
        assert_int_equal(result.stop_reason, ended ? ANM_STOP_TOKEN : ANM_STOP_LENGTH);
        checked++;
    }
    printf("%zu of %zu answers compared\n", checked, json_array_size(cases));
    assert_true(checked * 2 > json_array_size(cases));
    anm_token_list_free(&prompt);
    anm_session_destroy(session);
    anm_llm_close(llm);
    json_decref(file);
}

typedef struct deviations {
    double worst, rms;
} deviations;

/* Both as shares of the standard deviation of all reference logits. */
static deviations compare_logits(const char *dir, const char *reference_path,
                                 anm_precision precision) {
    anm_safetensors *reference;
    anm_session *s;
    anm_error err;
    double sum = 0, squares = 0, worst = 0, error = 0;
    assert_ok(anm_safetensors_open(reference_path, &reference, &err), &err);
    const int32_t *ids = anm_safetensors_find(reference, "input_ids")->data;
    const anm_tensor *logits = anm_safetensors_find(reference, "logits");
    const float *expected = logits->data;
    size_t rows = (size_t)logits->shape[0], vocab = (size_t)logits->shape[1];
    anm_llm *llm = open_llm(dir, precision);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (size_t r = 0; r < rows; r++) {
        assert_ok(anm_session_append(s, ids[r], &err), &err);
        const float *x = anm_session_logits(s);
        for (size_t i = 0; i < vocab; i++) {
            double e = expected[r * vocab + i], d = fabs(x[i] - e);
            sum += e;
            squares += e * e;
            error += d * d;
            worst = fmax(worst, d);
        }
    }
    double n = (double)(rows * vocab), std = sqrt(squares / n - sum / n * (sum / n));
    anm_session_destroy(s);
    anm_llm_close(llm);
    anm_safetensors_close(reference);
    return (deviations){worst / std, sqrt(error / n) / std};
}

static void logits_of_the_demo_model(void **state) {
    static const char reference[] = ANM_TEST_DATA "/demo-logits.safetensors";
    deviations half = compare_logits(demo, reference, ANM_PRECISION_FP16);
    deviations single = compare_logits(demo, reference, ANM_PRECISION_FP32);
    printf("fp16: worst %.3f %%, rms %.3f %% of std; fp32: worst %.3f %%\n", 100 * half.worst,
           100 * half.rms, 100 * single.worst);
    assert_true(half.worst < 0.02 && half.rms < 0.004);
    assert_true(single.worst < 0.006);
}

/* A prompt in one batch gives the logits of its last token, whatever the padding. */
static void prefill_gives_the_last_token(void **state) {
    anm_safetensors *reference;
    anm_session *s;
    anm_error err;
    assert_ok(anm_safetensors_open(ANM_TEST_DATA "/demo-logits.safetensors", &reference, &err),
              &err);
    const int32_t *ids = anm_safetensors_find(reference, "input_ids")->data;
    const anm_tensor *logits = anm_safetensors_find(reference, "logits");
    size_t vocab = (size_t)logits->shape[1];
    anm_llm *llm = open_llm(demo, ANM_PRECISION_FP32);
    for (size_t n = 33; n <= (size_t)logits->shape[0]; n += 5) {
        const float *expected = (const float *)logits->data + (n - 1) * vocab;
        assert_ok(anm_session_create(llm, &s, &err), &err);
        assert_ok(anm_session_sync(s, ids, n, &err), &err);
        for (size_t i = 0; i < vocab; i++) /* one by one: fmax would let a NaN pass */
            assert_true(fabs(anm_session_logits(s)[i] - expected[i]) < 0.02);
        /* And the cache it left is right: the next token sees it. */
        if (n < (size_t)logits->shape[0]) {
            assert_ok(anm_session_append(s, ids[n], &err), &err);
            for (size_t i = 0; i < vocab; i++)
                assert_true(fabs(anm_session_logits(s)[i] - expected[vocab + i]) < 0.02);
        }
        anm_session_destroy(s);
    }
    anm_llm_close(llm);
    anm_safetensors_close(reference);
}

static void follow_greedy_reference(const char *dir, const json_t *reference,
                                    anm_precision precision) {
    const json_t *ids = json_object_get(reference, "greedy_ids");
    size_t start = json_array_size(json_object_get(reference, "prompt_ids"));
    size_t count = json_array_size(ids);
    int32_t prompt[64];
    anm_error err;
    anm_session *s;
    answer a = {.length = 0};
    anm_generate_options options;
    anm_llm *llm = open_llm(dir, precision);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (size_t i = 0; i < start; i++)
        prompt[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    anm_generate_options_init(&options);
    options.max_tokens = (int64_t)(count - start);
    options.on_token = keep;
    options.context = &a;
    assert_ok(anm_generate(s, prompt, start, &options, NULL, &err), &err);
    assert_int_equal(a.count, count - start);
    for (size_t i = 0; i < a.count; i++)
        assert_int_equal(a.ids[i], json_integer_value(json_array_get(ids, start + i)));
    anm_session_destroy(s);
    anm_llm_close(llm);
}

static void stories260k_continues_as_its_reference(void **state) {
    char source[1024], out[96];
    anm_error err;
    json_t *reference = load_json(fixture_path("models/stories260K-hf/greedy_reference.json"));
    snprintf(source, sizeof source, "%s", fixture_path("models/stories260K-hf/config.json"));
    *strrchr(source, '/') = '\0';
    snprintf(out, sizeof out, "%s/stories", root);
    assert_ok(anm_convert(source, out, NULL, NULL, &err), &err);
    follow_greedy_reference(out, reference, ANM_PRECISION_FP16);
    follow_greedy_reference(out, reference, ANM_PRECISION_FP32);
    json_decref(reference);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_tokenizer),
        cmocka_unit_test(answers_of_the_demo_model),
        cmocka_unit_test(logits_of_the_demo_model),
        cmocka_unit_test(prefill_gives_the_last_token),
        cmocka_unit_test(stories260k_continues_as_its_reference),
    };
    return cmocka_run_group_tests_name("demo", tests, convert_demo, remove_root);
}

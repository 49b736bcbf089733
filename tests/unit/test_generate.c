/* SPDX-License-Identifier: MIT */
/* Generation with the demo model: stop strings, logprobs, constraints, penalties, single steps. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/anemone.h"
#include "src/base/file.h"

static char root[64], demo[96];
static anm_llm *llm;
static anm_token_list prompt;

static int open_demo(void **state) {
    static const char text[] = "Once upon a time there was";
    anm_error err;
    anm_llm_options single;
    anm_llm_options_init(&single);
    single.threads = 1;
    strcpy(root, "anm-generate-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(demo, sizeof demo, "%s/demo", root);
    if (anm_convert(ANM_TEST_SOURCE_ROOT "/models/demo", demo, NULL, NULL, &err) != ANM_OK)
        return -1;
    if (anm_llm_open(demo, &single, &llm, &err) != ANM_OK) return -1;
    const anm_tokenizer *t = anm_llm_tokenizer(llm);
    return anm_tokenizer_encode(t, text, strlen(text), NULL, &prompt, &err) == ANM_OK ? 0 : -1;
}

static int close_demo(void **state) {
    anm_token_list_free(&prompt);
    anm_llm_close(llm);
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

typedef struct answer {
    char text[4096];
    int32_t ids[512];
    float logprobs[512];
    size_t length, count;
    size_t ends[512]; /* of the text, after each token */
    size_t top_wrong; /* tokens whose list of the likeliest is not as it should be */
    anm_generate_result result;
} answer;

/* Greedy decoding: the chosen token is the first of the likeliest. */
static bool top_is_right(const anm_token_event *e) {
    double sum = 0;
    for (size_t i = 0; i < e->top_count; i++) {
        sum += exp(e->top[i].logprob);
        if (i && e->top[i].logprob > e->top[i - 1].logprob) return false;
    }
    return !e->top_count || (e->top[0].token == e->token && e->top[0].logprob == e->logprob &&
                             sum <= 1.0001);
}

static int keep(void *context, const anm_token_event *e) {
    answer *a = context;
    assert_true(a->length + e->length < sizeof a->text);
    memcpy(a->text + a->length, e->text, e->length);
    a->length += e->length;
    a->text[a->length] = '\0';
    if (e->token < 0) return 0;
    a->top_wrong += !top_is_right(e);
    a->logprobs[a->count] = e->logprob;
    a->ends[a->count] = a->length;
    a->ids[a->count++] = e->token;
    return 0;
}

static anm_generate_options limited(answer *a, int64_t tokens) {
    anm_generate_options o;
    anm_generate_options_init(&o);
    *a = (answer){.length = 0};
    o.max_tokens = tokens;
    o.on_token = keep;
    o.context = a;
    return o;
}

static anm_status try_to(const anm_generate_options *o, answer *a, anm_error *err) {
    anm_session *s;
    assert_ok(anm_session_create(llm, &s, err), err);
    anm_status status = anm_generate(s, prompt.ids, prompt.len, o, &a->result, err);
    anm_session_destroy(s);
    return status;
}

static void generate(const anm_generate_options *o, answer *a) {
    anm_error err;
    assert_ok(try_to(o, a, &err), &err);
}

/* Every stretch of the text as a stop string: it begins and ends within tokens, too. */
static void stop_strings_cut_the_text(void **state) {
    answer whole, cut;
    anm_generate_options o = limited(&whole, 24);
    generate(&o, &whole);
    assert_int_equal(whole.result.stop_string, -1);
    assert_true(whole.length > 30);
    for (size_t at = 1; at + 9 < whole.length; at += 3) {
        char stop[8] = {0};
        memcpy(stop, whole.text + at, 7);
        const char *const strings[] = {"\x01", stop};
        o = limited(&cut, 24);
        o.stop_strings = strings;
        o.stop_string_count = 2;
        generate(&o, &cut);
        size_t first = (size_t)(strstr(whole.text, stop) - whole.text);
        assert_int_equal(cut.result.stop_reason, ANM_STOP_STRING);
        assert_int_equal(cut.result.stop_string, 1);
        assert_int_equal(cut.length, first);
        assert_memory_equal(cut.text, whole.text, first);
        assert_true(cut.count <= whole.count);
    }
}

/* A string that begins and does not go on is shown when the answer ends. */
static void beginnings_are_shown_at_the_end(void **state) {
    answer whole, held;
    char stop[64];
    anm_generate_options o = limited(&whole, 10);
    generate(&o, &whole);
    snprintf(stop, sizeof stop, "%sX", whole.text + whole.length - 5);
    const char *const strings[] = {stop};
    o = limited(&held, 10);
    o.stop_strings = strings;
    o.stop_string_count = 1;
    generate(&o, &held);
    assert_int_equal(held.result.stop_reason, ANM_STOP_LENGTH);
    assert_string_equal(held.text, whole.text);
    assert_true(held.ends[9] <= whole.length - 5);
}

static void logprobs_are_of_the_model(void **state) {
    anm_error err;
    anm_session *s;
    answer a;
    anm_generate_options o = limited(&a, 12);
    generate(&o, &a);
    assert_true(isnan(a.logprobs[0]));
    o = limited(&a, 12);
    o.logprobs = 5;
    generate(&o, &a);
    assert_int_equal(a.top_wrong, 0);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_ok(anm_session_sync(s, prompt.ids, prompt.len, &err), &err);
    for (size_t i = 0; i < a.count; i++) {
        float expected = anm_logits_logprob(anm_session_logits(s), anm_llm_vocab_size(llm),
                                            a.ids[i], NULL, 0);
        assert_true(a.logprobs[i] == expected);
        assert_ok(anm_session_append(s, a.ids[i], &err), &err);
    }
    anm_session_destroy(s);
    o.logprobs = 1000000;
    assert_int_equal(try_to(&o, &a, &err), ANM_ERROR_ARGUMENT);
}

typedef struct rule {
    size_t accepted, limit;
    int32_t last;
    anm_status status;
} rule;

/* Ids go up by one or two. */
static anm_status mask_ids(void *context, float *logits, size_t count, anm_error *err) {
    const rule *r = context;
    for (size_t i = 0; i < count; i++)
        if ((int32_t)i <= r->last || (int32_t)i > r->last + 2) logits[i] = -INFINITY;
    if (err) *err = (anm_error){.status = r->status, .offset = ANM_NO_OFFSET};
    return r->status;
}

static anm_status accept_id(void *context, int32_t token, anm_error *err) {
    rule *r = context;
    (void)err;
    r->last = token;
    r->accepted++;
    return ANM_OK;
}

static int is_complete(void *context) {
    const rule *r = context;
    return r->accepted == r->limit;
}

static void constraints_are_kept(void **state) {
    rule r = {.limit = 5, .last = 99};
    answer a;
    anm_error err;
    anm_sampling_options sampling;
    anm_sampling_options_init(&sampling);
    sampling.temperature = 5;
    anm_generate_options o = limited(&a, 100);
    o.sampling = &sampling;
    o.constraint = (anm_constraint_hooks){&r, mask_ids, accept_id, is_complete};
    generate(&o, &a);
    assert_int_equal(a.result.stop_reason, ANM_STOP_COMPLETE);
    assert_int_equal(a.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_in_range(a.ids[i] - (i ? a.ids[i - 1] : 99), 1, 2);
    r = (rule){.limit = 99, .last = 99, .status = ANM_ERROR_LIMIT};
    assert_int_equal(try_to(&o, &a, &err), ANM_ERROR_LIMIT);
    r = (rule){.limit = 99, .last = (int32_t)anm_llm_vocab_size(llm)};
    assert_int_equal(try_to(&o, &a, &err), ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "constraint"));
}

/* Nothing that the prompt or the answer has comes again. */
static void penalties_see_prompt_and_answer(void **state) {
    answer a;
    anm_sampling_options sampling;
    anm_sampling_options_init(&sampling);
    sampling.presence_penalty = 1000;
    anm_generate_options o = limited(&a, 40);
    o.sampling = &sampling;
    o.ignore_stop = 1;
    generate(&o, &a);
    assert_int_equal(a.count, 40);
    for (size_t i = 0; i < a.count; i++) {
        for (size_t k = 0; k < prompt.len; k++) assert_int_not_equal(a.ids[i], prompt.ids[k]);
        for (size_t k = 0; k < i; k++) assert_int_not_equal(a.ids[i], a.ids[k]);
    }
}

static void biases_are_of_the_vocabulary(void **state) {
    anm_logit_bias bias = {(int32_t)anm_llm_vocab_size(llm), 1};
    answer a;
    anm_error err;
    anm_sampling_options sampling;
    anm_sampling_options_init(&sampling);
    sampling.logit_bias = &bias;
    sampling.logit_bias_count = 1;
    anm_generate_options o = limited(&a, 3);
    o.sampling = &sampling;
    assert_int_equal(try_to(&o, &a, &err), ANM_ERROR_ARGUMENT);
    bias.token--;
    bias.bias = INFINITY;
    o.ignore_stop = 1;
    generate(&o, &a);
    for (size_t i = 0; i < 3; i++) assert_int_equal(a.ids[i], bias.token);
}

/* Two generations that take turns give what each gives alone. */
static void steps_may_alternate(void **state) {
    answer whole[2], a[2];
    anm_error err;
    anm_session *s[2];
    anm_generation *g[2];
    int done[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        anm_generate_options o = limited(&whole[i], 15 + 4 * i);
        generate(&o, &whole[i]);
        o = limited(&a[i], 15 + 4 * i);
        assert_ok(anm_session_create(llm, &s[i], &err), &err);
        assert_ok(anm_generation_start(s[i], prompt.ids, prompt.len, &o, &g[i], &err), &err);
    }
    for (int turn = 0; !done[0] || !done[1]; turn++)
        if (!done[turn % 2])
            assert_ok(anm_generation_step(g[turn % 2], &done[turn % 2], &err), &err);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(a[i].text, whole[i].text);
        assert_int_equal(a[i].count, 15 + 4 * i);
        assert_int_equal(anm_generation_result(g[i])->stop_reason, ANM_STOP_LENGTH);
        anm_generation_destroy(g[i]);
        anm_session_destroy(s[i]);
    }
}

static void nothing_may_be_asked_for(void **state) {
    answer a;
    anm_generate_options o = limited(&a, 0);
    generate(&o, &a);
    assert_int_equal(a.result.stop_reason, ANM_STOP_LENGTH);
    assert_int_equal(a.result.generated_tokens + a.length, 0);
    assert_int_equal(a.result.prompt_tokens, prompt.len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_strings_cut_the_text),
        cmocka_unit_test(beginnings_are_shown_at_the_end),
        cmocka_unit_test(logprobs_are_of_the_model),
        cmocka_unit_test(constraints_are_kept),
        cmocka_unit_test(penalties_see_prompt_and_answer),
        cmocka_unit_test(biases_are_of_the_vocabulary),
        cmocka_unit_test(steps_may_alternate),
        cmocka_unit_test(nothing_may_be_asked_for),
    };
    return cmocka_run_group_tests_name("generate", tests, open_demo, close_demo);
}

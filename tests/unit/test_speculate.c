/* SPDX-License-Identifier: MIT */
/* Speculative decoding: whatever the draft proposes, the answer is that without it. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "src/base/file.h"
#include "tests/unit/open_model.h"

enum { CONTEXT = 128, MOST = 160 };

static char root[64];
static anm_llm *whole, *plain, *coarse, *other; /* coarse: weights of 2 bits */
static anm_token_list prompt;

static int open_models(void **state) {
    static const char source[] = ANM_TEST_SOURCE_ROOT "/models/demo";
    static const char text[] = "Once upon a time there was";
    anm_convert_options o, draft;
    anm_error err;
    strcpy(root, "anm-speculate-XXXXXX");
    if (!mkdtemp(root)) return -1;
    anm_convert_options_init(&o);
    o.context_length = CONTEXT;
    o.batch_size = 8;
    draft = o;
    o.prefill_all = 1;
    if (convert_and_open(&whole, source, root, "all", &o) ||
        convert_and_open(&plain, source, root, "plain", &draft))
        return -1;
    draft.lut_ffn.bits = 2;
    if (convert_and_open(&coarse, source, root, "coarse", &draft)) return -1;
    draft.lut_ffn.bits = 0;
    draft.context_length = 48;
    if (convert_and_open(&other, ANM_TEST_DATA "/gemma3/text", root, "other", &draft)) return -1;
    const anm_tokenizer *t = anm_llm_tokenizer(whole);
    return anm_tokenizer_encode(t, text, strlen(text), NULL, &prompt, &err) == ANM_OK ? 0 : -1;
}

static int remove_models(void **state) {
    anm_token_list_free(&prompt);
    anm_llm_close(whole);
    anm_llm_close(plain);
    anm_llm_close(coarse);
    anm_llm_close(other);
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

typedef struct answer {
    int32_t ids[MOST], timeline[CONTEXT];
    size_t count, length;
    anm_generate_result result;
} answer;

static int keep(void *context, const anm_token_event *e) {
    answer *a = context;
    if (e->token >= 0) a->ids[a->count++] = e->token;
    return 0;
}

static void generate(anm_generate_options *o, anm_llm *llm, anm_llm *draft, answer *a) {
    anm_error err;
    anm_session *s, *d = NULL;
    *a = (answer){.count = 0};
    o->on_token = keep;
    o->context = a;
    if (draft) assert_ok(anm_session_create(draft, &d, &err), &err);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    o->draft = d;
    assert_ok(anm_generate(s, prompt.ids, prompt.len, o, &a->result, &err), &err);
    const int32_t *tokens = anm_session_tokens(s, &a->length);
    memcpy(a->timeline, tokens, a->length * sizeof *tokens);
    /* It can go on from here. */
    assert_ok(anm_session_sync(s, a->timeline, a->length, &err), &err);
    anm_session_destroy(s);
    anm_session_destroy(d);
}

static void expect_same(const answer *a, const answer *expected) {
    assert_int_equal(a->count, expected->count);
    assert_memory_equal(a->ids, expected->ids, a->count * sizeof *a->ids);
    assert_int_equal(a->length, expected->length);
    assert_memory_equal(a->timeline, expected->timeline, a->length * sizeof *a->timeline);
    assert_int_equal(a->result.stop_reason, expected->result.stop_reason);
    assert_int_equal(a->result.generated_tokens, expected->result.generated_tokens);
    assert_true(a->result.accepted_tokens <= a->result.drafted_tokens);
}

/* How much of what is proposed is right. */
static double compare(anm_generate_options *o, anm_llm *llm, anm_llm *draft, const int *ahead,
                      int count) {
    answer a, expected;
    size_t drafted = 0, accepted = 0;
    generate(o, llm, NULL, &expected);
    assert_true(expected.count > 0);
    assert_int_equal(expected.result.drafted_tokens, 0);
    for (int i = 0; i < count; i++) {
        o->draft_tokens = ahead[i];
        generate(o, llm, draft, &a);
        expect_same(&a, &expected);
        drafted += a.result.drafted_tokens;
        accepted += a.result.accepted_tokens;
    }
    assert_true(drafted > 0);
    return (double)accepted / (double)drafted;
}

static const int aheads[] = {1, 2, 4, 7, 40};

static void greedy_is_the_same(void **state) {
    anm_generate_options o;
    anm_generate_options_init(&o);
    o.max_tokens = 40;
    double itself = compare(&o, whole, plain, aheads, 5);
    double rough = compare(&o, whole, coarse, aheads, 5);
    printf("accepted: of itself %.0f %%, of 2 bits %.0f %%\n", 100 * itself, 100 * rough);
    assert_true(itself > 0.95);
    assert_true(rough > 0.02 && rough < itself);
}

/* To the last token of the context, where batches no longer fit. */
static void the_context_is_filled(void **state) {
    anm_generate_options o;
    anm_generate_options_init(&o);
    o.ignore_stop = 1;
    compare(&o, whole, coarse, aheads, 5);
    compare(&o, whole, plain, aheads, 5);
}

/*
 * The same seed gives the same tokens; a draft that draws with the same numbers is often right. In
 * fp32: in fp16 a batch rounds otherwise than single steps, and a draw may fall between.
 */
static void sampling_is_the_same(void **state) {
    char dir[128];
    anm_error err;
    anm_llm *exact;
    anm_llm_options precise;
    anm_sampling_options sampling;
    anm_generate_options o;
    double itself = 0, rough = 0;
    anm_llm_options_init(&precise);
    precise.precision = ANM_PRECISION_FP32;
    precise.threads = 1;
    snprintf(dir, sizeof dir, "%s/all", root);
    assert_ok(anm_llm_open(dir, &precise, &exact, &err), &err);
    anm_sampling_options_init(&sampling);
    anm_generate_options_init(&o);
    o.sampling = &sampling;
    o.max_tokens = 12;
    sampling.temperature = 0.8f;
    sampling.top_p = 0.95f;
    for (sampling.seed = 1; sampling.seed <= 2; sampling.seed++) {
        sampling.repeat_penalty = sampling.seed == 2 ? 1.2f : 1;
        itself += compare(&o, exact, plain, aheads + 2, 1) / 2;
        rough += compare(&o, exact, coarse, aheads + 2, 1) / 2;
    }
    printf("accepted: of itself %.0f %%, of 2 bits %.0f %%\n", 100 * itself, 100 * rough);
    assert_true(itself > 0.5);
    assert_true(rough > 0.02);
    anm_llm_close(exact);
}

static void what_cannot_be_is_refused(void **state) {
    anm_error err;
    anm_session *s, *d;
    anm_generate_options o;
    anm_generate_options_init(&o);
    assert_ok(anm_session_create(plain, &s, &err), &err);
    assert_ok(anm_session_create(coarse, &d, &err), &err);
    o.draft = d;
    assert_int_equal(anm_generate(s, prompt.ids, 3, &o, NULL, &err), ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "--prefill-all"));
    anm_session_destroy(s);
    assert_ok(anm_session_create(whole, &s, &err), &err);
    o.draft_tokens = 1000;
    assert_int_equal(anm_generate(s, prompt.ids, 3, &o, NULL, &err), ANM_ERROR_ARGUMENT);
    o.draft_tokens = 0;
    o.draft = s;
    assert_int_equal(anm_generate(s, prompt.ids, 3, &o, NULL, &err), ANM_ERROR_ARGUMENT);
    anm_session_destroy(d);
    assert_ok(anm_session_create(other, &d, &err), &err);
    o.draft = d;
    assert_int_equal(anm_generate(s, prompt.ids, 3, &o, NULL, &err), ANM_ERROR_MISMATCH);
    anm_session_destroy(s);
    anm_session_destroy(d);
}

/* Prompts of every length: the logits of a prefill that gives all are those of the usual one. */
static void prefill_of_all_gives_the_same(void **state) {
    anm_error err;
    anm_session *a, *b;
    int32_t ids[40];
    size_t vocab = anm_llm_vocab_size(whole);
    for (int i = 0; i < 40; i++) ids[i] = (i * i * 7 + 3 * i + 1) % 500;
    for (size_t n = 1; n <= 40; n += 3) {
        assert_ok(anm_session_create(whole, &a, &err), &err);
        assert_ok(anm_session_create(plain, &b, &err), &err);
        assert_ok(anm_session_sync(a, ids, n, &err), &err);
        assert_ok(anm_session_sync(b, ids, n, &err), &err);
        double off = 0, square = 0;
        for (size_t i = 0; i < vocab; i++) {
            double x = anm_session_logits(a)[i], y = anm_session_logits(b)[i];
            off = fmax(off, fabs(x - y));
            square += y * y;
        }
        assert_true(off < 0.01 * sqrt(square / (double)vocab));
        anm_session_destroy(a);
        anm_session_destroy(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefill_of_all_gives_the_same), cmocka_unit_test(greedy_is_the_same),
        cmocka_unit_test(the_context_is_filled),         cmocka_unit_test(sampling_is_the_same),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("speculate", tests, open_models, remove_models);
}

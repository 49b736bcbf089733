/* SPDX-License-Identifier: MIT */
/* A conversation that outgrows the context, turn by turn, with the demo model. */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "anemone/anemone.h"
#include "src/base/file.h"

enum { CONTEXT = 384, TURNS = 40, MOST = 2 * TURNS + 2 };

static char root[64];
static anm_llm *llm;
static double worst; /* difference of logits, in units of their root mean square */

static int open_demo(void **state) {
    char out[96];
    anm_error err;
    anm_convert_options convert;
    anm_llm_options single;
    anm_llm_options_init(&single);
    single.threads = 1;
    strcpy(root, "anm-fit-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(out, sizeof out, "%s/demo", root);
    anm_convert_options_init(&convert);
    convert.context_length = CONTEXT;
    convert.batch_size = 16;
    if (anm_convert(ANM_TEST_SOURCE_ROOT "/models/demo", out, &convert, NULL, &err) != ANM_OK)
        return -1;
    return anm_llm_open(out, &single, &llm, &err) == ANM_OK ? 0 : -1;
}

static int close_demo(void **state) {
    anm_llm_close(llm);
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

typedef struct talk {
    anm_chat_message messages[MOST];
    char texts[MOST][256];
    size_t count;
} talk;

static void say(talk *t, const char *role, const char *text) {
    snprintf(t->texts[t->count], sizeof t->texts[0], "%s", text);
    t->messages[t->count] = (anm_chat_message){role, t->texts[t->count]};
    t->count++;
}

static int keep(void *context, const anm_token_event *e) {
    char *text = context;
    size_t length = strlen(text), room = 255 - length;
    if (e->length) strncat(text, e->text, e->length < room ? e->length : room);
    return 0;
}

static void decode(const anm_token_list *ids, char *out, size_t size) {
    anm_error err;
    char *text;
    size_t length;
    assert_ok(anm_tokenizer_decode(anm_llm_tokenizer(llm), ids->ids, ids->len, false, &text,
                                   &length, &err),
              &err);
    snprintf(out, size, "%s", text);
    anm_tokenizer_text_free(text);
}

/* What is asked of every prompt: it fits, has the system prompt, and the turns from one on. */
static void check_prompt(const talk *t, const anm_token_list *prompt, size_t dropped) {
    char text[8192];
    decode(prompt, text, sizeof text);
    assert_true(prompt->len <= CONTEXT - CONTEXT / 4);
    assert_non_null(strstr(text, "You are a friendly fox."));
    assert_int_equal(dropped % 2, 0);
    for (size_t i = 1; i < t->count; i += 2) { /* questions are numbered, so none is in another */
        if (i <= dropped) assert_null(strstr(text, t->messages[i].content));
        else assert_non_null(strstr(text, t->messages[i].content));
    }
}

/*
 * The session that lived through everything, against one that sees this prompt only. The two divide
 * it into batches and steps differently, so keys and values differ in roundings to fp16.
 */
static void compare_with_fresh(anm_session *s, const anm_token_list *prompt) {
    anm_error err;
    anm_session *fresh;
    assert_ok(anm_session_create(llm, &fresh, &err), &err);
    assert_ok(anm_session_sync(s, prompt->ids, prompt->len, &err), &err);
    assert_ok(anm_session_sync(fresh, prompt->ids, prompt->len, &err), &err);
    const float *a = anm_session_logits(s), *b = anm_session_logits(fresh);
    double off = 0, square = 0;
    for (size_t i = 0; i < anm_llm_vocab_size(llm); i++) {
        off = fmax(off, fabs((double)a[i] - b[i]));
        square += (double)b[i] * b[i];
    }
    off /= sqrt(square / (double)anm_llm_vocab_size(llm));
    if (off > worst) worst = off;
    assert_true(off < 0.01);
    anm_session_destroy(fresh);
}

static void same_from_json(const talk *t, const anm_token_list *prompt, size_t dropped) {
    anm_error err;
    anm_token_list other = {0};
    size_t also;
    json_t *list = json_array(), *context = json_object();
    for (size_t i = 0; i < t->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "role", t->messages[i].role,
                                              "content", t->messages[i].content));
    json_object_set_new(context, "messages", list);
    char *dump = json_dumps(context, JSON_COMPACT);
    assert_ok(anm_chat_fit_json(llm, dump, strlen(dump), NULL, &other, &also, &err), &err);
    assert_int_equal(also, dropped);
    assert_int_equal(other.len, prompt->len);
    assert_memory_equal(other.ids, prompt->ids, prompt->len * sizeof *prompt->ids);
    free(dump);
    json_decref(context);
    anm_token_list_free(&other);
}

static void forty_turns(void **state) {
    anm_error err;
    anm_session *s;
    anm_token_list prompt = {0};
    static talk t;
    size_t last = 0, cuts = 0, evaluated = 0, whole = 0;
    say(&t, "system", "You are a friendly fox.");
    assert_ok(anm_session_create(llm, &s, &err), &err);
    for (int turn = 0; turn < TURNS; turn++) {
        char question[64], answer[256] = "";
        size_t dropped;
        anm_generate_options o;
        anm_generate_result result;
        snprintf(question, sizeof question, "Question %02d: what is red?", turn);
        say(&t, "user", question);
        assert_ok(anm_chat_fit(llm, t.messages, t.count, NULL, &prompt, &dropped, &err), &err);
        check_prompt(&t, &prompt, dropped);
        if (turn % 5 == 0) same_from_json(&t, &prompt, dropped);
        anm_generate_options_init(&o);
        o.max_tokens = 10;
        o.on_token = keep;
        o.context = answer;
        assert_ok(anm_generate(s, prompt.ids, prompt.len, &o, &result, &err), &err);
        compare_with_fresh(s, &prompt);
        assert_true(dropped >= last);
        /* The system prompt is never evaluated again. */
        if (turn) assert_true(result.reused_tokens >= 8);
        cuts += dropped > last;
        evaluated += result.prompt_tokens - result.reused_tokens;
        whole += result.prompt_tokens;
        last = dropped;
        say(&t, "assistant", answer);
    }
    printf("%zu of %zu messages left out by %zu cuts; %zu of %zu tokens evaluated; logits differ "
           "by %.2g\n",
           last, t.count, cuts, evaluated, whole, worst);
    assert_true(last > TURNS);
    assert_in_range(cuts, 5, TURNS / 3);
    assert_true(evaluated * 3 < whole);
    anm_token_list_free(&prompt);
    anm_session_destroy(s);
}

static anm_status fit_to(const talk *t, int64_t reserve, int64_t step, size_t *dropped,
                         size_t *length, anm_error *err) {
    anm_token_list prompt = {0};
    anm_chat_fit_options o;
    anm_chat_fit_options_init(&o);
    o.reserve = reserve;
    o.step = step;
    anm_status status = anm_chat_fit(llm, t->messages, t->count, &o, &prompt, dropped, err);
    *length = prompt.len;
    anm_token_list_free(&prompt);
    return status;
}

/* With step 0 exactly as many turns go as must, for every reserve. */
static void no_more_than_must(void **state) {
    anm_error err;
    static talk t;
    size_t dropped, length, before = 0;
    say(&t, "system", "You are a friendly fox.");
    for (int i = 0; i < 24; i++) {
        say(&t, "user", "What is red and small?");
        say(&t, "assistant", "A berry.");
    }
    say(&t, "user", "And what is blue?");
    for (int64_t reserve = 0; reserve <= CONTEXT; reserve += 7) {
        size_t limit = (size_t)(CONTEXT - reserve), without;
        assert_ok(fit_to(&t, reserve, 0, &dropped, &length, &err), &err);
        assert_true(dropped >= before);
        before = dropped;
        if (dropped < t.count - 2) assert_true(length <= limit);
        if (!dropped) continue;
        talk fewer = t; /* one turn more would not fit */
        fewer.count = 1;
        for (size_t i = dropped - 1; i < t.count; i++)
            fewer.messages[fewer.count++] = t.messages[i];
        size_t none;
        if (fit_to(&fewer, 0, 0, &none, &without, &err) == ANM_OK && !none)
            assert_true(without > limit);
    }
    assert_int_equal(dropped, t.count - 2);
}

static void what_cannot_fit(void **state) {
    anm_error err;
    talk *t = calloc(1, sizeof *t);
    char *huge = calloc(1, 4096);
    size_t dropped, length;
    for (int i = 0; i < 1200; i++) strcat(huge, "so ");
    say(t, "user", "Hello");
    say(t, "assistant", "Hi");
    t->messages[t->count++] = (anm_chat_message){"user", huge};
    assert_int_equal(fit_to(t, -1, -1, &dropped, &length, &err), ANM_ERROR_LIMIT);
    assert_non_null(strstr(err.message, "384"));
    assert_int_equal(fit_to(t, -2, 0, &dropped, &length, &err), ANM_ERROR_ARGUMENT);
    anm_token_list prompt = {0};
    assert_int_equal(anm_chat_fit_json(llm, "{}", 2, NULL, &prompt, NULL, &err), ANM_ERROR_FORMAT);
    assert_int_equal(anm_chat_fit_json(llm, "{", 1, NULL, &prompt, NULL, &err), ANM_ERROR_FORMAT);
    anm_token_list_free(&prompt);
    free(huge);
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forty_turns),
        cmocka_unit_test(no_more_than_must),
        cmocka_unit_test(what_cannot_fit),
    };
    return cmocka_run_group_tests_name("chat_fit", tests, open_demo, close_demo);
}

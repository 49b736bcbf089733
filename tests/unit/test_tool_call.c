/* SPDX-License-Identifier: MIT */
/* Answers read back: reasoning, text and calls, whole and in pieces; tools through templates. */
#include "tests/unit/testing.h"

#include <string.h>

#include "anemone/tool_call.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define CALLS_BEGIN "<\xEF\xBD\x9Ctool\xE2\x96\x81" "calls\xE2\x96\x81" "begin\xEF\xBD\x9C>"
#define CALLS_END "<\xEF\xBD\x9Ctool\xE2\x96\x81" "calls\xE2\x96\x81" "end\xEF\xBD\x9C>"
#define CALL_BEGIN "<\xEF\xBD\x9Ctool\xE2\x96\x81" "call\xE2\x96\x81" "begin\xEF\xBD\x9C>"
#define CALL_END "<\xEF\xBD\x9Ctool\xE2\x96\x81" "call\xE2\x96\x81" "end\xEF\xBD\x9C>"
#define CALL_SEP "<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>"

/* The answer as one line: R(reasoning) T(text) C0(name arguments) B0(raw). */
typedef struct record {
    anm_strbuf line;
    anm_answer_event_kind last;
} record;

static void on_event(void *context, const anm_answer_event *e) {
    static const char *const opens[] = {"T(", "R(", "C", "", "", "B"};
    record *r = context;
    bool goes_on = r->line.len && e->kind == r->last && e->kind <= ANM_ANSWER_REASONING;
    assert_int_equal(strlen(e->text), e->len);
    if (goes_on) r->line.len--;
    if (!goes_on) anm_strbuf_puts(&r->line, opens[e->kind]);
    if (e->kind == ANM_ANSWER_CALL_BEGIN || e->kind == ANM_ANSWER_CALL_BROKEN)
        anm_strbuf_printf(&r->line, "%zu(", e->call);
    anm_strbuf_puts(&r->line, e->text);
    if (e->kind == ANM_ANSWER_CALL_BEGIN) anm_strbuf_putc(&r->line, ' ');
    if (e->kind != ANM_ANSWER_CALL_BEGIN && e->kind != ANM_ANSWER_CALL_ARGUMENTS)
        anm_strbuf_putc(&r->line, ')');
    r->last = e->kind;
}

static void read_in_pieces(anm_answer_options options, const char *text, size_t piece,
                           const char *expected) {
    anm_answer_parser *parser;
    anm_error err;
    record r = {.last = ANM_ANSWER_TEXT};
    options.on_event = on_event;
    options.context = &r;
    assert_ok(anm_answer_parser_create(&options, &parser, &err), &err);
    for (size_t at = 0, len = strlen(text); at < len; at += piece)
        assert_ok(anm_answer_parser_push(parser, text + at, piece < len - at ? piece : len - at,
                                         &err),
                  &err);
    assert_ok(anm_answer_parser_finish(parser, &err), &err);
    if (strcmp(anm_strbuf_cstr(&r.line), expected) != 0)
        fail_msg("in pieces of %zu: %s\ngave     %s\nexpected %s", piece, text, r.line.data,
                 expected);
    anm_strbuf_free(&r.line);
    anm_answer_parser_destroy(parser);
}

static void expect_options(anm_answer_options options, const char *text, const char *expected) {
    static const size_t pieces[] = {1, 2, 3, 5, 7, 16, 1000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        read_in_pieces(options, text, pieces[i], expected);
}

static void expect(anm_tool_form form, const char *text, const char *expected) {
    anm_answer_options options;
    anm_answer_options_init(&options);
    options.form = form;
    expect_options(options, text, expected);
}

static void test_text(void **state) {
    expect(ANM_TOOL_FORM_NONE, "", "");
    expect(ANM_TOOL_FORM_NONE, "Hello\n\n", "T(Hello\n\n)");
    expect(ANM_TOOL_FORM_NONE, " <tool_call>x", "T( <tool_call>x)");
    expect(ANM_TOOL_FORM_QWEN, "a < b <tool_cal <tool_kit> \n", "T(a < b <tool_cal <tool_kit> \n)");
    expect(ANM_TOOL_FORM_QWEN, "cut <tool_", "T(cut <tool_)");
    expect(ANM_TOOL_FORM_LLAMA, "no {\"name\": 1}", "T(no {\"name\": 1})");
}

static void test_reasoning(void **state) {
    anm_answer_options options;
    expect(ANM_TOOL_FORM_NONE, "<think>\nwhy\n\nso\n</think>\n\nBecause.\n",
           "R(why\n\nso)T(Because.\n)");
    expect(ANM_TOOL_FORM_NONE, "\n<think>\n\n</think>\n\nHi", "T(Hi)");
    expect(ANM_TOOL_FORM_NONE, "<think>cut off </thin", "R(cut off </thin)");
    expect(ANM_TOOL_FORM_NONE, "<thinking> no", "T(<thinking> no)");
    expect(ANM_TOOL_FORM_NONE, "later <think>x</think>", "T(later <think>x</think>)");
    expect(ANM_TOOL_FORM_QWEN,
           "<think>call <tool_call>?</think>\n<tool_call>{\"name\": \"f\"}</tool_call>",
           "R(call <tool_call>?)C0(f {})");
    anm_answer_options_init(&options);
    options.in_reasoning = true;
    expect_options(options, "\nfirst\n</think>\n\nthen", "R(first)T(then)");
    options.in_reasoning = false;
    options.plain = true;
    expect_options(options, "<think>x</think>", "T(<think>x</think>)");
    assert_true(anm_prompt_opens_reasoning("...<think>\n", 11));
    assert_false(anm_prompt_opens_reasoning("<think>\n\n</think>\n\n", 19));
    assert_false(anm_prompt_opens_reasoning("", 0));
}

static void test_qwen(void **state) {
    const anm_tool_form form = ANM_TOOL_FORM_QWEN;
    expect(form,
           "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \""
           "Z\xC3\xBCrich {\\\"}\", \"days\": [1, {\"a\": 2}]}}\n</tool_call>",
           "T(Let me look.)C0(get_weather {\"city\": \"Z\xC3\xBCrich {\\\"}\", \"days\": [1, {"
           "\"a\": 2}]})");
    expect(form,
           "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{"
           "\"name\": \"b\", \"arguments\": {\"x\": 1}}\n</tool_call>\n",
           "C0(a {})C1(b {\"x\": 1})");
    /* The other order; text as arguments; a name with an escape; no end mark; text behind. */
    expect(form, "<tool_call>{\"arguments\": {\"x\": 1}, \"name\": \"a\"}</tool_call>",
           "C0(a {\"x\": 1})");
    expect(form, "<tool_call>{\"name\": \"a\", \"arguments\": \"{\\\"x\\\": 1}\"}</tool_call>",
           "C0(a {\"x\": 1})");
    expect(form, "<tool_call>{\"name\": \"\\u0061\\\"b\", \"arguments\": {}}", "C0(a\"b {})");
    expect(form, "<tool_call>{\"name\":\"a\",\"arguments\":{}} so </tool_call>",
           "C0(a {})T( so </tool_call>)");
}

static void test_broken(void **state) {
    const anm_tool_form form = ANM_TOOL_FORM_QWEN;
    expect(form, "x <tool_call>\nnot json</tool_call> y",
           "T(x)B0(<tool_call>\nn)T(ot json</tool_call> y)");
    expect(form, "<tool_call>{\"name\": \"a\", \"arguments\": {\"x\": 1", /* cut off */
           "C0(a {\"x\": 1B0(<tool_call>{\"name\": \"a\", \"arguments\": {\"x\": 1)");
    expect(form, "<tool_call>{\"name\": \"a\", \"arguments\": {\"x\": oops}}</tool_call>",
           "C0(a {\"x\": oops}B0(<tool_call>{\"name\": \"a\", \"arguments\": {\"x\": oops}})"
           "T(</tool_call>)");
    expect(form, "<tool_call>{\"name\": \"a\", \"arguments\": [1]}</tool_call>",
           "B0(<tool_call>{\"name\": \"a\", \"arguments\": [1]})T(</tool_call>)");
    expect(form, "<tool_call>{\"name\": 7, \"arguments\": {}}",
           "B0(<tool_call>{\"name\": 7, \"arguments\": {}})");
    expect(form, "<tool_call>{\"name\": \"\", \"arguments\": {}}",
           "B0(<tool_call>{\"name\": \"\", \"arguments\": {}})");
    expect(form, "<tool_call>", "B0(<tool_call>)");
    /* The next call counts on. */
    expect(form, "<tool_call>{]<tool_call>{\"name\": \"b\", \"arguments\": {}}</tool_call>",
           "B0(<tool_call>{])C1(b {})");
}

static void test_llama(void **state) {
    const anm_tool_form form = ANM_TOOL_FORM_LLAMA;
    expect(form, "{\"name\": \"f\", \"parameters\": {\"q\": \"a;b\"}}", "C0(f {\"q\": \"a;b\"})");
    expect(form, "\n<|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}",
           "C0(f {})");
    expect(form, "{\"type\": \"function\", \"function\": \"f\", \"parameters\": {\"a\": null}}",
           "C0(f {\"a\": null})");
    expect(form,
           "{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {\"x\": 1}}",
           "C0(f {})C1(g {\"x\": 1})");
    expect(form, "{\"name\": \"f\", \"parameters\": {}} and so on", "C0(f {})T( and so on)");
    /* JSON that is an answer, not a call. */
    expect(form, "{\"answer\": 42}", "T({\"answer\": 42})");
    expect(form, "{\"name\": \"Bob\", \"age\": 4}", "T({\"name\": \"Bob\", \"age\": 4})");
    expect(form, "{\"name\": \"Bob\"}", "T({\"name\": \"Bob\"})");
    expect(form, "{\"name\": \"Bo", "T({\"name\": \"Bo)");
    expect(form, "<|python_tag|>print(1)\n", "B0(<|python_tag|>print(1)\n)");
}

static void test_deepseek(void **state) {
    const anm_tool_form form = ANM_TOOL_FORM_DEEPSEEK;
    expect(form,
           "<think>\nhm\n</think>\n\nYes." CALLS_BEGIN CALL_BEGIN "function" CALL_SEP
           "f\n```json\n{\"x\": 1}\n```" CALL_END "\n" CALL_BEGIN "function" CALL_SEP
           "g\n```json\n{}\n```" CALL_END CALLS_END,
           "R(hm)T(Yes.)C0(f {\"x\": 1})C1(g {})");
    expect(form, CALLS_BEGIN CALL_BEGIN "f" CALL_SEP "{\"x\": 1}" CALL_END CALLS_END " done",
           "C0(f {\"x\": 1})T( done)");
    expect(form, CALL_BEGIN "function" CALL_SEP "f\n{bad}" CALL_END "x",
           "B0(" CALL_BEGIN "function" CALL_SEP "f\n{bad}" CALL_END ")T(x)");
    expect(form, CALL_BEGIN "function" CALL_SEP "f\n", "B0(" CALL_BEGIN "function" CALL_SEP "f\n)");
}

static void test_whole(void **state) {
    anm_answer_options options;
    anm_answer *answer;
    anm_error err;
    const char *text = "<think>r</think>a\n<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1}}"
                       "</tool_call>\n<tool_call>{\"name\": \"g\", \"arguments\": {";
    anm_answer_options_init(&options);
    options.form = ANM_TOOL_FORM_QWEN;
    assert_ok(anm_answer_parse(&options, text, strlen(text), &answer, &err), &err);
    assert_string_equal(answer->reasoning, "r");
    assert_string_equal(answer->text, "a<tool_call>{\"name\": \"g\", \"arguments\": {");
    assert_int_equal(answer->call_count, 1);
    assert_string_equal(answer->calls[0].name, "f");
    assert_string_equal(answer->calls[0].arguments, "{\"x\": 1}");
    assert_true(answer->broken);
    anm_answer_free(answer);
    assert_ok(anm_answer_parse(NULL, "", 0, &answer, &err), &err);
    assert_string_equal(answer->text, "");
    assert_int_equal(answer->call_count, 0);
    anm_answer_free(answer);
    options.form = (anm_tool_form)9;
    assert_int_equal(anm_answer_parse(&options, "", 0, &answer, &err), ANM_ERROR_ARGUMENT);
}

/* Any bytes: no crash, and what is no call comes back whole. */
static void test_random(void **state) {
    static const char *const parts[] = {"<tool_call>", "</tool_call>", "{\"name\": \"f\"",
                                        "<think>", "\"arguments\": {", "}", ", ", "\\", "\"",
                                        "</think>",
                                        "<|python_tag|>", ";", CALLS_BEGIN, CALL_BEGIN, CALL_SEP,
                                        CALL_END, "```json\n", "\n", "x", "[", ":", "<", "1"};
    uint64_t seed = 7;
    anm_error err;
    for (int i = 0; i < 30000; i++) {
        anm_answer_options options;
        anm_answer *answer;
        anm_strbuf text = {0};
        anm_answer_options_init(&options);
        options.form = (anm_tool_form)(i & 3);
        for (int n = i % 23; n >= 0; n--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            anm_strbuf_puts(&text, parts[(seed >> 33) % (sizeof parts / sizeof *parts)]);
        }
        assert_ok(anm_answer_parse(&options, text.data, text.len, &answer, &err), &err);
        if (options.form == ANM_TOOL_FORM_NONE && !strstr(text.data, "<think>"))
            assert_string_equal(answer->text, text.data);
        anm_answer_free(answer);
        anm_strbuf_free(&text);
    }
}

/* --- templates --- */

static anm_chat_template *open_template(const char *name) {
    char path[128];
    char *text;
    size_t len;
    anm_chat_template *tmpl;
    anm_error err;
    snprintf(path, sizeof path, "chat-templates/templates/%s.jinja", name);
    const char *fixture = fixture_path(path);
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_file_read(arena, fixture, 1 << 20, &text, &len, &err), &err);
    assert_ok(anm_chat_template_parse(text, len, name, &tmpl, &err), &err);
    anm_arena_destroy(arena);
    return tmpl;
}

static const char tools[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"description\": \""
    "Weather of a city\", \"parameters\": {\"type\": \"object\", \"properties\": "
    "{\"city\": {\"type\": \"string\"}}, \"required\": [\"city\"]}}}]";

static const anm_chat_message turns[] = {
    {"user", "Weather in Bern?", NULL},
    {"assistant", NULL,
     "{\"tool_calls\": [{\"id\": \"1\", \"type\": \"function\", \"function\": {\"name\": "
     "\"get_weather\", \"arguments\": \"{\\\"city\\\": \\\"Bern\\\"}\"}}]}"},
    {"tool", "12 degrees", "{\"tool_call_id\": \"1\", \"name\": \"get_weather\"}"},
};

static char *render_turns(const char *name, size_t count, const char *tools_json) {
    anm_chat_template *tmpl = open_template(name);
    anm_chat_options options;
    anm_error err;
    char *text;
    anm_chat_options_init(&options);
    options.add_generation_prompt = 1;
    options.python_text = 1;
    options.tools_json = tools_json;
    assert_ok(anm_chat_template_render(tmpl, turns, count, &options, &text, NULL, &err), &err);
    anm_chat_template_close(tmpl);
    return text;
}

static void expect_in(const char *name, const char *part) {
    char *text = render_turns(name, 3, tools);
    if (!strstr(text, part)) fail_msg("%s: not in:\n%s\n%s", name, text, part);
    anm_chat_text_free(text);
}

static const char qwen_call[] = "<|im_start|>assistant\n<tool_call>\n{\"name\": \"get_weather\", "
                                "\"arguments\": {\"city\": \"Bern\"}}\n</tool_call><|im_end|>\n"
                                "<|im_start|>user\n<tool_response>\n12 degrees\n</tool_response>"
                                "<|im_end|>\n<|im_start|>assistant\n";
static const char llama_call[] = "<|start_header_id|>assistant<|end_header_id|>\n\n{\"name\": "
                                 "\"get_weather\", \"parameters\": {\"city\": \"Bern\"}}<|eot_id|>"
                                 "<|start_header_id|>ipython<|end_header_id|>\n\n\"12 degrees\""
                                 "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";

static void test_templates(void **state) {
    expect_in("FAMILY-qwen2.5", qwen_call);
    expect_in("FAMILY-qwen2.5",
              "<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", "
              "\"description\": \"Weather of a city\", \"parameters\": {\"type\": \"object\", "
              "\"properties\": {\"city\": {\"type\": \"string\"}}, \"required\": [\"city\"]}}}"
              "\n</tools>");
    expect_in("FAMILY-qwen3", qwen_call);
    expect_in("FAMILY-qwen3", "\"required\": [\"city\"]}}}\n</tools>");
    expect_in("FAMILY-llama3.2-instruct", llama_call);
    expect_in("FAMILY-llama3.2-instruct", "        \"name\": \"get_weather\",\n");
    expect_in("meta-llama-Llama-3.1-8B-Instruct", llama_call);
    expect_in("meta-llama-Llama-3.3-70B-Instruct", llama_call);
    /* R1's template adds the arguments to a text; llama.cpp's prints the object. */
    expect_in("FAMILY-r1-distill-qwen",
              CALL_BEGIN "function" CALL_SEP "get_weather\n```json\n{\"city\": \"Bern\"}\n```");
    expect_in("llama-cpp-deepseek-r1",
              CALL_BEGIN "function" CALL_SEP "get_weather\n```json\n{\"city\": \"Bern\"}\n```");
}

static const char *last_of(const char *text, const char *mark) {
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, mark)); at++) last = at;
    return last;
}

/* What a template writes of a call, the parser of its form reads back. */
static void test_round_trip(void **state) {
    static const char *const names[] = {"FAMILY-qwen2.5", "FAMILY-qwen3", "Qwen-QwQ-32B",
                                        "FAMILY-llama3.2-instruct", "FAMILY-r1-distill-qwen",
                                        "meta-llama-Llama-3.1-8B-Instruct",
                                        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
                                        "deepseek-ai-DeepSeek-V3.1", "llama-cpp-deepseek-r1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        anm_chat_template *tmpl = open_template(names[i]);
        char *whole = render_turns(names[i], 2, tools);
        anm_answer_options options;
        anm_answer *answer;
        anm_error err;
        anm_answer_options_init(&options);
        options.form = anm_tool_form_of(tmpl);
        /* The last one: the text about the tools shows a call too. */
        const char *end = whole + strlen(whole), *start = last_of(whole, "{\"name\"");
        if (options.form == ANM_TOOL_FORM_QWEN) start = last_of(whole, "<tool_call>");
        if (options.form == ANM_TOOL_FORM_DEEPSEEK) start = last_of(whole, CALLS_BEGIN);
        if (!start) fail_msg("%s: no call in %s", names[i], whole);
        assert_ok(anm_answer_parse(&options, start, (size_t)(end - start), &answer, &err), &err);
        if (answer->call_count != 1) fail_msg("%s: %s", names[i], start);
        assert_string_equal(answer->calls[0].name, "get_weather");
        assert_string_equal(answer->calls[0].arguments, "{\"city\": \"Bern\"}");
        anm_answer_free(answer);
        anm_chat_text_free(whole);
        anm_chat_template_close(tmpl);
    }
}

static void expect_form(const char *name, anm_tool_form form) {
    anm_chat_template *tmpl = open_template(name);
    if (anm_tool_form_of(tmpl) != form) fail_msg("%s: %d", name, (int)anm_tool_form_of(tmpl));
    anm_chat_template_close(tmpl);
}

static void test_forms(void **state) {
    expect_form("Qwen-Qwen3-0.6B", ANM_TOOL_FORM_QWEN);
    expect_form("meta-llama-Llama-3.2-3B-Instruct", ANM_TOOL_FORM_LLAMA);
    expect_form("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", ANM_TOOL_FORM_DEEPSEEK);
    expect_form("Qwen3-Coder", ANM_TOOL_FORM_NONE);
    expect_form("GLM-4.6", ANM_TOOL_FORM_NONE);
    expect_form("google-gemma-2-2b-it", ANM_TOOL_FORM_NONE);
    assert_int_equal(anm_tool_form_of(NULL), ANM_TOOL_FORM_NONE);
}

/* Decoding leaves <|python_tag|> out; the parser takes it from the token. */
static void test_special_token(void **state) {
    anm_tokenizer *tokenizer;
    anm_answer_parser *parser;
    anm_answer_options options;
    anm_error err;
    record r = {.last = ANM_ANSWER_TEXT};
    assert_ok(anm_tokenizer_open(fixture_path("tokenizers/llama3.2-instruct"), &tokenizer, &err),
              &err);
    anm_answer_options_init(&options);
    options.form = ANM_TOOL_FORM_LLAMA;
    options.on_event = on_event;
    options.context = &r;
    assert_ok(anm_answer_parser_create(&options, &parser, &err), &err);
    int32_t tag = anm_tokenizer_token_id(tokenizer, "<|python_tag|>");
    assert_true(tag >= 0 && anm_tokenizer_is_special(tokenizer, tag));
    assert_ok(anm_answer_parser_token(parser, tokenizer, 40, "I", 1, &err), &err);
    assert_ok(anm_answer_parser_token(parser, tokenizer, tag, "", 0, &err), &err);
    const char *call = "{\"name\": \"f\", \"parameters\": {}}";
    assert_ok(anm_answer_parser_token(parser, tokenizer, -1, call, strlen(call), &err), &err);
    assert_ok(anm_answer_parser_finish(parser, &err), &err);
    assert_string_equal(r.line.data, "T(I)C0(f {})");
    anm_strbuf_free(&r.line);
    anm_answer_parser_destroy(parser);
    anm_tokenizer_close(tokenizer);
}

static void expect_context_error(const char *extra, const char *tools_json, anm_status status,
                                 const char *message) {
    const anm_chat_message one = {"user", "x", extra};
    anm_chat_template *tmpl;
    anm_chat_options options;
    anm_error err;
    char *text;
    anm_chat_options_init(&options);
    options.tools_json = tools_json;
    assert_ok(anm_chat_template_parse("{{ tools }}", 11, NULL, &tmpl, &err), &err);
    assert_int_equal(anm_chat_template_render(tmpl, &one, 1, &options, &text, NULL, &err), status);
    if (status != ANM_OK && !strstr(err.message, message)) fail_msg("%s", err.message);
    anm_chat_text_free(text);
    anm_chat_template_close(tmpl);
}

static void test_context_errors(void **state) {
    expect_context_error("{", NULL, ANM_ERROR_FORMAT, "invalid JSON");
    expect_context_error("[]", NULL, ANM_ERROR_FORMAT, "expected a JSON object");
    expect_context_error(NULL, "{}", ANM_ERROR_FORMAT, "expected a JSON array");
    expect_context_error("{\"tool_calls\": 5}", "[]", ANM_OK, "");
    expect_context_error("{\"tool_calls\": [5, {\"arguments\": \"{\"}]}", "[]", ANM_OK, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),          cmocka_unit_test(test_reasoning),
        cmocka_unit_test(test_qwen),          cmocka_unit_test(test_broken),
        cmocka_unit_test(test_llama),         cmocka_unit_test(test_deepseek),
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_random),
        cmocka_unit_test(test_context_errors), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_templates),     cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_special_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

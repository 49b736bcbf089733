/* SPDX-License-Identifier: MIT */
/* Chat templates of models: where they are found, special tokens, options, and real templates. */
#include "tests/unit/testing.h"

#include <string.h>
#include <time.h>

#include "anemone/chat_template.h"
#include "src/base/arena.h"
#include "src/base/file.h"

enum { FROZEN = 1752148800 }; /* 2025-07-10 12:00 UTC */

static char dir[64];

static void model_path(char path[256], const char *name) {
    snprintf(path, 256, "%s/%s", dir, name);
}

static void put(const char *name, const char *text) {
    char path[256];
    anm_error err;
    model_path(path, name);
    assert_ok(anm_file_write(path, text, strlen(text), &err), &err);
}

/* An empty model directory for every test. */
static int make_dir(void **state) {
    snprintf(dir, sizeof dir, "anm-chat-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    return anm_path_remove(dir, NULL) == ANM_OK ? 0 : -1;
}

static const anm_chat_message hello[] = {{"user", "Hello"}, {"assistant", "Hi"}};

static void expect_open(const char *name, const char *expected) {
    anm_chat_template *t;
    anm_error err;
    char *text;
    size_t len;
    assert_ok(anm_chat_template_open(dir, name, &t, &err), &err);
    assert_ok(anm_chat_template_render(t, hello, 2, NULL, &text, &len, &err), &err);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
    anm_chat_text_free(text);
    anm_chat_template_close(t);
}

static void expect_no_open(const char *name, anm_status status, const char *message) {
    anm_chat_template *t = (anm_chat_template *)1;
    anm_error err;
    assert_int_equal(anm_chat_template_open(dir, name, &t, &err), status);
    if (!strstr(err.message, message)) fail_msg("%s", err.message);
    assert_null(t);
}

/* --- where templates are found --- */

static void test_config(void **state) {
    put("tokenizer_config.json",
        "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\", \"lstrip\": false},"
        " \"pad_token\": null,"
        " \"chat_template\": \"{{ bos_token }}{% for m in messages %}{{ m.role[0] }}"
        "{{ m.content }}{{ eos_token }}{% endfor %}{{ pad_token is defined }}\"}");
    expect_open(NULL, "<s>uHello</s>aHi</s>false");
    expect_open("default", "<s>uHello</s>aHi</s>false");
    expect_no_open("tool_use", ANM_ERROR_NOT_FOUND, "none named \"tool_use\"");
}

static void test_jinja_file_wins(void **state) {
    put("tokenizer_config.json", "{\"eos_token\": \"E\", \"chat_template\": \"from config\"}");
    put("chat_template.jinja", "file {{ messages | length }}{{ eos_token }}\n");
    expect_open(NULL, "file 2E");
    char path[256];
    anm_error err;
    model_path(path, "additional_chat_templates");
    assert_ok(anm_dir_create(path, &err), &err);
    put("additional_chat_templates/rag.jinja", "rag");
    expect_open("rag", "rag");
}

static void test_no_config(void **state) {
    put("chat_template.jinja", "{{ bos_token is defined }}");
    expect_open(NULL, "false");
}

static void test_named(void **state) {
    put("tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"},"
        " {\"name\": \"tool_use\", \"template\": \"tools\"}]}");
    expect_open(NULL, "plain");
    expect_open("tool_use", "tools");
    expect_no_open("rag", ANM_ERROR_NOT_FOUND,
                   "no chat template \"rag\", only \"default\", \"tool_use\"");
    expect_no_open("../x", ANM_ERROR_ARGUMENT, "no template's name");
}

static void test_tokens_map(void **state) {
    put("tokenizer_config.json", "{\"eos_token\": \"E\"}");
    put("special_tokens_map.json",
        "{\"bos_token\": {\"content\": \"B\"}, \"eos_token\": \"other\","
        " \"additional_special_tokens\": [\"<a>\", {\"content\": \"<b>\"}]}");
    put("chat_template.jinja",
        "{{ bos_token }}{{ eos_token }}{{ additional_special_tokens | join(' ') }}");
    expect_open(NULL, "BE<a> <b>");
}

static void test_missing(void **state) {
    expect_no_open(NULL, ANM_ERROR_NOT_FOUND, "the model has no chat template");
    put("tokenizer_config.json", "{\"chat_template\": null}");
    expect_no_open(NULL, ANM_ERROR_NOT_FOUND, "it may be a base model");
    put("tokenizer_config.json", "{\"chat_template\": 5}");
    expect_no_open(NULL, ANM_ERROR_FORMAT, "\"chat_template\" is not a string");
    put("tokenizer_config.json", "[]");
    expect_no_open(NULL, ANM_ERROR_FORMAT, "expected a JSON object");
    put("tokenizer_config.json", "{");
    expect_no_open(NULL, ANM_ERROR_FORMAT, "invalid JSON");
    put("tokenizer_config.json", "{\"chat_template\": \"{{ a b }}\"}");
    expect_no_open(NULL, ANM_ERROR_FORMAT, "line 1, column 6: expected \"}}\", found \"b\"");
    assert_int_equal(anm_path_remove(dir, NULL), ANM_OK);
    expect_no_open(NULL, ANM_ERROR_NOT_FOUND, "no such model directory");
    assert_int_equal(make_dir(state), 0);
}

static void test_error_names_the_file(void **state) {
    anm_chat_template *t;
    anm_error err;
    put("chat_template.jinja", "a\n{% if %}");
    assert_int_equal(anm_chat_template_open(dir, NULL, &t, &err), ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, 8);
    assert_non_null(strstr(err.where, "/chat_template.jinja"));
}

/* --- options --- */

static anm_chat_template *parse(const char *text) {
    anm_chat_template *t;
    anm_error err;
    assert_ok(anm_chat_template_parse(text, strlen(text), NULL, &t, &err), &err);
    return t;
}

static void expect_render(const char *template, const anm_chat_options *options,
                          const char *expected) {
    anm_chat_template *t = parse(template);
    anm_error err;
    char *text;
    assert_ok(anm_chat_template_render(t, hello, 2, options, &text, NULL, &err), &err);
    assert_string_equal(text, expected);
    anm_chat_text_free(text);
    anm_chat_template_close(t);
}

static void test_options(void **state) {
    anm_chat_options options;
    anm_chat_options_init(&options);
    expect_render("{{ add_generation_prompt }}{{ tools }}{{ documents }}", &options,
                  "falseNoneNone");
    expect_render("{{ x is defined }}", NULL, "false");
    options.add_generation_prompt = 7;
    options.extra_json = "{\"tools\": [1], \"x\": \"y\"}";
    options.now = FROZEN;
    expect_render("{{ add_generation_prompt }}{{ tools }}{{ x }}{{ strftime_now('%d %b %Y') }}",
                  &options, "true[1]y10 Jul 2025");
    options.python_text = 1;
    expect_render("{{ add_generation_prompt }}{{ messages }}", &options,
                  "True[{'role': 'user', 'content': 'Hello'}, "
                  "{'role': 'assistant', 'content': 'Hi'}]");
    expect_render("", &options, "");
}

/* A program built against an older header has a shorter struct. */
static void test_short_options(void **state) {
    anm_chat_options options;
    anm_chat_options_init(&options);
    options.add_generation_prompt = 1;
    options.extra_json = "not read";
    options.struct_size = offsetof(anm_chat_options, extra_json);
    expect_render("{{ add_generation_prompt }}", &options, "true");
}

static void test_bad_calls(void **state) {
    anm_chat_template *t = parse("{{ messages[0].content }}");
    anm_chat_options options = {0};
    anm_error err;
    char *text = (char *)1;
    size_t len = 7;
    const anm_chat_message bad[] = {{"user", "a\xff"}}, null[] = {{"user", NULL}};
    assert_int_equal(anm_chat_template_render(t, bad, 1, NULL, &text, &len, &err),
                     ANM_ERROR_ARGUMENT);
    assert_null(text);
    assert_int_equal(len, 0);
    assert_string_equal(err.message, "message 0 is not UTF-8");
    assert_int_equal(anm_chat_template_render(t, null, 1, NULL, &text, &len, &err),
                     ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_chat_template_render(t, hello, 2, &options, &text, &len, &err),
                     ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "struct_size"));
    anm_chat_options_init(&options);
    options.extra_json = "{\"a\":}";
    assert_int_equal(anm_chat_template_render(t, hello, 2, &options, &text, &len, &err),
                     ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, 5);
    assert_string_equal(err.where, "extra_json");
    anm_chat_template_close(t);
    anm_chat_template_close(NULL);
    anm_chat_text_free(NULL);
}

/* A user's text is data, whatever it looks like. */
static void test_content_is_data(void **state) {
    const anm_chat_message messages[] = {{"user", "{{ 1 + 1 }}\"\\\n{% if %}\x01"}};
    anm_chat_template *t = parse("{{ messages[0].content }}|{{ messages[0].content | tojson }}");
    anm_error err;
    char *text;
    assert_ok(anm_chat_template_render(t, messages, 1, NULL, &text, NULL, &err), &err);
    assert_string_equal(text, "{{ 1 + 1 }}\"\\\n{% if %}\x01|"
                              "\"{{ 1 + 1 }}\\\"\\\\\\n{% if %}\\u0001\"");
    anm_chat_text_free(text);
    anm_chat_template_close(t);
}

/* --- real templates --- */

/* Those that a plain conversation does not suit: what more they need, or why they cannot work. */
static const struct {
    const char *name, *more, *error;
} special[] = {
    /* loop over tools without asking whether there are any */
    {"CohereForAI-c4ai-command-r-plus-tool_use.jinja", ", \"tools\": []", NULL},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", ", \"tools\": []", NULL},
    {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", ", \"tools\": []", NULL},
    /* adds the texts functions and datetime without asking whether there are any */
    {"fireworks-ai-llama-3-firefunction-v2.jinja", ", \"functions\": \"\", \"datetime\": \"\"",
     NULL},
    /* sets an attribute of a message, which Jinja2 refuses, too */
    {"MiroThinker.jinja", NULL, "only attributes of a namespace can be set"},
};

static void try_real(const char *path, const char *name) {
    anm_chat_template *t;
    anm_chat_options options;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    char *source, *text;
    size_t size;
    const char *expected_error = NULL, *more = "";
    char variables[200];
    anm_chat_options_init(&options);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (strcmp(name, special[i].name) != 0) continue;
        if (special[i].more) more = special[i].more;
        expected_error = special[i].error;
    }
    snprintf(variables, sizeof variables, "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"%s}",
             more);
    options.extra_json = variables;
    assert_ok(anm_file_read(arena, path, 1 << 20, &source, &size, &err), &err);
    assert_ok(anm_chat_template_parse(source, size, name, &t, &err), &err);
    anm_status status = anm_chat_template_render(t, hello, 2, &options, &text, NULL, &err);
    if (expected_error) {
        assert_int_equal(status, ANM_ERROR_MISMATCH);
        assert_non_null(strstr(err.message, expected_error));
    } else {
        assert_ok(status, &err);
        const char *user = strstr(text, "Hello");
        assert_true(user && strstr(user, "Hi"));
    }
    anm_chat_text_free(text);
    anm_chat_template_close(t);
    anm_arena_destroy(arena);
}

static void test_real_templates(void **state) {
    const char *folder = fixture_path("chat-templates/templates");
    anm_arena *arena = anm_arena_create();
    anm_error err;
    char **names;
    size_t count;
    assert_ok(anm_dir_list(arena, folder, &names, &count, &err), &err);
    assert_int_equal(count, 59);
    for (size_t i = 0; i < count; i++)
        try_real(anm_path_join(arena, folder, names[i]), names[i]);
    anm_arena_destroy(arena);
}

/* --- the families that are converted, against texts read off their templates --- */

static void expect_family(const char *name, const char *context, const char *expected) {
    char relative[128];
    snprintf(relative, sizeof relative, "chat-templates/templates/FAMILY-%s.jinja", name);
    const char *path = fixture_path(relative); /* may skip: nothing is allocated yet */
    anm_arena *arena = anm_arena_create();
    anm_chat_template *t;
    anm_chat_options options;
    anm_error err;
    char *source, *text;
    size_t size;
    anm_chat_options_init(&options);
    options.now = FROZEN;
    assert_ok(anm_file_read(arena, path, 1 << 20, &source, &size, &err), &err);
    assert_ok(anm_chat_template_parse(source, size, name, &t, &err), &err);
    for (options.python_text = 0; options.python_text < 2; options.python_text++) {
        assert_ok(anm_chat_template_render_json(t, context, strlen(context), &options, &text, NULL,
                                                &err),
                  &err);
        assert_string_equal(text, expected);
        anm_chat_text_free(text);
    }
    anm_chat_template_close(t);
    anm_arena_destroy(arena);
}

#define SYSTEM "{\"role\": \"system\", \"content\": \"Be brief.\"}"
#define USER "{\"role\": \"user\", \"content\": \"Hello\"}"
#define ASSISTANT "{\"role\": \"assistant\", \"content\": \"Hi\"}"
#define MORE "{\"role\": \"user\", \"content\": \"More\"}"
#define TOOLS                                                                                      \
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"now\", \"parameters\": {}}}]"
#define TOOL_TEXT "{\"type\": \"function\", \"function\": {\"name\": \"now\", \"parameters\": {}}}"
#define CALL                                                                                       \
    "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"type\": \"function\","       \
    " \"function\": {\"name\": \"now\", \"arguments\": {\"zone\": \"UTC\", \"n\": 1}}}]}"
#define RESULT "{\"role\": \"tool\", \"content\": \"noon\"}"
#define PROMPT "\"add_generation_prompt\": true"

#define QWEN_TOOLS                                                                                 \
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"             \
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"        \
    TOOL_TEXT "\n</tools>\n\nFor each function call, return a json object with function name "     \
    "and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"                        \
    "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n"
#define QWEN_CALL                                                                                  \
    "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"zone\": \"UTC\", \"n\": 1}}\n</tool_call>"
#define QWEN_RESULT                                                                                \
    "<|im_start|>user\n<tool_response>\nnoon\n</tool_response><|im_end|>\n"

static void test_qwen3(void **state) {
    expect_family("qwen3", "{\"messages\": [" USER "], " PROMPT "}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    expect_family("qwen3", "{\"messages\": [" USER "], " PROMPT ", \"enable_thinking\": false}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
                  "<think>\n\n</think>\n\n");
    expect_family("qwen3", "{\"messages\": [" USER "], " PROMPT ", \"enable_thinking\": true}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    expect_family("qwen3", "{\"messages\": [" SYSTEM ", " USER ", " ASSISTANT ", " MORE "]}",
                  "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
                  "<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\nMore<|im_end|>\n");
}

/* Thoughts before the last user message are dropped; in the turn after it they stay. */
static void test_qwen3_thinking(void **state) {
#define THOUGHT                                                                                    \
    "{\"role\": \"assistant\", \"content\": \"<think>\\nhm\\n</think>\\n\\nHi\"}"
    expect_family("qwen3", "{\"messages\": [" USER ", " THOUGHT ", " MORE "]}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n"
                  "<|im_start|>user\nMore<|im_end|>\n");
    expect_family("qwen3", "{\"messages\": [" USER ", " THOUGHT "]}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n"
                  "</think>\n\nHi<|im_end|>\n");
    expect_family("qwen3",
                  "{\"messages\": [" USER ", {\"role\": \"assistant\", \"content\": \"Hi\","
                  " \"reasoning_content\": \"why\"}]}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nwhy\n"
                  "</think>\n\nHi<|im_end|>\n");
    /* The last assistant turn gets an empty thought even if it had none. */
    expect_family("qwen3", "{\"messages\": [" USER ", " ASSISTANT "]}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n\n"
                  "</think>\n\nHi<|im_end|>\n");
}

static void test_qwen3_tools(void **state) {
    expect_family("qwen3", "{\"messages\": [" USER "], " TOOLS ", " PROMPT "}",
                  "<|im_start|>system\n" QWEN_TOOLS
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    expect_family("qwen3",
                  "{\"messages\": [" SYSTEM ", " USER ", " CALL ", " RESULT ", " ASSISTANT
                  "], " TOOLS "}",
                  "<|im_start|>system\nBe brief.\n\n" QWEN_TOOLS
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n" QWEN_CALL
                  "<|im_end|>\n" QWEN_RESULT "<|im_start|>assistant\n<think>\n\n</think>\n\nHi"
                  "<|im_end|>\n");
    /* Two results in a row share one user turn. */
    expect_family("qwen3", "{\"messages\": [" USER ", " CALL ", " RESULT ", " RESULT "]}",
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n" QWEN_CALL
                  "<|im_end|>\n<|im_start|>user\n<tool_response>\nnoon\n</tool_response>\n"
                  "<tool_response>\nnoon\n</tool_response><|im_end|>\n");
}

static void test_qwen25(void **state) {
#define QWEN_SELF "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    expect_family("qwen2.5", "{\"messages\": [" USER "], " PROMPT "}",
                  "<|im_start|>system\n" QWEN_SELF "<|im_end|>\n<|im_start|>user\nHello"
                  "<|im_end|>\n<|im_start|>assistant\n");
    expect_family("qwen2.5", "{\"messages\": [" SYSTEM ", " USER ", " ASSISTANT "]}",
                  "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
                  "<|im_start|>assistant\nHi<|im_end|>\n");
    expect_family("qwen2.5",
                  "{\"messages\": [" USER ", " CALL ", " RESULT "], " TOOLS ", " PROMPT "}",
                  "<|im_start|>system\n" QWEN_SELF "\n\n" QWEN_TOOLS
                  "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n" QWEN_CALL
                  "<|im_end|>\n" QWEN_RESULT "<|im_start|>assistant\n");
}

#define LLAMA_HEAD(name) "<|start_header_id|>" name "<|end_header_id|>\n\n"
#define LLAMA_DATES "Cutting Knowledge Date: December 2023\nToday Date: "

static void test_llama32(void **state) {
    expect_family("llama3.2-instruct",
                  "{\"bos_token\": \"<|begin_of_text|>\", \"messages\": [" USER "], " PROMPT "}",
                  "<|begin_of_text|>" LLAMA_HEAD("system") LLAMA_DATES "10 Jul 2025\n\n<|eot_id|>"
                  LLAMA_HEAD("user") "Hello<|eot_id|>" LLAMA_HEAD("assistant"));
    expect_family("llama3.2-instruct",
                  "{\"messages\": [" SYSTEM ", " USER ", {\"role\": \"assistant\", \"content\":"
                  " \" Hi\\n\"}], \"date_string\": \"today\"}",
                  LLAMA_HEAD("system") LLAMA_DATES "today\n\nBe brief.<|eot_id|>"
                  LLAMA_HEAD("user") "Hello<|eot_id|>" LLAMA_HEAD("assistant") "Hi<|eot_id|>");
}

/* Tools go to the first user message unless tools_in_user_message says otherwise. */
static void test_llama32_tools(void **state) {
#define LLAMA_NOTE                                                                                 \
    "Respond in the format {\"name\": function name, \"parameters\": dictionary of argument name " \
    "and its value}.Do not use variables.\n\n"
#define LLAMA_TOOL                                                                                 \
    "{\n    \"type\": \"function\",\n    \"function\": {\n        \"name\": \"now\",\n"            \
    "        \"parameters\": {}\n    }\n}\n\n"
    expect_family("llama3.2-instruct",
                  "{\"messages\": [" USER ", " CALL ", " RESULT "], " TOOLS "}",
                  LLAMA_HEAD("system") "Environment: ipython\n" LLAMA_DATES
                  "10 Jul 2025\n\n<|eot_id|>" LLAMA_HEAD("user")
                  "Given the following functions, please respond with a JSON for a function call "
                  "with its proper arguments that best answers the given prompt.\n\n" LLAMA_NOTE
                  LLAMA_TOOL "Hello<|eot_id|>" LLAMA_HEAD("assistant")
                  "{\"name\": \"now\", \"parameters\": {\"zone\": \"UTC\", \"n\": 1}}<|eot_id|>"
                  LLAMA_HEAD("ipython") "\"noon\"<|eot_id|>");
    expect_family("llama3.2-instruct",
                  "{\"messages\": [" SYSTEM ", " USER "], " TOOLS
                  ", \"tools_in_user_message\": false}",
                  LLAMA_HEAD("system") "Environment: ipython\n" LLAMA_DATES "10 Jul 2025\n\n"
                  "You have access to the following functions. To call a function, please respond "
                  "with JSON for a function call." LLAMA_NOTE LLAMA_TOOL "Be brief.<|eot_id|>"
                  LLAMA_HEAD("user") "Hello<|eot_id|>");
}

static void test_llama32_refuses(void **state) {
    static const char context[] = "{\"messages\": [" SYSTEM "], " TOOLS "}";
    const char *path = fixture_path("chat-templates/templates/FAMILY-llama3.2-instruct.jinja");
    anm_arena *arena = anm_arena_create();
    anm_chat_template *t;
    anm_error err;
    char *source, *text;
    size_t size;
    assert_ok(anm_file_read(arena, path, 1 << 20, &source, &size, &err), &err);
    assert_ok(anm_chat_template_parse(source, size, "llama", &t, &err), &err);
    assert_int_equal(anm_chat_template_render_json(t, context, strlen(context), NULL, &text, NULL,
                                                   &err),
                     ANM_ERROR_ARGUMENT);
    assert_string_equal(err.message, "Cannot put tools in the first user message when there's no "
                                     "first user message!");
    anm_chat_template_close(t);
    anm_arena_destroy(arena);
}

static void test_r1_distill(void **state) {
    expect_family("r1-distill-qwen",
                  "{\"bos_token\": \"<B>\", \"messages\": [" SYSTEM ", " USER "], " PROMPT "}",
                  "<B>Be brief.<｜User｜>Hello<｜Assistant｜><think>\n");
    expect_family("r1-distill-qwen",
                  "{\"messages\": [" USER ", " THOUGHT ", " MORE "], " PROMPT "}",
                  "<｜User｜>Hello<｜Assistant｜>\n\nHi<｜end▁of▁sentence｜><｜User｜>More"
                  "<｜Assistant｜><think>\n");
    expect_family("r1-distill-qwen",
                  "{\"messages\": [" USER ", {\"role\": \"assistant\", \"content\": null,"
                  " \"tool_calls\": [{\"type\": \"function\", \"function\": {\"name\": \"now\","
                  " \"arguments\": \"{}\"}}]}, " RESULT ", " ASSISTANT "]}",
                  "<｜User｜>Hello<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function"
                  "<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁outputs▁begin｜>"
                  "<｜tool▁output▁begin｜>noon<｜tool▁output▁end｜><｜tool▁outputs▁end｜>Hi"
                  "<｜end▁of▁sentence｜>");
}

/*
 * What Gemma 3's template does, told anew: the system text goes before the first user's, content is
 * a text or a list of parts, roles alternate and "assistant" is called "model".
 */
static const char gemma3[] =
    "{{ bos_token }}\n"
    "{%- set system = '' -%}\n"
    "{%- set turns = messages -%}\n"
    "{%- if messages[0]['role'] == 'system' -%}\n"
    "  {%- if messages[0]['content'] is string -%}\n"
    "    {%- set system = messages[0]['content'] + '\\n\\n' -%}\n"
    "  {%- else -%}\n"
    "    {%- set system = messages[0]['content'][0]['text'] + '\\n\\n' -%}\n"
    "  {%- endif -%}\n"
    "  {%- set turns = messages[1:] -%}\n"
    "{%- endif -%}\n"
    "{%- for turn in turns -%}\n"
    "  {%- if (turn['role'] == 'user') != (loop.index0 % 2 == 0) -%}\n"
    "    {{ raise_exception('turns must alternate') }}\n"
    "  {%- endif -%}\n"
    "  {%- set name = 'model' if turn['role'] == 'assistant' else turn['role'] -%}\n"
    "  {{ '<start_of_turn>' + name + '\\n' + (system if loop.first else '') }}\n"
    "  {%- if turn['content'] is string -%}\n"
    "    {{ turn['content'] | trim }}\n"
    "  {%- elif turn['content'] is iterable -%}\n"
    "    {%- for part in turn['content'] -%}\n"
    "      {{ '<start_of_image>' if part['type'] == 'image' else part['text'] | trim }}\n"
    "    {%- endfor -%}\n"
    "  {%- else -%}\n"
    "    {{ raise_exception('neither text nor parts') }}\n"
    "  {%- endif -%}\n"
    "  {{ '<end_of_turn>\\n' }}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%} {{ '<start_of_turn>model\\n' }} {%- endif -%}\n";

static void expect_gemma3(const char *context, anm_status wanted, const char *expected) {
    anm_chat_template *t;
    anm_error err;
    char *text;
    assert_ok(anm_chat_template_parse(gemma3, sizeof gemma3 - 1, "gemma3", &t, &err), &err);
    assert_int_equal(anm_chat_template_render_json(t, context, strlen(context), NULL, &text, NULL,
                                                   &err),
                     wanted);
    assert_string_equal(wanted == ANM_OK ? text : err.message, expected);
    anm_chat_text_free(text);
    anm_chat_template_close(t);
}

static void test_gemma3(void **state) {
    expect_gemma3("{\"bos_token\": \"<bos>\", \"add_generation_prompt\": true, \"messages\": ["
                  "{\"role\": \"system\", \"content\": \"Be brief.\"},"
                  "{\"role\": \"user\", \"content\": \" Hello \"},"
                  "{\"role\": \"assistant\", \"content\": \"Hi\"},"
                  "{\"role\": \"user\", \"content\": [{\"type\": \"image\"},"
                  "{\"type\": \"text\", \"text\": \"What is it? \"}]}]}",
                  ANM_OK,
                  "<bos><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n"
                  "<start_of_turn>model\nHi<end_of_turn>\n"
                  "<start_of_turn>user\n<start_of_image>What is it?<end_of_turn>\n"
                  "<start_of_turn>model\n");
    expect_gemma3("{\"bos_token\": \"\", \"messages\": [{\"role\": \"assistant\", \"content\": "
                  "\"Hi\"}]}", ANM_ERROR_ARGUMENT, "turns must alternate");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void) {
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_config),
        WITH_DIR(test_jinja_file_wins),
        WITH_DIR(test_no_config),
        WITH_DIR(test_named),
        WITH_DIR(test_tokens_map),
        WITH_DIR(test_missing),
        WITH_DIR(test_error_names_the_file),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_short_options),
        cmocka_unit_test(test_bad_calls),
        cmocka_unit_test(test_content_is_data),
        cmocka_unit_test(test_real_templates),
        cmocka_unit_test(test_qwen3),
        cmocka_unit_test(test_qwen3_thinking),
        cmocka_unit_test(test_qwen3_tools),
        cmocka_unit_test(test_qwen25),
        cmocka_unit_test(test_llama32),
        cmocka_unit_test(test_llama32_tools),
        cmocka_unit_test(test_llama32_refuses),
        cmocka_unit_test(test_r1_distill),
        cmocka_unit_test(test_gemma3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

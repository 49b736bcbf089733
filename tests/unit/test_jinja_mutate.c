/* SPDX-License-Identifier: MIT */
/*
 * Templates and contexts damaged at random, from fixed seeds: whatever comes in, parsing and
 * rendering end, with a text or with an error that says something. Meant to run under sanitizers,
 * too. ANM_MUTATIONS sets the rounds per template.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "anemone/chat_template.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/str.h"

enum { MAX_TEXT = 40000 };

/* xorshift64*: the same damage everywhere. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static size_t below(uint64_t *state, size_t limit) {
    return limit ? (size_t)(next_random(state) >> 16) % limit : 0;
}

typedef struct text {
    char data[MAX_TEXT];
    size_t len;
} text;

/* Replaces `cut` bytes at `at` by `n` others. */
static void splice(text *t, size_t at, size_t cut, const char *with, size_t n) {
    static char copy[MAX_TEXT];
    if (cut > t->len - at) cut = t->len - at;
    if (n > MAX_TEXT - (t->len - cut)) n = MAX_TEXT - (t->len - cut);
    memcpy(copy, with, n);
    memmove(t->data + at + n, t->data + at + cut, t->len - at - cut);
    memcpy(t->data + at, copy, n);
    t->len = t->len - cut + n;
}

/* Pieces of the language that random bytes would hardly ever make. */
static const char *const words[] = {
    "{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{%-", "{% if x %}", "{% endif %}", "{% else %}",
    "{% for m in messages %}", "{% endfor %}", "{% for m in messages recursive %}", "{{ loop(m) }}",
    "{% set x = [x, x] %}", "{% set x %}", "{% endset %}", "{% macro f(a, b=1) %}",
    "{% endmacro %}", "{{ f(f, *messages) }}", "{% call f() %}", "{% endcall %}", "{% break %}",
    "{% raw %}", "{% endraw %}", "{% generation %}", "{% endgeneration %}", "{% filter upper %}",
    "{% endfilter %}", "[::-1]", "[1:", "]", "(", ")", "[", "{", "}", "|map('map', 'first')",
    "|list", "|tojson(indent=2)", "|join", "|sort", "|groupby('role')", "|dictsort", "|int",
    "|string", "|round(-3)", "|format(1, 2)", "|batch(2)", "|unique", ".split('a')", ".items()",
    ".append(x)", ".update(x)", ".pop()", ".format(x)", " % 5", " * 9223372036854775807",
    " ** 9", " // 0", " ~ ", " + ", " in ", " is ", " not ", " and ", " if ", " else ", "'", "\"",
    "\\", "\\u12", "\\x", "%s", "%*d", "{:>9}", ".", ",", ":", "=", "**", "99999999999999999999",
    "-1", "1e308", "none", "loop", "caller()", "varargs", "range(9)", "namespace(a=1)", "\xff",
    "\xe2\x80\xa8", "é", "\n", "\r\n", "\t", "strftime_now('%j%U%G%-d')", "raise_exception('x')",
};

static void damage(text *t, uint64_t *state) {
    size_t at = below(state, t->len + 1), n = below(state, 24) + 1;
    const char *word = words[below(state, sizeof words / sizeof *words)];
    char byte = (char)next_random(state);
    size_t from = below(state, t->len + 1), span = below(state, 200);
    if (span > t->len - from) span = t->len - from;
    switch (below(state, 8)) {
    case 0: splice(t, at, 1, &byte, 1); break;
    case 1: splice(t, at, n, "", 0); break;
    case 2: splice(t, at, t->len, "", 0); break;
    case 3: splice(t, at, 0, t->data + from, span); break;
    case 4: splice(t, at, n, t->data + from, span); break;
    default: splice(t, at, below(state, 3), word, strlen(word)); break;
    }
}

/* What became of the rounds: both ends must be reached for the test to mean anything. */
static size_t rendered, refused;

static void check_error(anm_status status, const anm_error *err) {
    assert_true(status != ANM_OK && status != ANM_ERROR_INTERNAL && status != ANM_ERROR_IO);
    assert_int_equal(err->status, status);
    assert_true(err->message[0] != '\0' || status == ANM_ERROR_ARGUMENT);
    refused++;
}

static void try_one(const text *t, const text *context, uint64_t round) {
    anm_chat_template *tmpl;
    anm_chat_options options;
    anm_error err;
    char *out;
    size_t len;
    anm_chat_options_init(&options);
    options.now = 1752148800 + (time_t)(round * 86400 * 37);
    options.python_text = round & 1;
    anm_status status = anm_chat_template_parse(t->data, t->len, "mutant", &tmpl, &err);
    if (status != ANM_OK) {
        check_error(status, &err);
        return;
    }
    status = anm_chat_template_render_json(tmpl, context->data, context->len, &options, &out, &len,
                                           &err);
    if (status == ANM_OK) {
        assert_int_equal(out[len], '\0');
        rendered++;
    } else {
        assert_null(out);
        check_error(status, &err);
    }
    anm_chat_text_free(out);
    anm_chat_template_close(tmpl);
}

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"},"
    " {\"role\": \"user\", \"content\": \"Hell\\u00f6 <b>\\\"x\\\"</b>\\n\"},"
    " {\"role\": \"assistant\", \"content\": \"<think>\\nhm\\n</think>\\n\\nHi\"},"
    " {\"role\": \"user\", \"content\": \"Call\"},"
    " {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"call12345\","
    " \"type\": \"function\", \"function\": {\"name\": \"now\", \"arguments\": {\"n\": 1.5}}}]},"
    " {\"role\": \"tool\", \"name\": \"now\", \"content\": \"{}\", \"tool_call_id\":"
    " \"call12345\"}, {\"role\": \"assistant\", \"content\": \"Done\"}],"
    " \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"now\", \"description\":"
    " \"d\", \"parameters\": {\"type\": \"object\", \"properties\": {\"n\": {\"type\":"
    " \"integer\"}}, \"required\": [\"n\"]}}}], \"add_generation_prompt\": true,"
    " \"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"x\": [1, \"a\", null, {\"k\": [2]}]}";

static size_t rounds(size_t usual) {
    const char *wanted = getenv("ANM_MUTATIONS");
    return wanted ? (size_t)strtoul(wanted, NULL, 10) : usual;
}

/* One round in eight damages the context instead. */
static void mutate(anm_sv source, anm_sv variables, uint64_t seed, size_t count) {
    static text template, context;
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    assert_true(source.len < MAX_TEXT && variables.len < MAX_TEXT);
    for (size_t round = 0; round < count; round++) {
        memcpy(template.data, source.data, template.len = source.len);
        memcpy(context.data, variables.data, context.len = variables.len);
        text *victim = below(&state, 8) ? &template : &context;
        for (size_t i = below(&state, 3) + 1; i > 0; i--) damage(victim, &state);
        try_one(&template, &context, round);
    }
}

static json_t *load_line(const char *line, size_t len) {
    json_error_t problem;
    json_t *value = json_loadb(line, len, 0, &problem);
    if (!value) fail_msg("%s", problem.text);
    return value;
}

static anm_sv member(const json_t *object, const char *key) {
    return anm_sv_from(json_string_value(json_object_get(object, key)));
}

static void test_own(void **state) {
    anm_arena *arena = anm_arena_create();
    anm_error err;
    char *data;
    size_t size, seed = 1;
    const char *path = ANM_TEST_DATA "/jinja/python.jsonl";
    assert_ok(anm_file_read(arena, path, 1 << 20, &data, &size, &err), &err);
    char *at = strchr(data, '\n');
    json_t *first = load_line(data, (size_t)(at - data));
    char *variables = json_dumps(json_object_get(first, "context"), 0);
    rendered = refused = 0;
    for (; *at++ && *at; at += strcspn(at, "\n"), seed++) {
        json_t *line = load_line(at, strcspn(at, "\n"));
        mutate(member(line, "template"), anm_sv_from(variables), seed, rounds(60));
        json_decref(line);
    }
    free(variables);
    json_decref(first);
    anm_arena_destroy(arena);
    printf("%zu rendered, %zu refused\n", rendered, refused);
    assert_true(rendered > 500 && refused > 500);
}

static void test_real(void **state) {
    const char *folder = fixture_path("chat-templates/templates");
    anm_arena *arena = anm_arena_create();
    anm_error err;
    char **names, *data;
    size_t count, size;
    assert_ok(anm_dir_list(arena, folder, &names, &count, &err), &err);
    rendered = refused = 0;
    for (size_t i = 0; i < count; i++) {
        const char *path = anm_path_join(arena, folder, names[i]);
        assert_ok(anm_file_read(arena, path, 1 << 20, &data, &size, &err), &err);
        mutate((anm_sv){data, size}, anm_sv_from(conversation), 1000 + i, rounds(60));
    }
    anm_arena_destroy(arena);
    printf("%zu rendered, %zu refused\n", rendered, refused);
    assert_true(rendered > 200 && refused > 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own), cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

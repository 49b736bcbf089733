/* SPDX-License-Identifier: MIT */
/* The Jinja language: own cases, errors with their places, limits, and huggingface.js' vectors. */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "anemone/chat_template.h"
#include "src/base/arena.h"
#include "src/base/file.h"

/* 2025-07-10 12:00 UTC; the tests run in UTC. */
enum { FROZEN = 1752148800 };

static anm_status render(const char *text, size_t len, const char *context, size_t context_len,
                         int python, char **out, size_t *out_len, anm_error *err) {
    anm_chat_template *t;
    anm_chat_options options;
    anm_chat_options_init(&options);
    options.now = FROZEN;
    options.python_text = python;
    *out = NULL;
    *out_len = 0;
    anm_status status = anm_chat_template_parse(text, len, "test.jinja", &t, err);
    if (status != ANM_OK) return status;
    status = anm_chat_template_render_json(t, context, context_len, &options, out, out_len, err);
    anm_chat_template_close(t);
    return status;
}

static anm_status render_text(const char *text, const char *context, char **out, anm_error *err) {
    size_t len;
    return render(text, strlen(text), context, strlen(context), 0, out, &len, err);
}

static void expect_text(const char *template, const char *context, const char *expected) {
    char *out;
    anm_error err;
    if (render_text(template, context, &out, &err) != ANM_OK)
        fail_msg("%s: %s", template, err.message);
    if (strcmp(out, expected) != 0)
        fail_msg("%s\ngave     %s\nexpected %s", template, out, expected);
    anm_chat_text_free(out);
}

/* --- files of cases, one JSON object per line --- */

typedef struct line {
    char *text;
    size_t len;
} line;

static size_t read_lines(anm_arena *arena, const char *path, line *lines, size_t max) {
    char *data;
    size_t size, count = 0;
    anm_error err;
    assert_ok(anm_file_read(arena, path, 16 << 20, &data, &size, &err), &err);
    for (char *at = data; *at; count++) {
        size_t n = strcspn(at, "\n");
        assert_true(count < max);
        lines[count] = (line){at, n};
        at += n + (at[n] == '\n');
    }
    return count;
}

/* A member of the line as text, taken out by a template of its own: jansson refuses some lines. */
static char *field(line from, const char *how, size_t *len) {
    char *out;
    anm_error err;
    assert_ok(render(how, strlen(how), from.text, from.len, 0, &out, len, &err), &err);
    return out;
}

static bool case_passes(line from, const char *context, size_t context_len, int python) {
    char *text, *expected, *out;
    size_t text_len, expected_len, out_len;
    anm_error err;
    text = field(from, "{{ template }}", &text_len);
    expected = field(from, "{{ expected }}", &expected_len);
    anm_status status =
        render(text, text_len, context, context_len, python, &out, &out_len, &err);
    bool same = status == ANM_OK && out_len == expected_len && memcmp(out, expected, out_len) == 0;
    if (!same)
        print_error("%s\n  gave     %s\n  expected %s\n", text,
                    status == ANM_OK ? out : err.message, expected);
    anm_chat_text_free(text);
    anm_chat_text_free(expected);
    anm_chat_text_free(out);
    return same;
}

/* The first line holds the context of all; the expected texts are Python's Jinja2 3.1.6. */
static void test_own_cases(void **state) {
    static line lines[400];
    anm_arena *arena = anm_arena_create();
    size_t count = read_lines(arena, ANM_TEST_DATA "/jinja/python.jsonl", lines, 400), bad = 0;
    size_t context_len;
    char *context = field(lines[0], "{{ context | tojson }}", &context_len);
    assert_true(count > 100);
    for (size_t i = 1; i < count; i++) bad += !case_passes(lines[i], context, context_len, 1);
    anm_chat_text_free(context);
    anm_arena_destroy(arena);
    assert_int_equal(bad, 0);
}

/* Four cases of templates.jsonl pass functions, which JSON cannot hold. */
static void run_vectors(const char *path, size_t expected_run, size_t expected_skipped) {
    static line lines[400];
    anm_arena *arena = anm_arena_create();
    size_t count = read_lines(arena, path, lines, 400), run = 0, skipped = 0, bad = 0, len;
    for (size_t i = 0; i < count; i++) {
        char *needs = field(lines[i], "{{ 1 if needs_function }}", &len);
        anm_chat_text_free(needs);
        if (len) {
            skipped++;
            continue;
        }
        char *context = field(lines[i], "{{ context | tojson }}", &len);
        bad += !case_passes(lines[i], context, len, 0);
        anm_chat_text_free(context);
        run++;
    }
    anm_arena_destroy(arena);
    assert_int_equal(bad, 0);
    assert_int_equal(run, expected_run);
    assert_int_equal(skipped, expected_skipped);
}

static void test_language_vectors(void **state) {
    run_vectors(fixture_path("chat-templates/hf-jinja/templates.jsonl"), 157, 4);
}

static void test_model_vectors(void **state) {
    run_vectors(fixture_path("chat-templates/hf-jinja/e2e.jsonl"), 53, 0);
}

/* --- how values print by default --- */

static void test_default_printing(void **state) {
    expect_text("{{ true }}{{ false }}{{ none }}|{{ x }}|", "{}", "truefalseNone||");
    expect_text("{{ [1, 'a', none, true, x, 1.0] }}", "{}",
                "[1, \"a\", null, true, undefined, 1.0]");
    expect_text("{{ {'a': [], 'b': {}} }}{{ (1,) }}{{ (1, 2) }}", "{}",
                "{\"a\": [], \"b\": {}}(1,)(1, 2)");
    expect_text("{{ 'a' ~ true ~ [\"it's\"] }}", "{}", "atrue[\"it's\"]");
    expect_text("{{ x | tojson }}{{ [x] | tojson }}", "{}", "null[null]");
    expect_text("{{ 1 in [true] }}{{ true in [true] }}{{ 1 == true }}", "{}", "falsetruetrue");
    expect_text("{{ 'n' + 1 + 1.5 }}{{ 2 + 'x' }}", "{}", "n11.52x");
}

static void test_python_printing(void **state) {
    static const char text[] = "{{ true }}{{ [none, 'a', x] }}{{ 1 in [true] }}";
    char *out;
    size_t len;
    anm_error err;
    assert_ok(render(text, strlen(text), "{}", 2, 1, &out, &len, &err), &err);
    assert_string_equal(out, "True[None, 'a', Undefined]True");
    anm_chat_text_free(out);
}

static void test_json_input(void **state) {
    expect_text("{{ a }}{{ b }}{{ c }}", "{\"a\": \"\\u00e9\\ud83d\\ude00\\ud800\\n\"}",
                "é😀\xef\xbf\xbd\n");
    expect_text("{{ a }} {{ b }} {{ c }}", " {\"a\":-1.5e3,\"b\":9223372036854775807,\"c\":[]} ",
                "-1500.0 9223372036854775807 []");
    expect_text("{{ a['x\\0y'] | length }}", "{\"a\": {\"x\\u0000y\": \"\\u0000z\"}}", "2");
    expect_text("{{ a.k }}", "{\"a\": {\"k\": 1, \"k\": 2}}", "2");
}

/* --- errors --- */

typedef struct failure {
    const char *template;
    anm_status status;
    uint64_t offset;
    const char *message; /* a part of it */
} failure;

static void expect_failure(const failure *f, const char *context) {
    char *out;
    anm_error err = {0};
    anm_status status = render_text(f->template, context, &out, &err);
    if (status != f->status || err.offset != f->offset || !strstr(err.message, f->message))
        fail_msg("%s: %s at %lld: %s, expected %s at %lld: %s", f->template,
                 anm_status_name(status), (long long)err.offset, err.message,
                 anm_status_name(f->status), (long long)f->offset, f->message);
    assert_null(out);
    assert_string_equal(err.where, "test.jinja");
}

static void test_syntax_errors(void **state) {
    static const failure failures[] = {
        {"ab{{ x", ANM_ERROR_FORMAT, 2, "line 1, column 3: tag without end: expected \"}}\""},
        {"a\nb{% if x", ANM_ERROR_FORMAT, 3, "line 2, column 2: tag without end: expected \"%}\""},
        {"{# x", ANM_ERROR_FORMAT, 0, "comment without end"},
        {"{% raw %}{% endra %}", ANM_ERROR_FORMAT, 0, "raw block without end"},
        {"{{ 'abc }}", ANM_ERROR_FORMAT, 3, "string without end"},
        {"{{ [1, 2 }}", ANM_ERROR_FORMAT, 9, "unexpected \"}\": expected \"]\""},
        {"{{ ) }}", ANM_ERROR_FORMAT, 3, "unexpected \")\""},
        {"{{ a ? b }}", ANM_ERROR_FORMAT, 5, "unexpected character"},
        {"{{ }}", ANM_ERROR_FORMAT, 3, "expected an expression, found \"}}\""},
        {"{{ 1 + }}", ANM_ERROR_FORMAT, 7, "expected an expression"},
        {"{{ a b }}", ANM_ERROR_FORMAT, 5, "expected \"}}\", found \"b\""},
        {"é{{ a b }}", ANM_ERROR_FORMAT, 7, "line 1, column 7: expected \"}}\", found \"b\""},
        {"{% if x %}\nabc", ANM_ERROR_FORMAT, 14, "line 2, column 4: the template ends inside"},
        {"{% endif %}", ANM_ERROR_FORMAT, 3, "\"endif\" closes no block"},
        {"{% for x in y %}{% endif %}", ANM_ERROR_FORMAT, 19, "\"endif\" closes no block"},
        {"{% for x of y %}", ANM_ERROR_FORMAT, 9, "expected \"in\", found \"of\""},
        {"{% nothing %}", ANM_ERROR_FORMAT, 3, "unknown tag \"nothing\""},
        {"{% include 'x' %}", ANM_ERROR_UNSUPPORTED, 3, "\"include\" is not supported"},
        {"{% break %}", ANM_ERROR_FORMAT, 3, "only allowed inside a for loop"},
        {"{% for a in b %}{% macro m() %}{% break %}", ANM_ERROR_FORMAT, 34, "inside a for loop"},
        {"{% set x %}", ANM_ERROR_FORMAT, 11, "expected one of endset"},
        {"{% set 1 = 2 %}", ANM_ERROR_FORMAT, 7, "expected a name, found \"1\""},
        {"{{ f(a=1, 2) }}", ANM_ERROR_FORMAT, 10, "without a name follows"},
        {"{% macro m(a=1, b) %}", ANM_ERROR_FORMAT, 16, "without default follows"},
        {"{% call x %}{% endcall %}", ANM_ERROR_FORMAT, 8, "the call of a macro"},
        {"{{ {'a' 1} }}", ANM_ERROR_FORMAT, 8, "expected \":\", found \"1\""},
        {"{{ a.'b' }}", ANM_ERROR_FORMAT, 5, "expected an attribute's name, found a string"},
        {"{{ a[] }}", ANM_ERROR_FORMAT, 5, "expected an index"},
        {"{{ a | 1 }}", ANM_ERROR_FORMAT, 7, "expected a filter's name"},
        {"{{ 99999999999999999999 }}", ANM_ERROR_LIMIT, 3, "does not fit in 64 bits"},
    };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        expect_failure(&failures[i], "{}");
}

static void test_runtime_errors(void **state) {
    static const failure failures[] = {
        {"{{ x.y }}", ANM_ERROR_MISMATCH, 4, "line 1, column 5: \"x\" is undefined"},
        {"a\n{{ d.x.y }}", ANM_ERROR_MISMATCH, 8, "a dict has no attribute or item \"x\""},
        {"{{ x + 1 }}", ANM_ERROR_MISMATCH, 5, "\"x\" is undefined"},
        {"{{ x() }}", ANM_ERROR_MISMATCH, 4, "\"x\" is undefined"},
        {"{{ 'a'() }}", ANM_ERROR_MISMATCH, 6, "a str cannot be called"},
        {"{{ 1 < 'a' }}", ANM_ERROR_MISMATCH, 5, "a int and a str have no order"},
        {"{{ 1 + none }}", ANM_ERROR_MISMATCH, 5, "+ does not work on a int and a NoneType"},
        {"{{ 'a' + none }}", ANM_ERROR_MISMATCH, 7, "+ does not work"},
        {"{{ 1 // 0 }}", ANM_ERROR_MISMATCH, 5, "division by zero"},
        {"{{ 1.0 / 0 }}", ANM_ERROR_MISMATCH, 7, "division by zero"},
        {"{{ 9223372036854775807 + 1 }}", ANM_ERROR_LIMIT, 23, "does not fit in 64 bits"},
        {"{{ 10 ** 100 }}", ANM_ERROR_LIMIT, 6, "does not fit in 64 bits"},
        {"{{ {[]: 1} }}", ANM_ERROR_MISMATCH, 4, "a list cannot be a key"},
        {"{% for a in 5 %}{% endfor %}", ANM_ERROR_MISMATCH, 12, "a int cannot be looped over"},
        {"{% set a, b = 1, 2, 3 %}", ANM_ERROR_MISMATCH, 7, "3 values cannot be assigned to 2"},
        {"{% set d.x = 1 %}", ANM_ERROR_MISMATCH, 9, "only attributes of a namespace"},
        {"{{ 'a' | nosuch }}", ANM_ERROR_UNSUPPORTED, 9, "there is no filter \"nosuch\""},
        {"{{ 'a' is nosuch }}", ANM_ERROR_UNSUPPORTED, 10, "there is no test \"nosuch\""},
        {"{{ [1] | map('nosuch') }}", ANM_ERROR_UNSUPPORTED, 9, "there is no filter \"nosuch\""},
        {"{{ 'a' | replace('b') }}", ANM_ERROR_MISMATCH, 9, "replace needs 2 arguments: old new"},
        {"{{ 'a' | upper(1) }}", ANM_ERROR_MISMATCH, 9, "upper takes at most 0 arguments"},
        {"{{ 'a' | trim(x=1) }}", ANM_ERROR_MISMATCH, 9, "trim has no argument \"x\""},
        {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", ANM_ERROR_MISMATCH, 34, "takes 1 argum"},
        {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", ANM_ERROR_MISMATCH, 34, "no argument \"b\""},
        {"{{ '%d' % 'x' }}", ANM_ERROR_MISMATCH, 8, "a number is needed"},
        {"{{ '%s %s' % 'x' }}", ANM_ERROR_MISMATCH, 11, "not enough arguments"},
        {"{{ '{'.format(1) }}", ANM_ERROR_MISMATCH, 13, "expected \"}\""},
        {"{{ raise_exception('no: ' ~ 5) }}", ANM_ERROR_ARGUMENT, 18, "no: 5"},
        {"{{ range | tojson }}", ANM_ERROR_MISMATCH, 11, "a function is not JSON"},
    };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        expect_failure(&failures[i], "{\"d\": {}}");
}

static void test_exception_message(void **state) {
    char *out;
    anm_error err;
    assert_int_equal(render_text("{{ raise_exception('Roles must alternate') }}", "{}", &out, &err),
                     ANM_ERROR_ARGUMENT);
    assert_string_equal(err.message, "Roles must alternate");
}

static void test_bad_context(void **state) {
    static const struct {
        const char *json;
        anm_status status;
        uint64_t offset;
    } bad[] = {
        {"", ANM_ERROR_FORMAT, 0},
        {"[1]", ANM_ERROR_FORMAT, ANM_NO_OFFSET},
        {"{\"a\": }", ANM_ERROR_FORMAT, 6},
        {"{\"a\": 1", ANM_ERROR_FORMAT, 7},
        {"{\"a\": 1,}", ANM_ERROR_FORMAT, 8},
        {"{\"a\": 01}", ANM_ERROR_FORMAT, 6},
        {"{\"a\": 1.}", ANM_ERROR_FORMAT, 6},
        {"{\"a\": \"\\x\"}", ANM_ERROR_FORMAT, 8},
        {"{\"a\": \"\\u12\"}", ANM_ERROR_FORMAT, 11},
        {"{\"a\": \"b\n\"}", ANM_ERROR_FORMAT, 8},
        {"{\"a\": \"b", ANM_ERROR_FORMAT, 6},
        {"{} x", ANM_ERROR_FORMAT, 3},
        {"{\"a\": \"\xff\"}", ANM_ERROR_FORMAT, 7},
        {"{\"a\": 9223372036854775808}", ANM_ERROR_LIMIT, 6},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *out;
        anm_error err = {0};
        anm_status status = render_text("x", bad[i].json, &out, &err);
        if (status != bad[i].status || err.offset != bad[i].offset)
            fail_msg("%s: %s at %lld", bad[i].json, err.message, (long long)err.offset);
        assert_null(out);
        assert_string_equal(err.where, "context");
    }
}

static void test_bad_text(void **state) {
    anm_chat_template *t;
    anm_error err;
    assert_int_equal(anm_chat_template_parse("ab\xc3", 3, "t", &t, &err), ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, 2);
    assert_null(t);
    /* With \r\n, positions in the text differ from the file's: only line and column are told. */
    assert_int_equal(anm_chat_template_parse("a\r\n{{ }}", 8, "t", &t, &err), ANM_ERROR_FORMAT);
    assert_int_equal(err.offset, ANM_NO_OFFSET);
    assert_non_null(strstr(err.message, "line 2, column 4"));
}

/* --- limits --- */

static void expect_limit(const char *template, const char *message) {
    char *out;
    anm_error err = {0};
    anm_status status = render_text(template, "{}", &out, &err);
    if (status != ANM_ERROR_LIMIT || !strstr(err.message, message))
        fail_msg("%.80s: %s: %s", template, anm_status_name(status), err.message);
}

static void test_limits(void **state) {
    expect_limit("{{ range(100001) }}", "more than 100000 elements");
    expect_limit("{{ range(-9223372036854775807, 9223372036854775807) }}", "more than 100000");
    expect_limit("{{ 'x' * 1000000000000 }}", "values take more than");
    expect_limit("{{ [1] * 9000000000000000000 }}", "values take more than");
    expect_limit("{{ 'x'.ljust(9000000000) }}", "too large");
    expect_limit("{% for i in range(1000) %}{{ 'x' * 100000 }}{% endfor %}", "longer than 64 MB");
    expect_limit("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "nested deeper than");
    expect_limit("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "nested deeper than");
    expect_limit("{% set l = [] %}{{ l.append(l) }}{{ l }}", "values are nested deeper");
    expect_limit("{% set l = [] %}{{ l.append(l) }}{{ l | tojson }}", "values are nested deeper");
    expect_limit("{% set l = [] %}{% set m = [] %}{{ l.append(l) }}{{ m.append(m) }}{{ l == m }}",
                 "values are nested deeper");
    expect_limit("{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ x.find('b' ~ i) }}"
                 "{% endfor %}",
                 "more than 50000000 steps");
}

static void repeat(char *out, const char *before, const char *part, int count,
                   const char *after) {
    out += sprintf(out, "%s", before);
    for (int i = 0; i < count; i++) out += sprintf(out, "%s", part);
    sprintf(out, "%s", after);
}

static void test_nesting_limits(void **state) {
    static char text[200000], closing[5100];
    repeat(closing, "a", ")", 5000, " }}");
    repeat(text, "{{ ", "(", 5000, closing);
    expect_limit(text, "nested deeper than 150");
    repeat(closing, "a", ")", 5000, " in b %}");
    repeat(text, "{% for ", "(", 5000, closing);
    expect_limit(text, "nested deeper than 150");
    repeat(text, "{{ ", "- ", 5000, "1 }}");
    expect_limit(text, "nested deeper than 150");
    repeat(text, "{{ ", "not ", 5000, "1 }}");
    expect_limit(text, "nested deeper than 150");
    repeat(text, "", "{% if 1 %}", 5000, "");
    expect_limit(text, "nested deeper than 150");
    repeat(text, "{{ 1", " if 1 else 1", 5000, " }}");
    expect_limit(text, "nested deeper than 150");
    repeat(text, "{{ 1", " + 1", 5000, " }}");
    expect_limit(text, "nested deeper than 500");
    repeat(text, "{{ 'a' | map('map'", ", 'map'", 5000, ") }}");
    expect_limit(text, "nested deeper than 500");
    repeat(text, "{{ 1", " ~ 1", 5000, " }}"); /* ~ joins any number at once */
    char *out;
    anm_error err;
    assert_ok(render_text(text, "{}", &out, &err), &err);
    assert_int_equal(strlen(out), 5001);
    anm_chat_text_free(out);
}

int main(void) {
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_cases),        cmocka_unit_test(test_language_vectors),
        cmocka_unit_test(test_model_vectors),    cmocka_unit_test(test_default_printing),
        cmocka_unit_test(test_python_printing),  cmocka_unit_test(test_json_input),
        cmocka_unit_test(test_syntax_errors),    cmocka_unit_test(test_runtime_errors),
        cmocka_unit_test(test_exception_message), cmocka_unit_test(test_bad_context),
        cmocka_unit_test(test_bad_text),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nesting_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

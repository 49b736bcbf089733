/* SPDX-License-Identifier: MIT */
/* Stop strings in text cut at every kind of place, against a search in the whole text. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/llm/stopstring.h"

enum { LONGEST = 40 };

typedef struct found {
    char text[LONGEST + 1];
    int stop;
} found;

/* The definition: byte by byte, the first end of any string, the longest of several. */
static found search_whole(const char *text, const char *const *strings, size_t count) {
    found f = {.stop = -1};
    size_t most = 0, end;
    for (end = 1; end <= strlen(text) && f.stop < 0; end++)
        for (size_t i = 0; i < count; i++) {
            size_t n = strlen(strings[i]);
            if (n <= most || n > end || strncmp(text + end - n, strings[i], n) != 0) continue;
            f.stop = (int)i;
            most = n;
        }
    snprintf(f.text, sizeof f.text, "%.*s", (int)(f.stop < 0 ? strlen(text) : end - 1 - most),
             text);
    return f;
}

static void collect(found *f, anm_sv piece) {
    assert_true(strlen(f->text) + piece.len <= LONGEST);
    if (piece.len) strncat(f->text, piece.data, piece.len);
}

/* Pieces of `cuts`: bit i set cuts before byte i. */
static found search_pieces(const char *text, const char *const *strings, size_t count,
                           uint32_t cuts) {
    anm_stop_search s;
    anm_error err;
    anm_sv out;
    found f = {.stop = -1};
    size_t length = strlen(text);
    assert_ok(anm_stop_search_init(&s, strings, count, &err), &err);
    for (size_t at = 0, next; at < length && f.stop < 0; at = next) {
        for (next = at + 1; next < length && !(cuts >> (next % 32) & 1); next++) {}
        anm_sv piece = {text + at, next - at};
        assert_ok(anm_stop_search_push(&s, piece, &out, &f.stop, &err), &err);
        collect(&f, out);
    }
    if (f.stop < 0) collect(&f, anm_stop_search_rest(&s));
    anm_stop_search_free(&s);
    return f;
}

static uint32_t next_random(uint32_t *x) {
    return (*x = *x * 1664525 + 1013904223) >> 8;
}

static void random_text(uint32_t *x, char *text, size_t least, size_t most) {
    size_t n = least + next_random(x) % (most - least + 1);
    for (size_t i = 0; i < n; i++) text[i] = (char)('a' + next_random(x) % 2);
    text[n] = '\0';
}

/* Two letters, so that strings overlap themselves and each other all the time. */
static void cuts_change_nothing(void **state) {
    uint32_t x = 1;
    int stopped = 0;
    for (int round = 0; round < 20000; round++) {
        char text[LONGEST + 1], stops[3][8];
        const char *strings[3] = {stops[0], stops[1], stops[2]};
        size_t count = 1 + next_random(&x) % 3;
        random_text(&x, text, 0, LONGEST);
        for (int i = 0; i < 3; i++) random_text(&x, stops[i], 1, 7);
        found whole = search_whole(text, strings, count);
        found pieces = search_pieces(text, strings, count, next_random(&x));
        assert_string_equal(pieces.text, whole.text);
        assert_int_equal(pieces.stop, whole.stop);
        stopped += whole.stop >= 0;
    }
    assert_in_range(stopped, 5000, 19000);
}

/* Nothing of a string that comes is shown, and nothing is held back without need. */
static void only_beginnings_are_held_back(void **state) {
    const char *const strings[] = {"\nUser:", "</s>"};
    anm_stop_search s;
    anm_error err;
    anm_sv out;
    int stop;
    static const struct {
        const char *piece, *given;
    } steps[] = {{"Hi", "Hi"}, {" \n", " "}, {"Us", ""}, {"ual <", "\nUsual "}, {"/b>\n", "</b>"},
                 {"User", ""}};
    assert_ok(anm_stop_search_init(&s, strings, 2, &err), &err);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_ok(anm_stop_search_push(&s, anm_sv_from(steps[i].piece), &out, &stop, &err), &err);
        assert_int_equal(stop, -1);
        assert_true(anm_sv_is(out, steps[i].given));
    }
    assert_ok(anm_stop_search_push(&s, anm_sv_from(": x"), &out, &stop, &err), &err);
    assert_int_equal(stop, 0);
    assert_int_equal(out.len, 0);
    anm_stop_search_free(&s);
}

static void strings_are_checked(void **state) {
    const char *const bad[] = {"", "\x80x", NULL};
    anm_stop_search s;
    anm_error err;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(anm_stop_search_init(&s, &bad[i], 1, &err), ANM_ERROR_ARGUMENT);
        anm_stop_search_free(&s);
    }
    assert_int_equal(anm_stop_search_init(&s, NULL, 1, &err), ANM_ERROR_ARGUMENT);
    anm_stop_search_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_change_nothing),
        cmocka_unit_test(only_beginnings_are_held_back),
        cmocka_unit_test(strings_are_checked),
    };
    return cmocka_run_group_tests_name("stopstring", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/cli/mdterm.h"

/* What the terminal gets when the text comes in pieces of this size. The caller frees. */
static char *show(const char *text, size_t piece, int columns, bool colour) {
    char *shown = NULL;
    size_t size;
    FILE *out = open_memstream(&shown, &size);
    mdterm_options options = {out, columns, colour, true};
    mdterm *m = mdterm_open(&options);
    for (size_t at = 0, n = strlen(text); at < n; at += piece)
        assert_true(mdterm_write(m, text + at, n - at < piece ? n - at : piece));
    assert_true(mdterm_end(m));
    mdterm_free(m);
    fclose(out);
    return shown;
}

static void assert_shown(const char *text, int columns, bool colour, const char *expected) {
    char *shown = show(text, strlen(text) + 1, columns, colour);
    assert_string_equal(shown, expected);
    free(shown);
}

static void marks_become_styles(void **state) {
    assert_shown("a **b** *c* `d*` e\n", 80, true,
                 "a \033[0;1mb\033[0m \033[0;3mc\033[0m \033[0;36md*\033[0m e\n");
    assert_shown("# Head\n", 80, true, "\033[0;1;4mHead\033[0m\n");
    assert_shown("2 * 3 * 4, a_b_c, \\*x\\* and **\n", 80, true,
                 "2 * 3 * 4, a_b_c, *x* and **\n");
    assert_shown("**open\nnext\n", 80, true, "\033[0;1mopen\033[0m\nnext\n");
}

static void marks_stay_without_colour(void **state) {
    const char *text = "# Head\n- a **b**\n> `c`\n---\n";
    assert_shown(text, 80, false,
                 "# Head\n- a **b**\n> `c`\n----------------------------------------\n");
}

static void words_wrap_under_their_item(void **state) {
    assert_shown("one two three four\n", 10, false, "one two\nthree four\n");
    assert_shown("- one two three\n  - four five\n", 10, true,
                 "\342\200\242 one two\n  three\n  \342\200\242 four\n    five\n");
    assert_shown("12. one two three\n", 12, false, "12. one two\n    three\n");
    assert_shown("> one two three\n", 10, true,
                 "\342\224\202 one two\n\342\224\202 three\n");
}

static void code_and_tables_stay(void **state) {
    assert_shown("```c\nint a = 1;  // **x**\n# no head\n```\nb\n", 10, true,
                 "\033[0;36m```c\nint a = 1;  // **x**\n# no head\n```\033[0m\nb\n");
    assert_shown("| a | **b** |\n", 8, true, "| a | **b** |\n");
    assert_shown("````\n```\n````\n# H\n", 80, true,
                 "\033[0;36m````\n```\n````\033[0m\n\033[0;1;4mH\033[0m\n");
}

static void controls_do_not_pass(void **state) {
    assert_shown("a\033[2Jb\007\302\233c\r\n", 80, true, "a?[2Jb??c\n");
    assert_shown("bad \377\303. utf\n", 80, true, "bad ??. utf\n");
}

static const char mixed[] =
    "## Title with `code`\n\nText **bold _both_ bold** and *it*al, a__b, \xe6\x97\xa5\xe6\x9c\xac"
    "\xe8\xaa\x9e \xf0\x9f\x98\x80 end.\n- item\n  1. inner **x\n\n> quote *q*\n***\n~~~\ncode\n"
    "~~~\n| t | u |\n#not a head\n-5 degrees\n3.5 is a number\n   indented\n\\";

static void pieces_make_no_difference(void **state) {
    for (int columns = 8; columns < 60; columns += 7) {
        char *whole = show(mixed, sizeof mixed, columns, true);
        for (size_t piece = 1; piece < 12; piece++) {
            char *pieces = show(mixed, piece, columns, true);
            assert_string_equal(pieces, whole);
            free(pieces);
        }
        free(whole);
    }
}

/* Columns of the widest row, escape sequences not counted. */
static int widest(const char *text) {
    int most = 0, now = 0;
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    while (*at) {
        utf8proc_int32_t c;
        at += utf8proc_iterate(at, -1, &c);
        if (c == '\033') at += strcspn((const char *)at, "m") + 1;
        else now = c == '\n' ? 0 : now + utf8proc_charwidth(c);
        if (now > most) most = now;
    }
    return most;
}

/* Random words and marks: no row is wider than the terminal, and no letter is lost. */
static void rows_fit(void **state) {
    static const char *const parts[] = {"word ", "two ", "**b** ", "*i* ", "`c` ", "\n", "\n- ",
                                        "\n1. ", "\n> ", "\xe6\x97\xa5 ", "longer-word ", "a*b ",
                                        "\n# ", "**", "\n\n"};
    srand(7);
    for (int round = 0; round < 300; round++) {
        char text[2000] = "";
        for (int i = 0; i < 60; i++)
            strcat(text, parts[(size_t)rand() % (sizeof parts / sizeof *parts)]);
        int columns = 20 + round % 40;
        char *shown = show(text, 3, columns, true);
        assert_in_range(widest(shown), 1, columns);
        free(shown);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_become_styles),
        cmocka_unit_test(marks_stay_without_colour),
        cmocka_unit_test(words_wrap_under_their_item),
        cmocka_unit_test(code_and_tables_stay),
        cmocka_unit_test(controls_do_not_pass),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(rows_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Reading ahead asks for every line of every range, in its order, and counts what is ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/cpu/kernels/ahead.h"

enum { LINES = 8192, LINE = ANM_AHEAD_LINE };

typedef struct memory {
    _Alignas(LINE) char bytes[LINES * LINE];
    int asked[LINES];
    anm_ahead_range ranges[4];
    size_t given, count;
} memory;

static memory m; /* half a megabyte */

static bool give(void *context, anm_ahead_range *out) {
    (void)context;
    if (m.given == m.count) return false;
    *out = m.ranges[m.given++];
    return true;
}

static void add(int64_t from, int64_t bytes) {
    m.ranges[m.count++] = (anm_ahead_range){.data = m.bytes + from, .bytes = bytes};
}

static void note(const char *at) {
    assert_true(at >= m.bytes && at < m.bytes + sizeof m.bytes);
    m.asked[(at - m.bytes) / LINE]++;
}

/* Asks for `lines` lines of either stream at a time until there is nothing more. */
static void walk(anm_ahead *a, int lines) {
    while (anm_ahead_ready(a)) {
        for (int i = 0; i < lines; i++) {
            note(a->at + i * LINE);
            note(a->at + a->second + i * LINE);
        }
        anm_ahead_took(a, lines);
    }
}

static void assert_asked(int64_t from, int64_t bytes) {
    for (int64_t at = from / LINE; at * LINE < from + bytes; at++) assert_true(m.asked[at] > 0);
}

static void every_line_of_all_ranges(void **state) {
    (void)state;
    for (int lines = 1; lines <= 8; lines++) {
        memset(m.asked, 0, sizeof m.asked);
        m.given = m.count = 0;
        add(0, 3 * ANM_AHEAD_PIECE + 1000);
        add(4 * ANM_AHEAD_PIECE, 0);
        add(5 * ANM_AHEAD_PIECE, 64);
        add(6 * ANM_AHEAD_PIECE, 2 * ANM_AHEAD_PIECE + 192);
        anm_ahead a = {.next = give};
        walk(&a, lines);
        for (size_t i = 0; i < m.count; i++)
            assert_asked(m.ranges[i].data - m.bytes, m.ranges[i].bytes);
        assert_int_equal(m.given, m.count);
        assert_int_equal(a.lead, 5 * ANM_AHEAD_PIECE + 1000 + 64 + 192);
    }
}

static void the_range_at_hand_comes_first(void **state) {
    (void)state;
    m.given = m.count = 0;
    memset(m.asked, 0, sizeof m.asked);
    add(ANM_AHEAD_PIECE, ANM_AHEAD_PIECE);
    anm_ahead a = {.range = {.data = m.bytes, .bytes = 640}, .next = give};
    assert_true(anm_ahead_ready(&a));
    assert_ptr_equal(a.at, m.bytes);
    walk(&a, 1);
    assert_asked(0, 640);
    assert_asked(ANM_AHEAD_PIECE, ANM_AHEAD_PIECE);
}

static void no_more_than_may_be_ahead(void **state) {
    (void)state;
    m.given = m.count = 0;
    add(0, (int64_t)sizeof m.bytes);
    anm_ahead a = {.next = give};
    anm_ahead_more(&a, LINES, 10 * 1024);
    assert_in_range(a.lead, 10 * 1024, 10 * 1024 + 2 * LINE);
    anm_ahead_more(&a, 5, ANM_AHEAD_MOST);
    assert_in_range(a.lead, 10 * 1024 + 10 * LINE, 10 * 1024 + 12 * LINE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_of_all_ranges),
        cmocka_unit_test(the_range_at_hand_comes_first),
        cmocka_unit_test(no_more_than_may_be_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

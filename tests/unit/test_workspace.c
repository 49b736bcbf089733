/* SPDX-License-Identifier: MIT */
/* Which memory runs get; that nothing is kept for nobody is what leak checkers see. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/cpu/workspace.h"

static void test_given_back_is_used_again(void **state) {
    anm_workspaces_join();
    anm_workspace *a = anm_workspace_take(1000);
    assert_non_null(a);
    assert_true((uintptr_t)a->memory % 64 == 0);
    memset(a->memory, 1, 1000);
    anm_workspace_give(a);
    anm_workspace *b = anm_workspace_take(10);
    assert_ptr_equal(a, b);
    assert_int_equal(b->bytes, 1000);
    anm_workspace_give(b);
    anm_workspaces_leave();
}

static void test_smallest_that_fits(void **state) {
    anm_workspaces_join();
    anm_workspace *large = anm_workspace_take(9000), *small = anm_workspace_take(100);
    assert_ptr_not_equal(large, small);
    anm_workspace_give(large);
    anm_workspace_give(small);
    assert_ptr_equal(anm_workspace_take(100), small);
    assert_ptr_equal(anm_workspace_take(100), large);
    anm_workspace_give(large);
    anm_workspace_give(small);
    anm_workspaces_leave();
}

/* One plan after the other must not add up. */
static void test_larger_replaces_what_is_idle(void **state) {
    anm_workspaces_join();
    anm_workspace_give(anm_workspace_take(100));
    anm_workspace *larger = anm_workspace_take(5000);
    assert_int_equal(larger->bytes, 5000);
    memset(larger->memory, 2, 5000);
    anm_workspace *second = anm_workspace_take(100);
    assert_int_equal(second->bytes, 100);
    assert_ptr_not_equal(second, larger);
    anm_workspace_give(second);
    anm_workspace_give(larger);
    anm_workspaces_leave();
}

static void test_kept_until_the_last_leaves(void **state) {
    anm_workspaces_join();
    anm_workspaces_join();
    anm_workspace *a = anm_workspace_take(300);
    anm_workspace_give(a);
    anm_workspaces_leave();
    assert_ptr_equal(anm_workspace_take(300), a);
    anm_workspace_give(a);
    anm_workspace_give(NULL);
    anm_workspaces_leave();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_back_is_used_again),
        cmocka_unit_test(test_smallest_that_fits),
        cmocka_unit_test(test_larger_replaces_what_is_idle),
        cmocka_unit_test(test_kept_until_the_last_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Paths and writers of src/base: what lies where, and what failures leave behind. */
#include "tests/unit/testing.h"

#include <string.h>
#include <unistd.h>

#include "src/base/file.h"

static char root[64];

static int make_root(void **state) {
    strcpy(root, "/tmp/anm-files-XXXXXX");
    return mkdtemp(root) && chdir(root) == 0 ? 0 : -1;
}

static int remove_root(void **state) {
    return chdir("/") == 0 && anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static void paths_lead_into_directories(void **state) {
    anm_error err;
    assert_ok(anm_dir_create("a/b/c", &err), &err);
    assert_ok(anm_dir_create("ab", &err), &err);
    assert_int_equal(symlink("a/b", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_true(anm_path_within("a", "a"));
    assert_true(anm_path_within("a/", "./a//"));
    assert_true(anm_path_within("a/b/c/none/at/all", "a"));
    assert_true(anm_path_within("link/c", "a"));
    assert_true(anm_path_within("a/b/none", "link"));
    assert_true(anm_path_within("none", "."));
    assert_true(anm_path_within("/none", "/"));
    assert_true(anm_path_within("dangling", root));
    assert_false(anm_path_within("a", "a/b"));
    assert_false(anm_path_within("ab", "a"));
    assert_false(anm_path_within("a/b/../../ab", "a"));
    assert_false(anm_path_within("a", "none"));
    assert_false(anm_path_within("a", "dangling"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_into_directories),
    };
    return cmocka_run_group_tests_name("files", tests, make_root, remove_root);
}

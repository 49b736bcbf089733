/* SPDX-License-Identifier: MIT */
/*
 * Every package of the fixtures compiled, read back as the same program, and run in both forms.
 * tests/compiled/ looks at the bytes that are written.
 */
#include "tests/unit/testing.h"

#include <string.h>
#include <unistd.h>

#include "anemone/compile.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "tests/unit/same_program.h"

static char root[64];

static int make_root(void **state) {
    strcpy(root, "anm-compile-all-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static void compile_one(const char *package) {
    const anm_compile_options options = {sizeof options, 1};
    anm_compile_report *report;
    anm_error err;
    assert_ok(anm_compile(package, root, &options, &report, &err), &err);
    const char *bundle = anm_compile_report_path(report);
    assert_same_program(package, bundle);
    assert_same_results(package, bundle);
    anm_compile_report_free(report);
}

/* Compiles what is below a folder; gives how many packages that were. */
static size_t compile_below(anm_arena *arena, const char *folder) {
    char **names;
    size_t count, compiled = 0;
    anm_error err;
    assert_ok(anm_dir_list(arena, folder, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        const char *path = anm_path_join(arena, folder, names[i]);
        if (!anm_path_is_dir(path)) continue;
        if (!anm_str_ends(names[i], ".mlpackage")) {
            compiled += compile_below(arena, path);
            continue;
        }
        compile_one(path);
        compiled++;
    }
    return compiled;
}

static void all_below(const char *name, size_t least) {
    const char *readme = fixture_path("README.md");
    anm_arena *arena = anm_arena_create();
    char *folder = anm_arena_strdup(arena, readme);
    *strrchr(folder, '/') = '\0';
    size_t count = compile_below(arena, anm_path_join(arena, folder, name));
    printf("%zu packages of %s compiled\n", count, name);
    assert_true(count >= least);
    anm_arena_destroy(arena);
}

static void packages_of_anemll(void **state) {
    all_below("anemll", 74);
}

static void packages_of_coremltools(void **state) {
    all_below("generic", 17);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_of_anemll),
        cmocka_unit_test(packages_of_coremltools),
    };
    return cmocka_run_group_tests_name("compile_all", tests, make_root, remove_root);
}

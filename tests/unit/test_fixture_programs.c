/* SPDX-License-Identifier: MIT */
/* Every package and the text of every compiled model of the fixtures validates. */
#include "tests/unit/testing.h"

#include <glob.h>
#include <string.h>

#include "src/base/file.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"
#include "src/package/package.h"

enum { MOST_TEXT = 16 << 20 };

static bool is_valid(const anm_mil_program *program, const char *path) {
    char text[900];
    anm_error err;
    anm_arena *arena = anm_arena_create();
    anm_status status = anm_mil_validate(program, arena, NULL, &err);
    anm_arena_destroy(arena);
    if (status == ANM_OK) return true;
    anm_error_format(&err, text, sizeof text);
    printf("%s: %s\n", path, text);
    return false;
}

static bool package_is_valid(const char *path) {
    anm_error err;
    anm_package *p;
    assert_ok(anm_package_open(path, ANM_PACKAGE_NO_WEIGHTS, &p, &err), &err);
    bool valid = is_valid(p->program, path);
    anm_package_close(p);
    return valid;
}

/* By their text alone: the interface description of one of them is not an ML Program's. */
static bool text_is_valid(const char *path) {
    anm_error err;
    anm_mil_program *program;
    anm_arena *arena = anm_arena_create();
    char *text;
    size_t size;
    assert_ok(anm_file_read(arena, path, MOST_TEXT, &text, &size, &err), &err);
    assert_ok(anm_mil_text_parse(text, size, path, &program, &err), &err);
    bool valid = is_valid(program, path);
    anm_mil_program_destroy(program);
    anm_arena_destroy(arena);
    return valid;
}

static void all_are_valid(const char *below, size_t least, bool (*valid)(const char *path)) {
    char pattern[1024];
    glob_t found;
    size_t bad = 0;
    snprintf(pattern, sizeof pattern, "%s/%s", getenv("ANM_FIXTURES"), below);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) bad += !valid(found.gl_pathv[i]);
    printf("%zu programs, %zu with problems\n", found.gl_pathc, bad);
    assert_true(found.gl_pathc >= least);
    assert_int_equal(bad, 0);
    globfree(&found);
}

static void anemll_packages_validate(void **state) {
    fixture_path("README.md");
    all_are_valid("anemll/*/*/*.mlpackage", 1, package_is_valid);
    all_are_valid("anemll/*/*/parts/*.mlpackage", 1, package_is_valid);
}

static void coremltools_packages_validate(void **state) {
    fixture_path("README.md");
    all_are_valid("generic/*.mlpackage", 1, package_is_valid);
}

static void packages_with_loops_validate(void **state) {
    fixture_path("README.md");
    all_are_valid("mlpackage/*", 3, package_is_valid);
}

static void compiled_texts_validate(void **state) {
    fixture_path("README.md");
    all_are_valid("mlmodelc/*/model.mil", 15, text_is_valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anemll_packages_validate),
        cmocka_unit_test(coremltools_packages_validate),
        cmocka_unit_test(packages_with_loops_validate),
        cmocka_unit_test(compiled_texts_validate),
    };
    return cmocka_run_group_tests_name("fixture_programs", tests, NULL, NULL);
}

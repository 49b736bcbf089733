/* SPDX-License-Identifier: MIT */
/* Every package of ANEMLL's and coremltools' own making validates. */
#include "tests/unit/testing.h"

#include <glob.h>
#include <string.h>

#include "src/mil/validate.h"
#include "src/package/package.h"

static size_t validate_all(const char *below) {
    char pattern[1024], text[900];
    glob_t found;
    size_t bad = 0;
    snprintf(pattern, sizeof pattern, "%s/%s", getenv("ANM_FIXTURES"), below);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        anm_error err;
        anm_package *p;
        assert_ok(anm_package_open(found.gl_pathv[i], ANM_PACKAGE_NO_WEIGHTS, &p, &err), &err);
        anm_arena *arena = anm_arena_create();
        if (anm_mil_validate(p->program, arena, NULL, &err) != ANM_OK) {
            anm_error_format(&err, text, sizeof text);
            printf("%s: %s\n", found.gl_pathv[i], text);
            bad++;
        }
        anm_arena_destroy(arena);
        anm_package_close(p);
    }
    printf("%zu programs, %zu with problems\n", found.gl_pathc, bad);
    globfree(&found);
    return bad;
}

static void anemll_packages_validate(void **state) {
    fixture_path("README.md");
    assert_int_equal(validate_all("anemll/*/*/*.mlpackage"), 0);
    assert_int_equal(validate_all("anemll/*/*/parts/*.mlpackage"), 0);
}

static void coremltools_packages_validate(void **state) {
    fixture_path("README.md");
    assert_int_equal(validate_all("generic/*.mlpackage"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anemll_packages_validate),
        cmocka_unit_test(coremltools_packages_validate),
    };
    return cmocka_run_group_tests_name("fixture_programs", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/each_config.h"

#include <glob.h>
#include <string.h>

#include "src/base/file.h"
#include "tests/unit/testing.h"

void each_config(void (*check)(const char *dir, const char *file)) {
    char pattern[1024], root[] = "anm-config-XXXXXX", target[64];
    anm_error err;
    glob_t found;
    fixture_path("configs/Qwen3-0.6B.json");
    snprintf(pattern, sizeof pattern, "%s/configs/*.json", getenv("ANM_FIXTURES"));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_non_null(mkdtemp(root));
    snprintf(target, sizeof target, "%s/config.json", root);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        assert_ok(anm_file_copy(found.gl_pathv[i], target, &err), &err);
        check(root, strrchr(found.gl_pathv[i], '/') + 1);
    }
    printf("%zu configs\n", found.gl_pathc);
    globfree(&found);
    assert_ok(anm_path_remove(root, &err), &err);
}

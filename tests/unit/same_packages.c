/* SPDX-License-Identifier: MIT */
#include "tests/unit/same_packages.h"

#include <string.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "tests/unit/testing.h"

static void same_file(anm_arena *arena, const char *a, const char *b, const char *name) {
    anm_error err;
    char *x, *y;
    size_t m, n;
    assert_ok(anm_file_read(arena, anm_path_join(arena, a, name), 1 << 30, &x, &m, &err), &err);
    assert_ok(anm_file_read(arena, anm_path_join(arena, b, name), 1 << 30, &y, &n, &err), &err);
    if (m != n || memcmp(x, y, n) != 0) fail_msg("%s differs between %s and %s", name, a, b);
}

int same_packages(const char *a, const char *b) {
    anm_error err;
    int packages = 0;
    char **names;
    size_t count;
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_dir_list(arena, a, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        if (!anm_str_ends(names[i], ".mlpackage")) continue;
        const char *data = anm_arena_printf(arena, "%s/Data/com.apple.CoreML", names[i]);
        same_file(arena, a, b, anm_path_join(arena, data, "model.mlmodel"));
        same_file(arena, a, b, anm_path_join(arena, data, "weights/weight.bin"));
        packages++;
    }
    anm_arena_destroy(arena);
    return packages;
}

/* SPDX-License-Identifier: MIT */
/* Directory trees: listing, copying, adding up. */
#include <stdlib.h>

#include "src/base/file.h"
#include "src/base/vec.h"
#include "src/publish/publish_internal.h"

typedef ANM_VEC(char *) path_list;

static anm_status collect(anm_arena *arena, const char *dir, const char *below, path_list *out,
                          anm_error *err) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(arena, dir, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        char *path = anm_path_join(arena, dir, names[i]);
        char *relative = *below ? anm_path_join(arena, below, names[i]) : names[i];
        if (!path || !relative) return anm_fail_memory(err);
        if (anm_path_is_dir(path)) ANM_TRY(collect(arena, path, relative, out, err));
        else if (!anm_vec_push(out, relative)) return anm_fail_memory(err);
    }
    return ANM_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

anm_status anm_tree_list(anm_arena *arena, const char *dir, char ***paths, size_t *count,
                         anm_error *err) {
    path_list list = {0};
    anm_status status = collect(arena, dir, "", &list, err);
    *count = list.len;
    *paths = ANM_ARENA_ARRAY(arena, char *, list.len);
    if (status == ANM_OK && !*paths) status = anm_fail_memory(err);
    if (status == ANM_OK && list.len) {
        memcpy(*paths, list.data, list.len * sizeof **paths);
        qsort(*paths, list.len, sizeof **paths, by_bytes);
    }
    anm_vec_free(&list);
    return status;
}

static anm_status copy_one(anm_arena *arena, const char *from, const char *to, anm_error *err) {
    char *parent = anm_arena_strdup(arena, to);
    if (!parent) return anm_fail_memory(err);
    *strrchr(parent, '/') = '\0';
    ANM_TRY(anm_dir_create(parent, err));
    return anm_file_copy(from, to, err);
}

anm_status anm_tree_copy(anm_arena *arena, const char *from, const char *to, anm_error *err) {
    char **paths;
    size_t count;
    ANM_TRY(anm_tree_list(arena, from, &paths, &count, err));
    for (size_t i = 0; i < count; i++) {
        const char *source = anm_path_join(arena, from, paths[i]);
        const char *target = anm_path_join(arena, to, paths[i]);
        if (!source || !target) return anm_fail_memory(err);
        ANM_TRY(copy_one(arena, source, target, err));
    }
    return ANM_OK;
}

anm_status anm_tree_bytes(anm_arena *arena, const char *dir, uint64_t *out, anm_error *err) {
    char **paths;
    size_t count;
    *out = 0;
    ANM_TRY(anm_tree_list(arena, dir, &paths, &count, err));
    for (size_t i = 0; i < count; i++) {
        anm_mapping file;
        const char *path = anm_path_join(arena, dir, paths[i]);
        if (!path) return anm_fail_memory(err);
        ANM_TRY(anm_mapping_open(path, &file, err));
        *out += file.size;
        anm_mapping_close(&file);
    }
    return ANM_OK;
}

/* SPDX-License-Identifier: MIT */
/* Staging, moving into place, sizes. */
#include "src/convert/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct anm_output {
    anm_arena *arena;
    const char *path;
    anm_staged_dir *staged;
    bool existed; /* the directory was there before: entries are moved into it */
};

static bool same_directory(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static anm_status check_names(anm_arena *arena, const char *path, const char *model_dir,
                              const char *const *names, size_t count, bool overwrite,
                              anm_error *err) {
    for (size_t i = 0; i < count; i++) {
        const char *file = anm_path_join(arena, path, names[i]);
        if (!file) return anm_fail_memory(err);
        if (!anm_path_exists(file)) continue;
        if (anm_path_within(model_dir, file))
            return anm_fail(err, ANM_ERROR_ARGUMENT, file,
                            "holds the checkpoint that is converted; choose another directory");
        if (!overwrite)
            return anm_fail(err, ANM_ERROR_ARGUMENT, file,
                            "exists already; choose another directory or ask to overwrite");
    }
    return ANM_OK;
}

anm_status anm_output_open(anm_arena *arena, const char *path, const char *model_dir,
                           const char *const *names, size_t count, bool overwrite,
                           anm_output **out, anm_error *err) {
    *out = NULL;
    anm_output *o = ANM_ARENA_NEW(arena, anm_output);
    if (!o) return anm_fail_memory(err);
    *o = (anm_output){arena, path, NULL, anm_path_exists(path)};
    if (same_directory(path, model_dir))
        return anm_fail(err, ANM_ERROR_ARGUMENT, path,
                        "the output directory is the model's own; choose another one");
    if (o->existed && !anm_path_is_dir(path))
        return anm_fail(err, ANM_ERROR_ARGUMENT, path, "exists and is not a directory");
    ANM_TRY(check_names(arena, path, model_dir, names, count, overwrite, err));
    const char *stage = o->existed ? anm_path_join(arena, path, "anemone-convert") : path;
    if (!stage) return anm_fail_memory(err);
    ANM_TRY(anm_staged_dir_open(stage, &o->staged, err));
    *out = o;
    return ANM_OK;
}

const char *anm_output_dir(const anm_output *o) {
    return anm_staged_dir_path(o->staged);
}

static anm_status move(const anm_output *o, const char *name, anm_error *err) {
    const char *from = anm_path_join(o->arena, anm_output_dir(o), name);
    const char *to = anm_path_join(o->arena, o->path, name);
    if (!from || !to) return anm_fail_memory(err);
    ANM_TRY(anm_path_remove(to, err));
    if (rename(from, to) == 0) return ANM_OK;
    return anm_fail(err, ANM_ERROR_IO, to, "cannot rename into place: %s", strerror(errno));
}

/* An old `last` goes first: while entries are being replaced the directory has none. */
static anm_status move_all(const anm_output *o, const char *last, anm_error *err) {
    char **names;
    size_t count;
    const char *old = anm_path_join(o->arena, o->path, last);
    if (!old) return anm_fail_memory(err);
    ANM_TRY(anm_dir_list(o->arena, anm_output_dir(o), &names, &count, err));
    ANM_TRY(anm_path_remove(old, err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], last) != 0) ANM_TRY(move(o, names[i], err));
    return move(o, last, err);
}

anm_status anm_output_commit(anm_output *o, const char *last, anm_error *err) {
    if (!o->existed && !anm_path_exists(o->path)) return anm_staged_dir_commit(o->staged, err);
    if (!o->existed) { /* somebody made it meanwhile: committing would remove what is in it */
        anm_staged_dir_abort(o->staged);
        return anm_fail(err, ANM_ERROR_IO, o->path,
                        "was made by somebody else while the conversion ran; nothing was written");
    }
    anm_status status = move_all(o, last, err);
    anm_staged_dir_abort(o->staged);
    return status;
}

void anm_output_abort(anm_output *o) {
    if (o) anm_staged_dir_abort(o->staged);
}

anm_status anm_output_size(anm_arena *arena, const char *path, uint64_t *out, anm_error *err) {
    struct stat info;
    char **names;
    size_t count;
    *out = 0;
    if (lstat(path, &info) != 0)
        return anm_fail(err, ANM_ERROR_IO, path, "cannot look at it: %s", strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        *out = (uint64_t)info.st_size;
        return ANM_OK;
    }
    ANM_TRY(anm_dir_list(arena, path, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes;
        const char *inner = anm_path_join(arena, path, names[i]);
        if (!inner) return anm_fail_memory(err);
        ANM_TRY(anm_output_size(arena, inner, &bytes, err));
        *out += bytes;
    }
    return ANM_OK;
}

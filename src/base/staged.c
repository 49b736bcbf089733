/* SPDX-License-Identifier: MIT */
/* Directories that appear under their final name when they are whole, by a rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/temporary.h"

struct anm_staged_dir {
    char *path;
    anm_temporary temporary;
};

void anm_path_sync_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    char *parent = slash ? anm_strdup(path) : NULL;
    if (parent) parent[slash == path ? 1 : slash - path] = '\0';
    int fd = open(parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* some file systems cannot; the data itself is already synced */
        close(fd);
    }
    anm_free(parent);
}

/*
 * By one step where the system can swap two names; elsewhere a crash between two renames leaves
 * what stood there under the temporary name.
 */
static int swap(const char *fresh, const char *path) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0) return 0;
#elif defined(__APPLE__) && defined(RENAME_SWAP)
    if (renamex_np(fresh, path, RENAME_SWAP) == 0) return 0;
#endif
    return -1;
}

anm_status anm_path_replace(const char *fresh, const char *path, anm_error *err) {
    bool there = anm_path_exists(path);
    if (there && swap(fresh, path) == 0) {
        anm_path_sync_parent(path);
        return anm_path_remove(fresh, err);
    }
    if (there && anm_path_exists(fresh)) ANM_TRY(anm_path_remove(path, err));
    if (rename(fresh, path) != 0)
        return anm_fail(err, ANM_ERROR_IO, path, "cannot rename into place: %s", strerror(errno));
    anm_path_sync_parent(path);
    return ANM_OK;
}

static void staged_free(anm_staged_dir *dir) {
    anm_temporary_release(&dir->temporary);
    anm_free(dir->path);
    anm_free(dir);
}

static anm_status create_parent(char *path, anm_error *err) {
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) return ANM_OK;
    *slash = '\0';
    anm_status status = anm_dir_create(path, err);
    *slash = '/';
    return status;
}

anm_status anm_staged_dir_open(const char *final_path, anm_staged_dir **out, anm_error *err) {
    *out = NULL;
    anm_staged_dir *dir = anm_calloc(1, sizeof *dir);
    if (!dir) return anm_fail_memory(err);
    dir->path = anm_strdup(final_path);
    anm_status status = ANM_OK;
    if (!dir->path) {
        status = anm_fail_memory(err);
        goto fail;
    }
    for (size_t n = strlen(dir->path); n > 1 && dir->path[n - 1] == '/'; n--)
        dir->path[n - 1] = '\0';
    ANM_CHECK(create_parent(dir->path, err));
    ANM_CHECK(anm_temporary_dir(dir->path, &dir->temporary, err));
    *out = dir;
    return ANM_OK;
fail:
    staged_free(dir);
    return status;
}

const char *anm_staged_dir_path(const anm_staged_dir *dir) {
    return dir->temporary.path;
}

anm_status anm_staged_dir_commit(anm_staged_dir *dir, anm_error *err) {
    anm_status status;
    ANM_CHECK(anm_temporary_check(err));
    ANM_CHECK(anm_path_replace(dir->temporary.path, dir->path, err));
    staged_free(dir);
    return ANM_OK;
fail:
    anm_staged_dir_abort(dir);
    return status;
}

void anm_staged_dir_abort(anm_staged_dir *dir) {
    if (!dir) return;
    /* Best effort: the error that led here is the one to report. */
    anm_status ignored = anm_path_remove(dir->temporary.path, NULL);
    (void)ignored;
    staged_free(dir);
}

/* SPDX-License-Identifier: MIT */
/* Writing files so that nothing half-written ever has the final name. Directories: staged.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/temporary.h"

/*
 * The kernel caches a file in pieces as large and as aligned as the writes that made it, and who
 * maps it reads large pieces faster (by a third, from memory): so all writes but the last are of
 * whole, aligned buffers.
 */
enum { BUFFER_SIZE = 1 << 21 };

struct anm_writer {
    char *path;
    anm_temporary temporary;
    uint64_t written; /* bytes already handed to the kernel */
    size_t pending;
    unsigned char buffer[BUFFER_SIZE];
};

static anm_status fail_errno(anm_error *err, const char *path, const char *what) {
    return anm_fail(err, ANM_ERROR_IO, path, "cannot %s: %s", what, strerror(errno));
}

static void writer_free(anm_writer *w) {
    anm_temporary_release(&w->temporary);
    anm_free(w->path);
    anm_free(w);
}

anm_status anm_writer_open(const char *path, anm_writer **out, anm_error *err) {
    *out = NULL;
    anm_writer *w = anm_calloc(1, sizeof *w);
    if (!w) return anm_fail_memory(err);
    w->path = anm_strdup(path);
    anm_status status = w->path ? anm_temporary_file(path, &w->temporary, err)
                                : anm_fail_memory(err);
    if (status == ANM_OK) *out = w;
    else writer_free(w);
    return status;
}

static anm_status write_at(anm_writer *w, uint64_t offset, const unsigned char *data, size_t size,
                           anm_error *err) {
    while (size) {
        ssize_t n = pwrite(w->temporary.fd, data, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, w->path, "write");
        data += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return ANM_OK;
}

static anm_status flush(anm_writer *w, anm_error *err) {
    ANM_TRY(anm_temporary_check(err));
    ANM_TRY(write_at(w, w->written, w->buffer, w->pending, err));
    w->written += w->pending;
    w->pending = 0;
    return ANM_OK;
}

anm_status anm_writer_write(anm_writer *w, const void *data, size_t size, anm_error *err) {
    const unsigned char *from = data;
    while (size) {
        size_t room = BUFFER_SIZE - w->pending, n = size < room ? size : room;
        memcpy(w->buffer + w->pending, from, n);
        w->pending += n;
        from += n;
        size -= n;
        if (w->pending == BUFFER_SIZE) ANM_TRY(flush(w, err));
    }
    return ANM_OK;
}

anm_status anm_writer_patch(anm_writer *w, uint64_t offset, const void *data, size_t size,
                            anm_error *err) {
    ANM_TRY(flush(w, err));
    if (offset > w->written || size > w->written - offset)
        return anm_fail(err, ANM_ERROR_INTERNAL, w->path, "patch beyond what was written");
    return write_at(w, offset, data, size, err);
}

uint64_t anm_writer_offset(const anm_writer *w) {
    return w->written + w->pending;
}

anm_status anm_writer_commit(anm_writer *w, anm_error *err) {
    anm_status status;
    ANM_CHECK(flush(w, err));
    if (fsync(w->temporary.fd) != 0) {
        status = fail_errno(err, w->path, "sync");
        goto fail;
    }
    if (rename(w->temporary.path, w->path) != 0) {
        status = fail_errno(err, w->path, "rename into place");
        goto fail;
    }
    anm_path_sync_parent(w->path);
    writer_free(w);
    return ANM_OK;
fail:
    anm_writer_abort(w);
    return status;
}

void anm_writer_abort(anm_writer *w) {
    if (!w) return;
    unlink(w->temporary.path);
    writer_free(w);
}

anm_status anm_file_write(const char *path, const void *data, size_t size, anm_error *err) {
    anm_writer *w;
    ANM_TRY(anm_writer_open(path, &w, err));
    anm_status status = anm_writer_write(w, data, size, err);
    if (status == ANM_OK) return anm_writer_commit(w, err);
    anm_writer_abort(w);
    return status;
}

anm_status anm_file_copy(const char *from, const char *to, anm_error *err) {
    anm_mapping source;
    ANM_TRY(anm_mapping_open(from, &source, err));
    anm_status status = anm_file_write(to, source.data, source.size, err);
    anm_mapping_close(&source);
    return status;
}

anm_status anm_dir_create(const char *path, anm_error *err) {
    if (!*path) return anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "the name of a directory is empty");
    char *copy = anm_strdup(path);
    if (!copy) return anm_fail_memory(err);
    anm_status status = ANM_OK;
    for (char *p = copy + 1; status == ANM_OK; p++) {
        char saved = *p;
        if (saved != '/' && saved != '\0') continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && anm_path_is_dir(copy)))
            status = fail_errno(err, copy, "create directory");
        *p = saved;
        if (!saved) break;
    }
    anm_free(copy);
    return status;
}

static anm_status remove_at(int parent, const char *name, const char *shown, anm_error *err);

static anm_status remove_children(int fd, const char *shown, anm_error *err) {
    DIR *dir = fdopendir(fd);
    if (!dir) {
        anm_status status = fail_errno(err, shown, "list");
        close(fd);
        return status;
    }
    anm_status status = ANM_OK;
    for (struct dirent *e; status == ANM_OK && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            status = remove_at(dirfd(dir), e->d_name, shown, err);
    }
    closedir(dir);
    return status;
}

static anm_status remove_at(int parent, const char *name, const char *shown, anm_error *err) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return ANM_OK;
    if (errno != EISDIR && errno != EPERM) return fail_errno(err, shown, "remove");
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail_errno(err, shown, "remove");
    ANM_TRY(remove_children(fd, shown, err));
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0) return fail_errno(err, shown, "remove");
    return ANM_OK;
}

anm_status anm_path_remove(const char *path, anm_error *err) {
    return remove_at(AT_FDCWD, path, path, err);
}

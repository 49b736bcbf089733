/* SPDX-License-Identifier: MIT */
/* Writing files and directories so that nothing half-written ever has the final name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/str.h"

enum { BUFFER_SIZE = 1 << 18 };

struct anm_writer {
    int fd;
    char *path, *temporary;
    uint64_t written; /* bytes already handed to the kernel */
    size_t pending;
    unsigned char buffer[BUFFER_SIZE];
};

struct anm_staged_dir {
    char *path, *temporary;
};

static anm_status fail_errno(anm_error *err, const char *path, const char *what) {
    return anm_fail(err, ANM_ERROR_IO, path, "cannot %s: %s", what, strerror(errno));
}

/* "dir/.name.PID.N.partial" for "dir/name": hidden, on the same file system, and this caller's
 * alone, threads that write the same path at once included. */
static char *temporary_name(const char *path) {
    static atomic_uint serial;
    anm_strbuf name = {0};
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') len--;
    size_t base = len;
    while (base > 0 && path[base - 1] != '/') base--;
    anm_strbuf_append(&name, path, base);
    anm_strbuf_putc(&name, '.');
    anm_strbuf_append(&name, path + base, len - base);
    anm_strbuf_printf(&name, ".%ld.%u.partial", (long)getpid(), atomic_fetch_add(&serial, 1));
    if (!name.failed) return name.data;
    anm_strbuf_free(&name);
    return NULL;
}

/* A rename lasts only once the directory that holds the name is on disk too. */
static void sync_parent(const char *path) {
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

static void writer_free(anm_writer *w) {
    if (w->fd >= 0) close(w->fd);
    anm_free(w->path);
    anm_free(w->temporary);
    anm_free(w);
}

anm_status anm_writer_open(const char *path, anm_writer **out, anm_error *err) {
    *out = NULL;
    anm_writer *w = anm_calloc(1, sizeof *w);
    if (!w) return anm_fail_memory(err);
    w->fd = -1;
    w->path = anm_strdup(path);
    w->temporary = temporary_name(path);
    if (!w->path || !w->temporary) {
        writer_free(w);
        return anm_fail_memory(err);
    }
    w->fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        anm_status status = fail_errno(err, path, "create");
        writer_free(w);
        return status;
    }
    *out = w;
    return ANM_OK;
}

static anm_status write_at(anm_writer *w, uint64_t offset, const unsigned char *data, size_t size,
                           anm_error *err) {
    while (size) {
        ssize_t n = pwrite(w->fd, data, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, w->path, "write");
        data += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return ANM_OK;
}

static anm_status flush(anm_writer *w, anm_error *err) {
    ANM_TRY(write_at(w, w->written, w->buffer, w->pending, err));
    w->written += w->pending;
    w->pending = 0;
    return ANM_OK;
}

anm_status anm_writer_write(anm_writer *w, const void *data, size_t size, anm_error *err) {
    if (size > BUFFER_SIZE - w->pending) ANM_TRY(flush(w, err));
    if (size >= BUFFER_SIZE) {
        ANM_TRY(write_at(w, w->written, data, size, err));
        w->written += size;
        return ANM_OK;
    }
    if (size) memcpy(w->buffer + w->pending, data, size);
    w->pending += size;
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
    if (fsync(w->fd) != 0) {
        status = fail_errno(err, w->path, "sync");
        goto fail;
    }
    if (rename(w->temporary, w->path) != 0) {
        status = fail_errno(err, w->path, "rename into place");
        goto fail;
    }
    sync_parent(w->path);
    writer_free(w);
    return ANM_OK;
fail:
    anm_writer_abort(w);
    return status;
}

void anm_writer_abort(anm_writer *w) {
    if (!w) return;
    unlink(w->temporary);
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

static void staged_free(anm_staged_dir *dir) {
    anm_free(dir->path);
    anm_free(dir->temporary);
    anm_free(dir);
}

anm_status anm_staged_dir_open(const char *final_path, anm_staged_dir **out, anm_error *err) {
    *out = NULL;
    anm_staged_dir *dir = anm_calloc(1, sizeof *dir);
    if (!dir) return anm_fail_memory(err);
    dir->path = anm_strdup(final_path);
    dir->temporary = temporary_name(final_path);
    anm_status status = ANM_OK;
    if (!dir->path || !dir->temporary) {
        status = anm_fail_memory(err);
        goto fail;
    }
    for (size_t n = strlen(dir->path); n > 1 && dir->path[n - 1] == '/'; n--)
        dir->path[n - 1] = '\0';
    ANM_CHECK(anm_path_remove(dir->temporary, err));
    ANM_CHECK(anm_dir_create(dir->temporary, err));
    *out = dir;
    return ANM_OK;
fail:
    staged_free(dir);
    return status;
}

const char *anm_staged_dir_path(const anm_staged_dir *dir) {
    return dir->temporary;
}

anm_status anm_staged_dir_commit(anm_staged_dir *dir, anm_error *err) {
    anm_status status;
    ANM_CHECK(anm_path_remove(dir->path, err));
    if (rename(dir->temporary, dir->path) != 0) {
        status = fail_errno(err, dir->path, "rename into place");
        goto fail;
    }
    sync_parent(dir->path);
    staged_free(dir);
    return ANM_OK;
fail:
    anm_staged_dir_abort(dir);
    return status;
}

void anm_staged_dir_abort(anm_staged_dir *dir) {
    if (!dir) return;
    /* Best effort: the error that led here is the one to report. */
    anm_status ignored = anm_path_remove(dir->temporary, NULL);
    (void)ignored;
    staged_free(dir);
}

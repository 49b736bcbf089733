/* SPDX-License-Identifier: MIT */
/* Reading: mappings, whole files, directory listings and path helpers. Writing: filewrite.c. */
#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/vec.h"

static anm_status fail_errno(anm_error *err, const char *path, const char *what) {
    anm_status status = errno == ENOENT ? ANM_ERROR_NOT_FOUND : ANM_ERROR_IO;
    return anm_fail(err, status, path, "cannot %s: %s", what, strerror(errno));
}

static anm_status open_regular(const char *path, int *fd, size_t *size, anm_error *err) {
    struct stat info;
    /* Opening a pipe would wait for a writer; regular files do not mind. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return fail_errno(err, path, "open");
    if (fstat(*fd, &info) == 0 && S_ISREG(info.st_mode)) {
        *size = (size_t)info.st_size;
        return ANM_OK;
    }
    close(*fd);
    return anm_fail(err, ANM_ERROR_IO, path, "not a regular file");
}

static bool is_lfs_pointer(const anm_mapping *m) {
    static const char mark[] = "version https://git-lfs.github.com/spec/";
    return m->size >= sizeof mark - 1 && m->size <= 1024 &&
           memcmp(m->data, mark, sizeof mark - 1) == 0;
}

anm_status anm_mapping_open(const char *path, anm_mapping *out, anm_error *err) {
    int fd;
    *out = (anm_mapping){.data = (const uint8_t *)""};
    ANM_TRY(open_regular(path, &fd, &out->size, err));
    if (out->size) {
        void *data = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            anm_status status = fail_errno(err, path, "map");
            close(fd);
            *out = (anm_mapping){0};
            return status;
        }
        out->data = data;
        out->mapped = true;
    }
    close(fd);
    if (!is_lfs_pointer(out)) return ANM_OK;
    anm_mapping_close(out);
    return anm_fail_at(err, ANM_ERROR_FORMAT, path, 0,
                       "this is a Git LFS pointer, not the file itself; run `git lfs pull` or "
                       "download the file");
}

void anm_mapping_close(anm_mapping *mapping) {
    if (mapping->mapped) munmap((void *)mapping->data, mapping->size);
    *mapping = (anm_mapping){0};
}

void anm_mapping_drop(const anm_mapping *mapping, size_t offset, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin = (offset + page - 1) / page * page, end = (offset + size) / page * page;
    if (mapping->mapped && end > begin && end <= mapping->size)
        madvise((void *)(mapping->data + begin), end - begin, MADV_DONTNEED);
}

/* The pages that hold part of the bytes, as advice is given by whole pages. */
static int advise(const anm_mapping *mapping, size_t offset, size_t size, int advice) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = offset / page * page;
    if (!mapping->mapped || offset >= mapping->size) return 0;
    if (size > mapping->size - offset) size = mapping->size - offset;
    return madvise((void *)(mapping->data + begin), offset + size - begin, advice);
}

void anm_mapping_expect(const anm_mapping *mapping, size_t offset, size_t size) {
    (void)advise(mapping, offset, size, MADV_WILLNEED);
}

#ifdef MADV_POPULATE_READ
/* Faults all pages in with one call, which fails where a page cannot be read; touching that one
 * would end the process. */
bool anm_mapping_fetch(const anm_mapping *mapping, size_t offset, size_t size) {
    if (advise(mapping, offset, size, MADV_POPULATE_READ) == 0) return true;
    return errno != EFAULT && errno != EHWPOISON;
}
#else
bool anm_mapping_fetch(const anm_mapping *mapping, size_t offset, size_t size) {
    (void)advise(mapping, offset, size, MADV_WILLNEED);
    return true;
}
#endif

static anm_status read_fully(int fd, const char *path, char *data, size_t size, anm_error *err) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, data + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, path, "read");
        if (n == 0) return anm_fail(err, ANM_ERROR_IO, path, "file shrank while it was read");
        done += (size_t)n;
    }
    return ANM_OK;
}

anm_status anm_file_read(anm_arena *arena, const char *path, size_t limit, char **data,
                         size_t *size, anm_error *err) {
    int fd;
    ANM_TRY(open_regular(path, &fd, size, err));
    anm_status status;
    if (*size > limit) {
        status = anm_fail(err, ANM_ERROR_LIMIT, path, "file has %zu bytes; at most %zu are read",
                          *size, limit);
    } else if (!(*data = anm_arena_alloc(arena, *size + 1))) {
        status = anm_fail_memory(err);
    } else {
        status = read_fully(fd, path, *data, *size, err);
    }
    close(fd);
    return status;
}

bool anm_path_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

bool anm_path_is_dir(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *anm_path_join(anm_arena *arena, const char *dir, const char *name) {
    size_t len = strlen(dir);
    return anm_arena_printf(arena, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
}

const char *anm_path_base(anm_arena *arena, const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    return path[end] ? anm_arena_strndup(arena, path + begin, end - begin) : path + begin;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

anm_status anm_dir_list(anm_arena *arena, const char *path, char ***names, size_t *count,
                        anm_error *err) {
    ANM_VEC(char *) found = {0};
    DIR *dir = opendir(path);
    if (!dir) return fail_errno(err, path, "list");
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *name = anm_arena_strdup(arena, entry->d_name);
        ok = name && anm_vec_push(&found, name);
    }
    closedir(dir);
    if (found.len) qsort(found.data, found.len, sizeof(char *), compare_names);
    *count = found.len;
    *names = anm_arena_copy(arena, found.data, found.len * sizeof(char *));
    ok = ok && *names;
    anm_vec_free(&found);
    return ok ? ANM_OK : anm_fail_memory(err);
}

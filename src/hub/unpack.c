/* SPDX-License-Identifier: MIT */
#include "src/hub/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hub/hubname.h"

enum { MOST_ENTRIES = 100000, BLOCK = 1 << 20 };
/* Weights hardly shrink in a zip; text shrinks to a tenth. */
static const uint64_t always_fine = 256ull << 20, most_times = 100;

typedef struct unpacking {
    anm_arena *arena;
    const char *zip, *to;
    struct archive *archive;
    uint64_t limit, written; /* bytes */
    size_t entries;
    anm_status (*tick)(void *context, anm_error *err);
    void *context;
    anm_error *err;
} unpacking;

static anm_status fail_damaged(const unpacking *u) {
    const char *text = archive_error_string(u->archive);
    return anm_fail(u->err, ANM_ERROR_FORMAT, u->zip, "the zip is damaged: %.200s",
                    text ? text : "libarchive does not say why");
}

static anm_status fail_large(const unpacking *u) {
    return anm_fail(u->err, ANM_ERROR_LIMIT, u->zip,
                    "unpacked it would be over %llu MB, %llu times its size: that is no model",
                    (unsigned long long)(u->limit >> 20), (unsigned long long)most_times);
}

static anm_status fail_errno(const unpacking *u, const char *path, const char *what) {
    if (errno == ENOSPC)
        return anm_fail(u->err, ANM_ERROR_LIMIT, path, "the disk is full: make room, pull again");
    return anm_fail(u->err, ANM_ERROR_IO, path, "cannot %s: %s", what, strerror(errno));
}

static anm_status write_block(const unpacking *u, int fd, const char *path, const void *data,
                              size_t size, int64_t offset) {
    const char *from = data;
    while (size) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(u, path, "write");
        from += n;
        offset += n;
        size -= (size_t)n;
    }
    return ANM_OK;
}

static anm_status write_blocks(unpacking *u, int fd, const char *path) {
    for (;;) {
        const void *data;
        size_t size;
        la_int64_t offset;
        int code = archive_read_data_block(u->archive, &data, &size, &offset);
        if (code == ARCHIVE_EOF) break;
        if (code != ARCHIVE_OK) return fail_damaged(u);
        u->written += size;
        if (u->written > u->limit || offset < 0 || (uint64_t)offset > u->limit)
            return fail_large(u);
        ANM_TRY(write_block(u, fd, path, data, size, offset));
        ANM_TRY(u->tick(u->context, u->err));
    }
    return fsync(fd) == 0 ? ANM_OK : fail_errno(u, path, "sync");
}

static anm_status make_parent(const unpacking *u, const char *path) {
    char *parent = anm_arena_strdup(u->arena, path);
    if (!parent) return anm_fail_memory(u->err);
    *strrchr(parent, '/') = '\0';
    return anm_dir_create(parent, u->err);
}

static anm_status make_file(unpacking *u, struct archive_entry *entry, const char *path) {
    if (archive_entry_size_is_set(entry) &&
        (uint64_t)archive_entry_size(entry) > u->limit - u->written)
        return fail_large(u);
    ANM_TRY(make_parent(u, path));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return anm_fail(u->err, ANM_ERROR_FORMAT, u->zip, "the zip holds a file twice: %.200s",
                        path + strlen(u->to) + 1);
    if (fd < 0) return fail_errno(u, path, "create");
    anm_status status = write_blocks(u, fd, path);
    if (close(fd) != 0 && status == ANM_OK) status = fail_errno(u, path, "write");
    return status;
}

/* What macOS puts into zips beside the files. */
static bool is_litter(const char *name) {
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    return anm_str_starts(name, "__MACOSX") || anm_str_starts(base, "._") ||
           strcmp(base, ".DS_Store") == 0;
}

static anm_status unpack_entry(unpacking *u, struct archive_entry *entry) {
    const char *given = archive_entry_pathname(entry);
    char *name = given ? anm_arena_strdup(u->arena, given) : NULL;
    size_t length = name ? strlen(name) : 0;
    if (!name || ++u->entries > MOST_ENTRIES)
        return anm_fail(u->err, ANM_ERROR_LIMIT, u->zip, "over %d entries, or one without a name",
                        MOST_ENTRIES);
    mode_t type = archive_entry_filetype(entry);
    if (length && name[length - 1] == '/') name[length - 1] = '\0';
    if (!anm_hub_path_is_tame(name))
        return anm_fail(u->err, ANM_ERROR_FORMAT, u->zip,
                        "the zip holds a name that leads out of it: \"%.200s\"", given);
    if ((type != AE_IFREG && type != AE_IFDIR) || archive_entry_hardlink(entry) ||
        archive_entry_symlink(entry))
        return anm_fail(u->err, ANM_ERROR_FORMAT, u->zip,
                        "the zip holds a link or device: \"%.200s\"", given);
    if (is_litter(name)) return ANM_OK;
    const char *path = anm_path_join(u->arena, u->to, name);
    if (!path) return anm_fail_memory(u->err);
    return type == AE_IFDIR ? anm_dir_create(path, u->err) : make_file(u, entry, path);
}

static anm_status unpack_entries(unpacking *u) {
    for (;;) {
        struct archive_entry *entry;
        int code = archive_read_next_header(u->archive, &entry);
        if (code == ARCHIVE_EOF) return ANM_OK;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return fail_damaged(u);
        if (archive_entry_is_encrypted(entry))
            return anm_fail(u->err, ANM_ERROR_UNSUPPORTED, u->zip, "the zip has a password");
        anm_arena_mark mark = anm_arena_get_mark(u->arena);
        anm_status status = unpack_entry(u, entry);
        anm_arena_release(u->arena, mark);
        ANM_TRY(status);
    }
}

anm_status anm_hub_unpack(anm_arena *arena, const char *zip, const char *to,
                          anm_status (*tick)(void *context, anm_error *err), void *context,
                          anm_error *err) {
    struct stat st;
    unpacking u = {.arena = arena, .zip = zip, .to = to, .tick = tick, .context = context,
                   .err = err, .archive = archive_read_new()};
    if (!u.archive) return anm_fail_memory(err);
    uint64_t size = stat(zip, &st) == 0 ? (uint64_t)st.st_size : 0;
    u.limit = size * most_times > always_fine ? size * most_times : always_fine;
    anm_status status;
    if (archive_read_support_format_zip_seekable(u.archive) != ARCHIVE_OK ||
        archive_read_open_filename(u.archive, zip, BLOCK) != ARCHIVE_OK)
        status = fail_damaged(&u);
    else status = unpack_entries(&u);
    archive_read_free(u.archive);
    return status;
}

static bool is_model(anm_arena *arena, const char *dir) {
    static const char *const marks[] = {"coremldata.bin", "model.mil", "Manifest.json", NULL};
    for (const char *const *mark = marks; *mark; mark++) {
        const char *path = anm_path_join(arena, dir, *mark);
        if (path && anm_path_exists(path)) return true;
    }
    return false;
}

anm_status anm_hub_unpacked_root(anm_arena *arena, const char *dir, const char *name,
                                 const char *zip, const char **out, anm_error *err) {
    char **names;
    size_t count;
    *out = anm_path_join(arena, dir, name);
    if (!*out) return anm_fail_memory(err);
    if (is_model(arena, *out)) return ANM_OK;
    *out = dir;
    if (is_model(arena, dir)) return ANM_OK;
    ANM_TRY(anm_dir_list(arena, dir, &names, &count, err));
    *out = count == 1 ? anm_path_join(arena, dir, names[0]) : NULL;
    if (*out && is_model(arena, *out)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, zip, "the zip holds no model");
}

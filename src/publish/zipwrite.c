/* SPDX-License-Identifier: MIT */
/* Zip files whose bytes depend on their contents alone. */
#include <archive.h>
#include <archive_entry.h>

#include "src/base/file.h"
#include "src/publish/publish_internal.h"

enum { PIECE = 4 << 20 };

static anm_status fail(struct archive *a, const char *where, anm_error *err) {
    const char *text = archive_error_string(a);
    return anm_fail(err, ANM_ERROR_IO, where, "cannot write the zip: %s",
                    text ? text : "libarchive does not say why");
}

static anm_status write_data(struct archive *a, const char *zip, const anm_mapping *file,
                             anm_error *err) {
    for (size_t done = 0; done < file->size;) {
        size_t n = file->size - done < PIECE ? file->size - done : PIECE;
        la_ssize_t written = archive_write_data(a, file->data + done, n);
        if (written <= 0) return fail(a, zip, err);
        done += (size_t)written;
    }
    anm_mapping_drop(file, 0, file->size);
    return ANM_OK;
}

/* No time: libarchive then writes the earliest that a zip can say, in every time zone. */
static anm_status write_entry(struct archive *a, const char *zip, const char *name,
                              const anm_mapping *file, anm_error *err) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry) return anm_fail_memory(err);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)file->size);
    int code = anm_str_ends(name, ".bin") ? archive_write_zip_set_compression_store(a)
                                          : archive_write_zip_set_compression_deflate(a);
    if (code == ARCHIVE_OK) code = archive_write_header(a, entry);
    archive_entry_free(entry);
    return code == ARCHIVE_OK ? write_data(a, zip, file, err) : fail(a, zip, err);
}

static anm_status write_entries(anm_arena *arena, struct archive *a, const char *dir,
                                const char *name, const char *zip, anm_error *err) {
    char **paths;
    size_t count;
    ANM_TRY(anm_tree_list(arena, dir, &paths, &count, err));
    for (size_t i = 0; i < count; i++) {
        anm_mapping file;
        const char *path = anm_path_join(arena, dir, paths[i]);
        const char *entry = anm_path_join(arena, name, paths[i]);
        if (!path || !entry) return anm_fail_memory(err);
        ANM_TRY(anm_mapping_open(path, &file, err));
        anm_status status = write_entry(a, zip, entry, &file, err);
        anm_mapping_close(&file);
        ANM_TRY(status);
    }
    return archive_write_close(a) == ARCHIVE_OK ? ANM_OK : fail(a, zip, err);
}

anm_status anm_zip_directory(anm_arena *arena, const char *dir, const char *name, const char *zip,
                             anm_error *err) {
    struct archive *a = archive_write_new();
    if (!a) return anm_fail_memory(err);
    anm_status status = ANM_OK;
    if (archive_write_set_format_zip(a) != ARCHIVE_OK ||
        archive_write_open_filename(a, zip) != ARCHIVE_OK)
        status = fail(a, zip, err);
    if (status == ANM_OK) status = write_entries(arena, a, dir, name, zip, err);
    archive_write_free(a);
    return status;
}

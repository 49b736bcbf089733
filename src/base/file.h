/* SPDX-License-Identifier: MIT */
/*
 * Files: mapped reading, and writing that never leaves half a file or directory under its final
 * name (write to a temporary name beside it, fsync, rename).
 */
#ifndef ANM_BASE_FILE_H
#define ANM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/status.h"

/* A read-only mapping. An empty file has size 0 and data "". */
typedef struct anm_mapping {
    const uint8_t *data;
    size_t size;
    bool mapped;
} anm_mapping;

/*
 * The small text file that Git LFS leaves in the place of a large one is refused as such, with
 * ANM_ERROR_FORMAT: every kind of model file can meet that fate.
 */
ANM_MUST_CHECK anm_status anm_mapping_open(const char *path, anm_mapping *out, anm_error *err);
void anm_mapping_close(anm_mapping *mapping);
/* Tells the kernel that these pages are not needed soon, so that they don't count as resident. */
void anm_mapping_drop(const anm_mapping *mapping, size_t offset, size_t size);

/* Tells the kernel that these bytes are wanted soon: it may begin to read them. */
void anm_mapping_expect(const anm_mapping *mapping, size_t offset, size_t size);
/* Waits until these bytes are in memory. False if they cannot be read: the file was cut, or its
 * disk failed. */
bool anm_mapping_fetch(const anm_mapping *mapping, size_t offset, size_t size);

/* Whole file into arena memory, with a zero byte after the end. */
ANM_MUST_CHECK anm_status anm_file_read(anm_arena *arena, const char *path, size_t limit,
                                        char **data, size_t *size, anm_error *err);

bool anm_path_exists(const char *path);
bool anm_path_is_dir(const char *path);
/* Whether `path`, which need not exist, is the directory `dir` or leads into it, symbolic links
 * followed. False where `dir` does not exist. */
bool anm_path_within(const char *path, const char *dir);
/* "dir/name" in the arena. */
char *anm_path_join(anm_arena *arena, const char *dir, const char *name);
/* Last component, trailing slashes ignored; points into `path` or at a copy in the arena. */
const char *anm_path_base(anm_arena *arena, const char *path);
/* Creates the directory and its missing parents. */
ANM_MUST_CHECK anm_status anm_dir_create(const char *path, anm_error *err);
/* Removes a file or a directory tree; a missing one is fine. Symbolic links are not followed. */
ANM_MUST_CHECK anm_status anm_path_remove(const char *path, anm_error *err);
/* Renames a file or directory to `path` in place of what stands there, which is removed. At every
 * moment the old content is there or the new one, where the system can swap names. */
ANM_MUST_CHECK anm_status anm_path_replace(const char *fresh, const char *path, anm_error *err);
/* A rename lasts only once the directory that holds the name is on disk too. */
void anm_path_sync_parent(const char *path);
/* Names in a directory, sorted, without "." and ".."; memory from the arena. */
ANM_MUST_CHECK anm_status anm_dir_list(anm_arena *arena, const char *path, char ***names,
                                       size_t *count, anm_error *err);

/* A buffered writer to a file under a temporary name. */
typedef struct anm_writer anm_writer;
ANM_MUST_CHECK anm_status anm_writer_open(const char *path, anm_writer **out, anm_error *err);
ANM_MUST_CHECK anm_status anm_writer_write(anm_writer *w, const void *data, size_t size,
                                           anm_error *err);
/* Overwrites bytes that were written before, e.g. a count in a header. */
ANM_MUST_CHECK anm_status anm_writer_patch(anm_writer *w, uint64_t offset, const void *data,
                                           size_t size, anm_error *err);
uint64_t anm_writer_offset(const anm_writer *w);
/* Flush, fsync, rename to the final name, release `w` in every case. */
ANM_MUST_CHECK anm_status anm_writer_commit(anm_writer *w, anm_error *err);
void anm_writer_abort(anm_writer *w); /* removes the temporary file; NULL is fine */

ANM_MUST_CHECK anm_status anm_file_write(const char *path, const void *data, size_t size,
                                         anm_error *err);
ANM_MUST_CHECK anm_status anm_file_copy(const char *from, const char *to, anm_error *err);

/*
 * A directory (such as a package) that appears under its final name only when complete: fill
 * `anm_staged_dir_path`, then commit. Commit replaces what stood under the final name.
 */
typedef struct anm_staged_dir anm_staged_dir;
ANM_MUST_CHECK anm_status anm_staged_dir_open(const char *final_path, anm_staged_dir **out,
                                              anm_error *err);
const char *anm_staged_dir_path(const anm_staged_dir *dir);
ANM_MUST_CHECK anm_status anm_staged_dir_commit(anm_staged_dir *dir, anm_error *err);
void anm_staged_dir_abort(anm_staged_dir *dir);

#endif

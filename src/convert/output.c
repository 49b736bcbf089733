/* SPDX-License-Identifier: MIT */
/*
 * Staging, moving into place, sizes. The record's invariants, which hold at every moment:
 * a "staged" entry was written after its part was whole, and is removed before another is made;
 * a "placed" entry is removed before its part is touched. A staged part that is gone, with no
 * placed entry of its name, has been moved: its entry is right for what is in place.
 */
#include "src/convert/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/lockfile.h"

#define RECORD_FILE "parts.json"
#define LOCK_FILE "lock"
#define OLD_SUFFIX ".old"

struct anm_output {
    anm_arena *arena;
    const char *path, *stage;
    bool created; /* the directory, by us */
    anm_lockfile lock;
    anm_record record;
};

static bool same_directory(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

const char *anm_output_place(const anm_output *o, const char *name) {
    return anm_path_join(o->arena, o->path, name);
}

static const char *staged(const anm_output *o, const char *name) {
    return anm_path_join(o->arena, o->stage, name);
}

const char *anm_output_dir(const anm_output *o) {
    return o->stage;
}

static anm_status move_into(const char *from, const char *to, anm_error *err) {
    if (rename(from, to) == 0) return ANM_OK;
    return anm_fail(err, ANM_ERROR_IO, to, "cannot rename into place: %s", strerror(errno));
}

/* ---- opening ---- */

/* After a stop while parts were being moved. */
static anm_status settle(anm_output *o, anm_error *err) {
    void *next;
    const char *file;
    json_t *entry;
    json_object_foreach_safe(anm_record_parts(&o->record, ANM_RECORD_STAGED), next, file, entry) {
        const char *here = staged(o, file), *there = anm_output_place(o, file);
        if (!here || !there) return anm_fail_memory(err);
        if (anm_path_exists(here)) continue;
        if (!anm_record_find(&o->record, ANM_RECORD_PLACED, file) &&
            anm_entry_whole(o->arena, entry, there))
            ANM_TRY(anm_record_move(&o->record, file, ANM_RECORD_STAGED, ANM_RECORD_PLACED, err));
        else json_object_del(anm_record_parts(&o->record, ANM_RECORD_STAGED), file);
    }
    return ANM_OK;
}

/* What no record speaks of is half-made, or was on its way out. */
static anm_status tidy(const anm_output *o, anm_error *err) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(o->arena, o->stage, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], RECORD_FILE) == 0 || strcmp(names[i], LOCK_FILE) == 0) continue;
        if (anm_record_find(&o->record, ANM_RECORD_STAGED, names[i])) continue;
        const char *path = staged(o, names[i]);
        if (!path) return anm_fail_memory(err);
        ANM_TRY(anm_path_remove(path, err));
    }
    return ANM_OK;
}

/* The folder may go as we reach for its lock: another conversion ended with nothing to keep. */
static anm_status take_lock(anm_output *o, anm_error *err) {
    const char *lock = staged(o, LOCK_FILE);
    anm_status status = lock ? ANM_ERROR_IO : anm_fail_memory(err);
    for (int attempt = 0; attempt < 10 && status == ANM_ERROR_IO; attempt++) {
        ANM_TRY(anm_dir_create(o->stage, err));
        status = anm_lockfile_take(lock, o->path, &o->lock, err);
        if (status == ANM_ERROR_IO && anm_path_is_dir(o->stage)) break;
    }
    return status;
}

static anm_status prepare(anm_output *o, anm_error *err) {
    const char *record = staged(o, RECORD_FILE);
    if (!record) return anm_fail_memory(err);
    ANM_TRY(take_lock(o, err));
    ANM_TRY(anm_record_load(record, &o->record, err));
    ANM_TRY(settle(o, err));
    return tidy(o, err);
}

anm_status anm_output_open(anm_arena *arena, const char *path, const char *model_dir,
                           anm_output **out, anm_error *err) {
    *out = NULL;
    anm_output *o = ANM_ARENA_NEW(arena, anm_output);
    if (!o) return anm_fail_memory(err);
    *o = (anm_output){.arena = arena, .path = path, .created = !anm_path_exists(path)};
    if (same_directory(path, model_dir))
        return anm_fail(err, ANM_ERROR_ARGUMENT, path,
                        "the output directory is the model's own; choose another one");
    if (!o->created && !anm_path_is_dir(path))
        return anm_fail(err, ANM_ERROR_ARGUMENT, path, "exists and is not a directory");
    o->stage = anm_output_place(o, ANM_OUTPUT_STAGE);
    if (!o->stage) return anm_fail_memory(err);
    anm_status status = prepare(o, err);
    if (status == ANM_OK) *out = o;
    else anm_output_close(o);
    return status;
}

/* ---- what is there ---- */

static const json_t *fitting(const anm_output *o, anm_record_list list, const char *file,
                             const char *path, const anm_identity *identity) {
    const json_t *entry = anm_record_find(&o->record, list, file);
    if (!entry || !anm_entry_fits(entry, identity)) return NULL;
    return anm_entry_whole(o->arena, entry, path) ? entry : NULL;
}

anm_output_state anm_output_look(const anm_output *o, const char *file,
                                 const anm_identity *identity, const json_t **entry) {
    const char *here = staged(o, file), *there = anm_output_place(o, file);
    *entry = NULL;
    if (!here || !there) return ANM_OUTPUT_MISSING;
    if ((*entry = fitting(o, ANM_RECORD_STAGED, file, here, identity))) return ANM_OUTPUT_STAGED;
    if ((*entry = fitting(o, ANM_RECORD_PLACED, file, there, identity))) return ANM_OUTPUT_PLACED;
    if (!anm_path_exists(there)) return ANM_OUTPUT_MISSING;
    return anm_record_find(&o->record, ANM_RECORD_PLACED, file) ? ANM_OUTPUT_STALE
                                                                : ANM_OUTPUT_FOREIGN;
}

anm_status anm_output_check_source(const anm_output *o, const char *name, const char *model_dir,
                                   anm_error *err) {
    const char *place = anm_output_place(o, name);
    if (!place) return anm_fail_memory(err);
    if (!anm_path_within(model_dir, place)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, place,
                    "holds the checkpoint that is converted; choose another directory");
}

/* ---- making ---- */

anm_status anm_output_clear(anm_output *o, const char *file, anm_error *err) {
    const char *path = staged(o, file);
    if (!path) return anm_fail_memory(err);
    if (anm_record_find(&o->record, ANM_RECORD_STAGED, file)) {
        json_object_del(anm_record_parts(&o->record, ANM_RECORD_STAGED), file);
        ANM_TRY(anm_record_save(&o->record, err));
    }
    return anm_path_remove(path, err);
}

anm_status anm_output_finish(anm_output *o, const char *file, const anm_identity *identity,
                             const anm_convert_report *report, anm_report_mark mark,
                             anm_error *err) {
    const char *path = staged(o, file);
    json_t *entry;
    if (!path) return anm_fail_memory(err);
    ANM_TRY(anm_entry_make(o->arena, path, identity, &entry, err));
    anm_status status = anm_entry_note(entry, report, mark, err);
    if (status == ANM_OK &&
        json_object_set(anm_record_parts(&o->record, ANM_RECORD_STAGED), file, entry) != 0)
        status = anm_fail_memory(err);
    json_decref(entry);
    return status == ANM_OK ? anm_record_save(&o->record, err) : status;
}

/* ---- moving into place ---- */

/* What stands there is moved out of the way first: removing a tree takes time, and may stop half
 * way. */
static anm_status put(const anm_output *o, const char *name, anm_error *err) {
    const char *from = staged(o, name), *to = anm_output_place(o, name);
    const char *old = anm_arena_printf(o->arena, "%s/%s" OLD_SUFFIX, o->stage, name);
    if (!from || !to || !old) return anm_fail_memory(err);
    if (anm_path_exists(to)) {
        ANM_TRY(anm_path_remove(old, err));
        ANM_TRY(move_into(to, old, err));
    }
    ANM_TRY(move_into(from, to, err));
    return anm_path_remove(old, err);
}

static bool is_staged(const anm_output *o, const char *name) {
    const char *path = staged(o, name);
    return path && anm_path_exists(path);
}

/* Whether what is staged by this name has something in its way. */
static anm_status in_the_way(const anm_output *o, const char *name, bool replace, bool *is,
                             anm_error *err) {
    const char *there = anm_output_place(o, name);
    if (!there) return anm_fail_memory(err);
    *is = is_staged(o, name) && anm_path_exists(there);
    if (!*is || replace) return ANM_OK;
    return anm_fail(err, ANM_ERROR_IO, there,
                    "was made by somebody else while the conversion ran; nothing was replaced");
}

/* Forgets the parts that are about to be replaced; *replaced: there are any. */
static anm_status forget(anm_output *o, const char *const *names, size_t count, bool replace,
                         bool *replaced, anm_error *err) {
    *replaced = false;
    for (size_t i = 0; i < count; i++) {
        bool is;
        ANM_TRY(in_the_way(o, names[i], replace, &is, err));
        if (is) json_object_del(anm_record_parts(&o->record, ANM_RECORD_PLACED), names[i]);
        *replaced |= is;
    }
    return *replaced ? anm_record_save(&o->record, err) : ANM_OK;
}

static anm_status put_all(anm_output *o, const char *const *names, size_t count, anm_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!is_staged(o, names[i])) continue;
        ANM_TRY(put(o, names[i], err));
        if (anm_record_find(&o->record, ANM_RECORD_STAGED, names[i]))
            ANM_TRY(
                anm_record_move(&o->record, names[i], ANM_RECORD_STAGED, ANM_RECORD_PLACED, err));
    }
    anm_path_sync_parent(o->stage);
    return ANM_OK;
}

anm_status anm_output_commit(anm_output *o, const char *const *names, size_t count,
                             const char *last, bool replace, anm_error *err) {
    bool replaced;
    const char *end = anm_output_place(o, last);
    if (!end) return anm_fail_memory(err);
    ANM_TRY(in_the_way(o, last, replace, &replaced, err));
    ANM_TRY(forget(o, names, count, replace, &replaced, err));
    if (replaced || is_staged(o, last)) ANM_TRY(anm_path_remove(end, err));
    ANM_TRY(put_all(o, names, count, err));
    ANM_TRY(anm_record_save(&o->record, err));
    return is_staged(o, last) ? put(o, last, err) : ANM_OK;
}

/* ---- closing ---- */

size_t anm_output_close(anm_output *o) {
    if (!o) return 0;
    anm_status ignored;
    size_t kept = o->record.root ? json_object_size(anm_record_parts(&o->record, ANM_RECORD_STAGED))
                                 : 0;
    size_t all = kept + (o->record.root
                             ? json_object_size(anm_record_parts(&o->record, ANM_RECORD_PLACED))
                             : 0);
    const char *record = staged(o, RECORD_FILE);
    if (o->record.root) {
        ignored = tidy(o, NULL);
        if (!all && record) ignored = anm_path_remove(record, NULL);
    }
    (void)ignored; /* best effort: the error that led here is the one to report */
    anm_record_close(&o->record);
    anm_lockfile_release(&o->lock);
    rmdir(o->stage); /* if nothing is left in it, nor in what we created */
    if (o->created) rmdir(o->path);
    return kept;
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

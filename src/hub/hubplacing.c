/* SPDX-License-Identifier: MIT */
/* The last steps of a pull: zips become folders, and the folder of the revision gets its name. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hub/hubjob.h"
#include "src/hub/hubselect.h"
#include "src/hub/unpack.h"

/* ---- zips ---- */

static anm_status on_tick(void *context, anm_error *err) {
    anm_hub_job *job = context;
    return anm_hub_meter_at(&job->meter, job->meter.now.done, err);
}

/* The folder takes its name when it is whole, and only then the zip goes. */
static anm_status unpack_to(anm_hub_job *job, const char *zip, const char *folder) {
    const char *root, *temporary = anm_path_join(job->arena, job->work, "unpacked");
    const char *name = strrchr(folder, '/') + 1;
    if (!temporary) return anm_fail_memory(job->err);
    ANM_TRY(anm_path_remove(temporary, job->err));
    ANM_TRY(anm_dir_create(temporary, job->err));
    ANM_TRY(anm_hub_unpack(job->arena, zip, temporary, on_tick, job, job->err));
    ANM_TRY(anm_hub_unpacked_root(job->arena, temporary, name, zip, &root, job->err));
    ANM_TRY(anm_path_replace(root, folder, job->err));
    ANM_TRY(anm_path_remove(temporary, job->err));
    return anm_path_remove(zip, job->err);
}

/* A zip that cannot be unpacked is as good as none: it is not kept for the next time. */
static anm_status unpack_one(anm_hub_job *job, anm_hub_file *file, size_t stem) {
    const char *zip = anm_path_join(job->arena, job->staged, file->path);
    char *folder = zip ? anm_arena_strdup(job->arena, zip) : NULL;
    char *unpacked = anm_arena_strndup(job->arena, file->path, stem);
    if (!folder || !unpacked) return anm_fail_memory(job->err);
    folder[strlen(folder) - 4] = '\0';
    file->unpacked = unpacked;
    if (!anm_path_exists(zip)) return ANM_OK;
    job->meter.now.file = file->path;
    anm_status status = unpack_to(job, zip, folder);
    if (status == ANM_ERROR_FORMAT || status == ANM_ERROR_UNSUPPORTED) {
        anm_status ignored = anm_path_remove(zip, NULL);
        (void)ignored;
    }
    if (status != ANM_OK && job->err) {
        anm_error problem = *job->err;
        return anm_fail(job->err, status, file->path, "%s", problem.message);
    }
    job->meter.now.done += file->size;
    return status;
}

static bool is_had(const anm_hub_job *job, const anm_hub_file *file) {
    const anm_hub_file *had = anm_hub_files_find(&job->had.files, file->path);
    return had && strcmp(had->hash, file->hash) == 0;
}

static anm_status unpack_all(anm_hub_job *job) {
    uint64_t total = 0;
    size_t stem;
    for (size_t i = 0; i < job->wanted.len; i++) {
        const anm_hub_file *f = &job->wanted.data[i];
        if (anm_hub_is_zip(f->path, &stem) && !is_had(job, f)) total += f->size;
    }
    if (!total) return ANM_OK;
    ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_UNPACKING, total, job->err));
    for (size_t i = 0; i < job->wanted.len; i++) {
        anm_hub_file *f = &job->wanted.data[i];
        if (anm_hub_is_zip(f->path, &stem) && !is_had(job, f))
            ANM_TRY(unpack_one(job, f, stem));
    }
    return ANM_OK;
}

/* ---- the folder ---- */

/* What was there before, and what has come. */
static anm_status join_lists(const anm_hub_job *job, anm_hub_manifest *out) {
    *out = (anm_hub_manifest){.name = job->name.repo, .revision = job->commit,
                              .usual = job->usual || job->had.usual};
    for (size_t i = 0; i < job->had.files.len; i++)
        if (!anm_vec_push(&out->files, job->had.files.data[i])) return anm_fail_memory(job->err);
    for (size_t i = 0; i < job->wanted.len; i++)
        if (!is_had(job, &job->wanted.data[i]) &&
            !anm_vec_push(&out->files, job->wanted.data[i]))
            return anm_fail_memory(job->err);
    anm_hub_files_sort(&out->files);
    return ANM_OK;
}

static anm_status move_one(anm_hub_job *job, const anm_hub_file *file) {
    const char *path = file->unpacked ? file->unpacked : file->path;
    const char *from = anm_path_join(job->arena, job->staged, path);
    const char *to = anm_path_join(job->arena, job->final, path);
    char *parent = to ? anm_arena_strdup(job->arena, to) : NULL;
    if (!parent || !from) return anm_fail_memory(job->err);
    *strrchr(parent, '/') = '\0';
    ANM_TRY(anm_dir_create(parent, job->err));
    return anm_path_exists(from) ? anm_path_replace(from, to, job->err) : ANM_OK;
}

/* Beside files that are there already: one by one, and the list of all when all are there. */
static anm_status add_to_final(anm_hub_job *job, const anm_hub_manifest *manifest) {
    for (size_t i = 0; i < job->wanted.len; i++)
        if (!is_had(job, &job->wanted.data[i])) ANM_TRY(move_one(job, &job->wanted.data[i]));
    return anm_hub_manifest_write(job->arena, job->final, manifest, job->err);
}

static anm_status place_all(anm_hub_job *job, const anm_hub_manifest *manifest) {
    if (job->had.revision) return add_to_final(job, manifest);
    ANM_TRY(anm_dir_create(job->staged, job->err));
    ANM_TRY(anm_hub_manifest_write(job->arena, job->staged, manifest, job->err));
    return anm_path_replace(job->staged, job->final, job->err);
}

anm_status anm_hub_put_in_place(anm_hub_job *job) {
    anm_hub_manifest manifest = {0};
    ANM_TRY(unpack_all(job));
    anm_status status = join_lists(job, &manifest);
    if (status == ANM_OK) status = place_all(job, &manifest);
    anm_vec_free(&manifest.files);
    if (status == ANM_OK) status = anm_path_remove(job->work, job->err);
    return status;
}

/* SPDX-License-Identifier: MIT */
#include "src/hub/hubjob.h"

#include <time.h>

#include "src/base/file.h"
#include "src/base/options.h"
#include "src/base/str.h"
#include "src/hub/hubselect.h"

enum { LOOK_AGAIN_MS = 100 };

static anm_status on_tick(void *context, anm_error *err) {
    anm_hub_job *job = context;
    job->meter.now.retries = job->asker.retries;
    return anm_hub_meter_at(&job->meter, 0, err);
}

anm_status anm_hub_job_open(anm_hub_job *job, const char *name, const anm_hub_options *options,
                            anm_error *err) {
    *job = (anm_hub_job){.options = options, .err = err, .arena = anm_arena_create()};
    if (!job->arena) return anm_fail_memory(err);
    if (!anm_hub_name_parse(name, &job->name))
        return anm_fail(err, ANM_ERROR_ARGUMENT, name,
                        "this is no name of a model: it takes ORG/NAME, such as Qwen/Qwen3-0.6B, "
                        "with @REVISION and :PATH where wanted");
    anm_hub_meter_begin(&job->meter, options, job->name.repo);
    ANM_TRY(anm_hub_connect(job->arena, options, &job->hub, err));
    job->asker = (anm_hub_asker){.hub = &job->hub, .name = job->name.repo, .tick = on_tick,
                                 .context = job};
    return anm_hub_place_of(job->arena, options->cache_dir, &job->name, &job->place, err);
}

void anm_hub_job_close(anm_hub_job *job) {
    anm_lockfile_release(&job->lock);
    anm_vec_free(&job->had.files);
    anm_vec_free(&job->all);
    anm_vec_free(&job->wanted);
    anm_arena_destroy(job->arena);
}

anm_status anm_hub_job_lock(anm_hub_job *job) {
    const char *path = anm_path_join(job->arena, job->place.repo, ".lock");
    if (!path) return anm_fail_memory(job->err);
    for (bool told = false;; told = true) {
        bool busy;
        ANM_TRY(anm_dir_create(job->place.repo, job->err));
        ANM_TRY(anm_lockfile_try(path, &busy, &job->lock, job->err));
        if (!busy) return ANM_OK;
        if (!told) ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_WAITING, 0, job->err));
        nanosleep(&(struct timespec){0, LOOK_AGAIN_MS * 1000000}, NULL);
        ANM_TRY(anm_hub_meter_at(&job->meter, 0, job->err));
    }
}

anm_status anm_hub_job_at(anm_hub_job *job, const char *commit) {
    anm_error problem;
    if (commit != job->commit) memcpy(job->commit, commit, strlen(commit) + 1);
    job->final = anm_path_join(job->arena, job->place.repo, commit);
    job->work =
        anm_arena_printf(job->arena, "%s/.%s" ANM_HUB_SUFFIX_PULL, job->place.repo, commit);
    job->parts = job->work ? anm_path_join(job->arena, job->work, "parts") : NULL;
    job->staged = job->work ? anm_path_join(job->arena, job->work, "files") : NULL;
    if (!job->final || !job->parts || !job->staged) return anm_fail_memory(job->err);
    anm_status status = anm_hub_manifest_read(job->arena, job->final, &job->had, &problem);
    if (status == ANM_OK || status == ANM_ERROR_NOT_FOUND) return ANM_OK;
    if (job->err) *job->err = problem;
    return status;
}

static bool is_staged(const anm_hub_job *job, const anm_hub_file *file) {
    size_t stem;
    anm_arena_mark mark = anm_arena_get_mark(job->arena);
    char *path = anm_path_join(job->arena, job->staged, file->path);
    bool there = path && anm_path_exists(path);
    /* A zip that is gone while its folder is there has been unpacked. */
    if (path && !there && anm_hub_is_zip(file->path, &stem)) {
        path[strlen(path) - 4] = '\0';
        there = anm_path_is_dir(path);
    }
    anm_arena_release(job->arena, mark);
    return there;
}

bool anm_hub_job_has(const anm_hub_job *job, const anm_hub_file *file) {
    const anm_hub_file *had = anm_hub_files_find(&job->had.files, file->path);
    if (had && strcmp(had->hash, file->hash) == 0) return true;
    return is_staged(job, file);
}

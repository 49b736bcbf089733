/* SPDX-License-Identifier: MIT */
/* Pulling: what there is, what is missing, getting it, putting it in place. */
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/temporary.h"
#include "src/hub/hubjob.h"
#include "src/hub/hubselect.h"

static anm_status fail_offline(const anm_hub_job *job) {
    return anm_fail(job->err, ANM_ERROR_NOT_FOUND, job->name.repo,
                    "revision \"%s\" is not in the cache (%s), or not all of it, and this is "
                    "offline: pull it once with the network, without HF_HUB_OFFLINE and --offline",
                    job->name.revision, job->place.models);
}

/* Offline, what is in the cache has to do. */
static anm_status pull_offline(anm_hub_job *job) {
    char commit[64];
    ANM_TRY(anm_hub_ref_read(job->arena, &job->place, job->name.revision, commit, job->err));
    if (!*commit) return fail_offline(job);
    ANM_TRY(anm_hub_job_at(job, commit));
    return job->had.revision ? ANM_OK : fail_offline(job);
}

static anm_status find_missing(anm_hub_job *job, bool *missing) {
    ANM_TRY(anm_hub_ask_files(job->arena, &job->asker, job->commit, &job->all, job->err));
    ANM_TRY(anm_hub_select(&job->all, &job->name, job->options, &job->wanted, &job->usual,
                           job->err));
    *missing = !job->had.revision || (job->usual && !job->had.usual);
    for (size_t i = 0; i < job->wanted.len && !*missing; i++)
        *missing = !anm_hub_job_has(job, &job->wanted.data[i]);
    return ANM_OK;
}

/* A commit does not change: what was all of it then is all of it now. */
static bool needs_no_question(const anm_hub_job *job) {
    const anm_hub_options *o = job->options;
    return anm_hub_is_commit(job->name.revision) && job->had.usual && !o->include && !o->exclude &&
           !job->name.path[0];
}

static anm_status pull_online(anm_hub_job *job) {
    char commit[64];
    bool missing;
    if (anm_hub_is_commit(job->name.revision)) {
        ANM_TRY(anm_hub_job_at(job, job->name.revision));
        if (needs_no_question(job))
            return anm_hub_ref_write(job->arena, &job->place, job->commit, job->commit, job->err);
        anm_vec_free(&job->had.files);
    }
    ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_LISTING, 0, job->err));
    ANM_TRY(anm_hub_ask_commit(job->arena, &job->asker, job->name.revision, commit, job->err));
    ANM_TRY(anm_hub_job_at(job, commit));
    ANM_TRY(find_missing(job, &missing));
    if (missing) {
        ANM_TRY(anm_hub_reuse(job));
        ANM_TRY(anm_hub_download(job));
        ANM_TRY(anm_hub_put_in_place(job));
    }
    return anm_hub_ref_write(job->arena, &job->place, job->name.revision, commit, job->err);
}

/*
 * Counted as writing, so that a signal lets the pull end in order: what came is on disk anyway, but
 * the lock and the folders of nothing go away.
 */
anm_status anm_hub_pull_job(anm_hub_job *job) {
    if (job->hub.offline) return pull_offline(job);
    anm_writing_begin();
    anm_status status = anm_hub_job_lock(job);
    if (status == ANM_OK) status = pull_online(job);
    anm_lockfile_release(&job->lock);
    if (job->work) rmdir(job->work); /* those that are empty */
    rmdir(job->place.repo);
    anm_writing_end();
    return status;
}

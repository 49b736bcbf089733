/* SPDX-License-Identifier: MIT */
/* A pull: what its steps share. */
#ifndef ANM_HUB_HUBJOB_H
#define ANM_HUB_HUBJOB_H

#include "src/base/lockfile.h"
#include "src/hub/hublist.h"
#include "src/hub/hubmanifest.h"
#include "src/hub/hubmeter.h"
#include "src/hub/hubplace.h"

typedef struct anm_hub_job {
    anm_arena *arena;
    const anm_hub_options *options;
    anm_hub_name name;
    anm_hub_connection hub;
    anm_hub_place place;
    anm_hub_asker asker;
    anm_hub_meter meter;
    anm_lockfile lock;
    char commit[64];
    const char *final; /* where the revision's files are to be: models/org--name/COMMIT */
    const char *work;  /* models/org--name/.COMMIT.pull */
    const char *parts, *staged; /* in it: what is coming, what is whole */
    anm_hub_manifest had;       /* what `final` holds */
    anm_hub_files all, wanted;
    bool usual;
    anm_error *err;
} anm_hub_job;

/* Takes options, name and places; nothing on disk changes. `job` is to be closed in every case. */
ANM_MUST_CHECK anm_status anm_hub_job_open(anm_hub_job *job, const char *name,
                                           const anm_hub_options *options, anm_error *err);
void anm_hub_job_close(anm_hub_job *job);
/* The lock of the repository's folder, waiting for whoever holds it. */
ANM_MUST_CHECK anm_status anm_hub_job_lock(anm_hub_job *job);
/* The commit is known: where it will be, and what is there. */
ANM_MUST_CHECK anm_status anm_hub_job_at(anm_hub_job *job, const char *commit);

/* Whether a wanted file is whole, in the cache or staged. */
bool anm_hub_job_has(const anm_hub_job *job, const anm_hub_file *file);
/* hubdownload.c: brings the wanted files that are missing to `staged`, checked. */
ANM_MUST_CHECK anm_status anm_hub_download(anm_hub_job *job);
/* hubreuse.c: links files that another revision in the cache has with the same hash. */
ANM_MUST_CHECK anm_status anm_hub_reuse(anm_hub_job *job);
/* hubplacing.c: unpacks what is zipped, and puts everything into its final place. */
ANM_MUST_CHECK anm_status anm_hub_put_in_place(anm_hub_job *job);
/* hubpull.c: all of it, the lock taken. */
ANM_MUST_CHECK anm_status anm_hub_pull_job(anm_hub_job *job);

#endif

/* SPDX-License-Identifier: MIT */
/* What the hub says a repository holds. */
#ifndef ANM_HUB_HUBLIST_H
#define ANM_HUB_HUBLIST_H

#include "src/base/vec.h"
#include "src/hub/hubconnect.h"
#include "src/hub/hubname.h"

typedef struct anm_hub_file {
    const char *path;
    uint64_t size;
    const char *hash;     /* SHA-256 of the content (64 digits), or SHA-1 of the git blob (40) */
    const char *unpacked; /* the folder that a zip became, where it is no longer; NULL */
} anm_hub_file;
typedef ANM_VEC(anm_hub_file) anm_hub_files;

typedef struct anm_hub_asker {
    const anm_hub_connection *hub;
    const char *name;                                  /* "org/name" */
    anm_status (*tick)(void *context, anm_error *err); /* progress and cancelling */
    void *context;
    size_t retries; /* counted */
} anm_hub_asker;

/* The commit that the revision stands at. */
ANM_MUST_CHECK anm_status anm_hub_ask_commit(anm_arena *arena, anm_hub_asker *asker,
                                             const char *revision, char commit[64],
                                             anm_error *err);
/* All files of a commit, sorted by path. Strings live in the arena; free the vector. */
ANM_MUST_CHECK anm_status anm_hub_ask_files(anm_arena *arena, anm_hub_asker *asker,
                                            const char *commit, anm_hub_files *out,
                                            anm_error *err);
/* Sorted lists only. NULL if it is not there. */
const anm_hub_file *anm_hub_files_find(const anm_hub_files *files, const char *path);
void anm_hub_files_sort(anm_hub_files *files);

#endif

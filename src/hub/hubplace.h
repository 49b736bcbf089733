/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in the cache:
 *
 *     models/org--name/COMMIT/             the files of a revision, whole
 *     models/org--name/COMMIT.converted/   packages made of them
 *     models/org--name/refs/main           the commit that "main" was at the last pull; a commit
 *                                          that was pulled by itself has a file of its own name
 *     models/org--name/.COMMIT.pull/       a pull that is going on, or was interrupted
 *     models/org--name/.lock               held while one of these changes
 */
#ifndef ANM_HUB_HUBPLACE_H
#define ANM_HUB_HUBPLACE_H

#include "src/base/arena.h"
#include "src/hub/hubname.h"

#define ANM_HUB_MANIFEST ".anemone-pull.json" /* in COMMIT/ */
#define ANM_HUB_SUFFIX_CONVERTED ".converted"
#define ANM_HUB_SUFFIX_PULL ".pull"
#define ANM_HUB_SUFFIX_CONVERTING ".converting" /* .COMMIT.converting: under way */
#define ANM_HUB_SUFFIX_REMOVED ".removed" /* .COMMIT.removed: on its way out */

typedef struct anm_hub_place {
    const char *models; /* the folder of all repositories */
    const char *repo;   /* models/org--name */
} anm_hub_place;

/* The cache's root; `given` may be NULL. */
ANM_MUST_CHECK anm_status anm_hub_root(anm_arena *arena, const char *given, const char **out,
                                       anm_error *err);
ANM_MUST_CHECK anm_status anm_hub_place_of(anm_arena *arena, const char *given,
                                           const anm_hub_name *name, anm_hub_place *out,
                                           anm_error *err);
/* The commit that a revision stood at; "" if that is not known. */
ANM_MUST_CHECK anm_status anm_hub_ref_read(anm_arena *arena, const anm_hub_place *place,
                                           const char *revision, char commit[64], anm_error *err);
ANM_MUST_CHECK anm_status anm_hub_ref_write(anm_arena *arena, const anm_hub_place *place,
                                            const char *revision, const char *commit,
                                            anm_error *err);
/* Everything beneath a path, as the disk counts it. */
uint64_t anm_hub_tree_bytes(anm_arena *arena, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a revision's folder in the cache holds: `.anemone-pull.json` in it. It is written before the
 * folder gets its name, so a folder of that name is whole.
 */
#ifndef ANM_HUB_HUBMANIFEST_H
#define ANM_HUB_HUBMANIFEST_H

#include "src/hub/hublist.h"

typedef struct anm_hub_manifest {
    const char *name, *revision;
    bool usual; /* it holds all that is usually wanted of the model, not only what was asked for */
    anm_hub_files files;
} anm_hub_manifest;

/* Of the revision's folder `dir`. ANM_ERROR_NOT_FOUND without one. Free `files`. */
ANM_MUST_CHECK anm_status anm_hub_manifest_read(anm_arena *arena, const char *dir,
                                                anm_hub_manifest *out, anm_error *err);
ANM_MUST_CHECK anm_status anm_hub_manifest_write(anm_arena *arena, const char *dir,
                                                 const anm_hub_manifest *manifest, anm_error *err);

#endif

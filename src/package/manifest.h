/* SPDX-License-Identifier: MIT */
/* Manifest.json: which file under Data/ is the model. */
#ifndef ANM_PACKAGE_MANIFEST_H
#define ANM_PACKAGE_MANIFEST_H

#include <stdbool.h>

#include "src/base/arena.h"

/* Path of the model file of the package at `path`, in the arena. */
ANM_MUST_CHECK anm_status anm_manifest_read(anm_arena *arena, const char *path,
                                            const char **model_file, anm_error *err);
/*
 * Writes the manifest for Data/com.apple.CoreML/{model.mlmodel, weights}. The identifiers are
 * made from `seed`, so that the same conversion gives the same bytes.
 */
ANM_MUST_CHECK anm_status anm_manifest_write(const char *dir, const char *seed, bool weights,
                                             anm_error *err);
/* How long it is, whatever the seed; 0 when memory is out. */
size_t anm_manifest_bytes(anm_arena *arena, bool weights);

#endif

/* SPDX-License-Identifier: MIT */
/* What combining and splitting share: picked functions and how they are written as a package. */
#ifndef ANM_PACKAGE_COMBINE_H
#define ANM_PACKAGE_COMBINE_H

#include "src/package/package.h"

/* A function of an open package, on its way into another. */
typedef struct anm_pick {
    anm_package *package;
    anm_mil_function *function;
    const anm_interface *interface;
    const char *name; /* in the result */
} anm_pick;

/*
 * Fills `interface` of a pick whose package and function are set. ANM_ERROR_UNSUPPORTED if it has
 * features that a written interface could not say.
 */
ANM_MUST_CHECK anm_status anm_pick_interface(anm_pick *pick, anm_error *err);

/*
 * The description of a package that holds these functions, in the arena; `standard` is the name
 * of its default function. Conflicts of the metadata go to the log.
 */
ANM_MUST_CHECK anm_status anm_picks_describe(anm_arena *arena, const anm_pick *picks, size_t count,
                                             const char *standard, anm_description *out,
                                             anm_error *err);

/*
 * Writes a package with these functions, their blobs in the order of first use. Literals of the
 * picked functions then name blobs of the new file, their data staying where it was: a function
 * may be picked and written again.
 */
ANM_MUST_CHECK anm_status anm_picks_write(const anm_pick *picks, size_t count, const char *path,
                                          int spec_version, const anm_description *description,
                                          anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* The interface description of a package that was just built: features from the program's own
 * signature, metadata in ANEMLL's keys. */
#ifndef ANM_CONVERT_INTERFACE_H
#define ANM_CONVERT_INTERFACE_H

#include "src/convert/recipe.h"
#include "src/mil/ir.h"
#include "src/package/description.h"

/*
 * Fills `out`, in the arena, with the functions of `program`. A dimension that the program leaves
 * unknown takes 1 or the recipe's batch: enumerated shapes.
 */
ANM_MUST_CHECK anm_status anm_interface_describe(anm_arena *arena, const anm_recipe *recipe,
                                                 const anm_mil_program *program,
                                                 anm_description *out, anm_error *err);

/* Adds a userDefined entry; the arena holds room for ANM_METADATA_MAX of them. */
enum { ANM_METADATA_MAX = 12 };
ANM_MUST_CHECK anm_status anm_interface_note(anm_arena *arena, anm_description *d, anm_error *err,
                                             const char *key, const char *fmt, ...)
    ANM_PRINTF(5, 6);

#endif

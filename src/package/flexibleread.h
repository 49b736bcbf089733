/* SPDX-License-Identifier: MIT */
/* The shapes that inputs may take, from the program's own FlexibleShapeInformation. */
#ifndef ANM_PACKAGE_FLEXIBLEREAD_H
#define ANM_PACKAGE_FLEXIBLEREAD_H

#include "src/mil/ir.h"
#include "src/package/description.h"

/*
 * Sets default shapes, ranges and enumerated shapes of the inputs that the function's attribute
 * names; others stay as they are. ANM_ERROR_FORMAT where it does not fit an input.
 */
ANM_MUST_CHECK anm_status anm_flexible_read(anm_arena *arena, const anm_mil_function *function,
                                            anm_interface *face, anm_error *err);

#endif

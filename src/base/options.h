/* SPDX-License-Identifier: MIT */
/* Option structs of the public API: size_t struct_size first, then fields that only ever grow. */
#ifndef ANM_BASE_OPTIONS_H
#define ANM_BASE_OPTIONS_H

#include <stddef.h>

#include "src/base/status.h"

/*
 * Copies the caller's options over `options`, which holds the defaults and has `size` bytes. A
 * caller built against an older header has a shorter struct and gets the defaults for the rest; of
 * a newer one the known part is taken. NULL keeps all defaults. A struct_size that no caller can
 * have means that the struct was not initialised: ANM_ERROR_ARGUMENT.
 */
ANM_MUST_CHECK anm_status anm_options_take(void *options, size_t size, const void *given,
                                           anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Functions made of others: the same for more rows (tokens at a time), where src/pass/widen.h can
 * prove that they give the same. They are used like the functions of the package, and belong to
 * the program.
 */
#ifndef ANM_PROGRAM_WIDE_H
#define ANM_PROGRAM_WIDE_H

#include <stdbool.h>

#include "anemone/program.h"

typedef enum anm_wide_role {
    ANM_WIDE_DATA,      /* a value for each row */
    ANM_WIDE_POSITIONS, /* the position of each row */
    ANM_WIDE_MASK,      /* hides columns of states from each row, those of later rows among them */
    ANM_WIDE_BEGIN      /* the position of the first row */
} anm_wide_role;

/* What an input is; `axis` is the dimension of the rows. */
typedef struct anm_wide_feature {
    const char *name;
    anm_wide_role role;
    int axis;
} anm_wide_feature;

typedef struct anm_wide_shape {
    const anm_wide_feature *features;
    size_t feature_count;
    int64_t from, to; /* rows, as they are and as wanted */
} anm_wide_shape;

/*
 * The function for more rows; the same one for the same number of rows. `gives_last` (may be NULL):
 * its first output is that of the last row. ANM_ERROR_UNSUPPORTED where it cannot be proved equal
 * to one call after the other.
 */
ANM_MUST_CHECK anm_status anm_function_widen(const anm_function *f, const anm_wide_shape *shape,
                                             const anm_function **out, bool *gives_last,
                                             anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* The window of a state that a slice_update writes. */
#ifndef ANM_PASS_CACHEWINDOW_H
#define ANM_PASS_CACHEWINDOW_H

#include "src/pass/flow.h"

typedef struct anm_cache_window {
    int64_t begin[ANM_MAX_RANK];
    int axis;                /* that the position moves along; -1: none */
    anm_mil_value *position; /* int32, one element */
} anm_cache_window;

/*
 * False unless it is a plain window, as large as the update (whose shape is given) for every
 * position: steps of 1, all bounds constant but for one position known when the function runs.
 */
bool anm_cache_window_read(const anm_mil_op *update, const anm_mil_type *state,
                           const int64_t *shape, anm_cache_window *w);

#endif

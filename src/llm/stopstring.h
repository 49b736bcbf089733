/* SPDX-License-Identifier: MIT */
/*
 * Finding stop strings in text that comes in pieces. What is given out and where it ends depends on
 * the text alone, not on how it is cut: the string that is complete first ends it, of several that
 * are complete at the same byte the longest; what may be the beginning of one is held back.
 */
#ifndef ANM_LLM_STOPSTRING_H
#define ANM_LLM_STOPSTRING_H

#include <stdbool.h>

#include "src/base/str.h"

typedef struct anm_stop_search {
    char **strings; /* own copies */
    size_t count;
    anm_strbuf text; /* what was held back; the piece at hand behind it */
    size_t given;    /* bytes of `text` that were given out by the last call */
} anm_stop_search;

/* ANM_ERROR_ARGUMENT for a string that is empty, or that begins within a UTF-8 character. */
ANM_MUST_CHECK anm_status anm_stop_search_init(anm_stop_search *search,
                                               const char *const *strings, size_t count,
                                               anm_error *err);
void anm_stop_search_free(anm_stop_search *search);
/*
 * Adds a piece. *out, valid until the next call, is the text that no stop string touches. *found is
 * the index of the one that ended the text, or -1; after one, nothing more may be added.
 */
ANM_MUST_CHECK anm_status anm_stop_search_push(anm_stop_search *search, anm_sv piece, anm_sv *out,
                                               int *found, anm_error *err);
/* No more text comes: what was held back. */
anm_sv anm_stop_search_rest(anm_stop_search *search);

#endif

/* SPDX-License-Identifier: MIT */
/* Which part of a session's states its timeline has filled. */
#ifndef ANM_LLM_SESSIONROWS_H
#define ANM_LLM_SESSIONROWS_H

#include "src/llm/llm.h"

/*
 * A state as `parts` stretches of `rows` rows, of which the first `filled` of each matter. A KV
 * cache has a part for each layer and head; any other state is one row in one part.
 */
typedef struct anm_state_rows {
    char *data;
    size_t parts, rows, filled, row_bytes;
} anm_state_rows;

anm_state_rows anm_session_rows(const anm_session *s, size_t state, size_t held);

#endif

/* SPDX-License-Identifier: MIT */
/* A conversation as the JSON that templates get. */
#ifndef ANM_HF_CHAT_CONTEXT_H
#define ANM_HF_CHAT_CONTEXT_H

#include <stdbool.h>

#include "anemone/chat_template.h"
#include "src/base/status.h"

typedef struct anm_chat_turns {
    const anm_chat_message *messages;
    size_t count;
    const char *tools_json; /* NULL: none */
    bool add_generation_prompt;
} anm_chat_turns;

/*
 * *out is jansson's memory: free(). Arguments of calls become objects, or texts with
 * `arguments_as_text`; *calls tells whether there are any.
 */
ANM_MUST_CHECK anm_status anm_chat_context(const anm_chat_turns *turns, bool arguments_as_text,
                                           char **out, bool *calls, anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A conversation on disk: {"format": "anemone-chat", "model", "messages": [{"role", "content"}]}.
 * A bare array of messages, as requests to chat servers hold it, is read too.
 */
#ifndef ANM_CLI_CHATFILE_H
#define ANM_CLI_CHATFILE_H

#include <stddef.h>

#include "anemone/chat_template.h"
#include "anemone/status.h"

/* Replaces the file whole or not at all. */
anm_status chatfile_save(const char *path, const char *model, const anm_chat_message *messages,
                         size_t count, anm_error *err);

typedef struct chatfile {
    anm_chat_message *messages; /* role and content are the file's own */
    size_t count;
} chatfile;
/* *out is empty after an error. */
anm_status chatfile_load(const char *path, chatfile *out, anm_error *err);
void chatfile_free(chatfile *file);

#endif

/* SPDX-License-Identifier: MIT */
/* The state of `anemone chat`, and its commands. */
#ifndef ANM_CLI_CHAT_H
#define ANM_CLI_CHAT_H

#include "anemone/tool_call.h"
#include "src/cli/chatview.h"
#include "src/cli/talk.h"

typedef struct chat {
    talk t;
    talk_settings *settings; /* the talk's own; /set changes them */
    const cli_spec *spec;    /* its options are what /set knows */
    chatview view;
    anm_answer_parser *parser; /* tells thoughts from text; while an answer is shown */
    bool shown;                /* false after a failed write */
    bool terminal, leave;
    char **texts; /* values of settings, kept as long as the chat */
    size_t text_count;
} chat;

/* Of the commands, "/help" and so on; NULL past the end. */
const char *chat_command_name(size_t index);
/* Does what a line that starts with '/' says; what is wrong is told. */
void chat_command(chat *c, const char *line);
/* Answers the conversation as it stands, whose last message is the user's. */
anm_status chat_answer(chat *c);

#endif

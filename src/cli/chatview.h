/* SPDX-License-Identifier: MIT */
/*
 * How an answer appears at a terminal: Markdown, its thoughts dim, folded to a line or left out of
 * sight, and kept so that they can be looked at later.
 */
#ifndef ANM_CLI_CHATVIEW_H
#define ANM_CLI_CHATVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "src/cli/mdterm.h"

typedef enum chat_thinking {
    CHAT_THINK_SHOW, /* dim, as they come */
    CHAT_THINK_FOLD, /* one line that tells how long it has been thinking */
} chat_thinking;

typedef struct chatview {
    chat_thinking thinking;
    mdterm *md;
    bool unicode, colour, begun, in_thought;
    double thought_began, told;
    char *thoughts; /* of the last answer, zero-terminated */
    size_t thoughts_length, thoughts_capacity;
} chatview;

/* False when memory is out. stdout is the terminal. */
bool chatview_open(chatview *v);
void chatview_close(chatview *v);
void chatview_begin(chatview *v);
/* These two give false after a failed write or when memory was out. */
bool chatview_thought(chatview *v, const char *text, size_t length);
bool chatview_answer(chatview *v, const char *text, size_t length);
void chatview_end(chatview *v);
/* The thoughts of the last answer, whole. */
void chatview_show_thoughts(chatview *v);

#endif

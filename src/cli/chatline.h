/* SPDX-License-Identifier: MIT */
/*
 * What the user types in `anemone chat`: lines from a terminal, edited and remembered, or from a
 * pipe. A line that ends in a backslash goes on in the next one; a line that starts with three
 * quotes opens a text of many lines that the next three quotes close.
 */
#ifndef ANM_CLI_CHATLINE_H
#define ANM_CLI_CHATLINE_H

#include <stdbool.h>
#include <stddef.h>

/* A word that Tab completes at the start of a line; NULL past the end. */
typedef const char *(*chatline_word_fn)(size_t index);

/* Reads the history of earlier chats. */
void chatline_open(bool terminal, chatline_word_fn word);
void chatline_close(void);
/*
 * The next question or command, or NULL at the end of input. The caller frees. Ctrl-C at the prompt
 * gives an empty line.
 */
char *chatline_read(const char *prompt);

#endif

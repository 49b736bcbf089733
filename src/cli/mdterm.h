/* SPDX-License-Identifier: MIT */
/*
 * Markdown for a terminal, while it is being written: text comes in any pieces, also such that cut
 * a character or a mark, and what can be decided is shown at once. Words wrap at the terminal's
 * width, items of lists keep their indentation. Control characters do not reach the terminal.
 *
 * Line breaks of the text are kept, and tables and code are shown as they are: a terminal cannot
 * take back what it has shown, so nothing is laid out that needs to see the end first.
 */
#ifndef ANM_CLI_MDTERM_H
#define ANM_CLI_MDTERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct mdterm mdterm;

typedef struct mdterm_options {
    FILE *out;
    int columns;  /* the terminal's */
    bool colour;  /* false: marks stay as they are written */
    bool unicode; /* bullets and rules from beyond ASCII */
} mdterm_options;

/* NULL when memory is out. */
mdterm *mdterm_open(const mdterm_options *options);
void mdterm_free(mdterm *m);
/* From here on text is dim (thoughts) or not. Ends what was pending. */
void mdterm_dim(mdterm *m, bool dim);
/* False after a failed write or when memory was out. */
bool mdterm_write(mdterm *m, const char *text, size_t length);
/* Shows what was held back, and ends the line if one is begun. The next text starts anew. */
bool mdterm_end(mdterm *m);

#endif

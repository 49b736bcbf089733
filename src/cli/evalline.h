/* SPDX-License-Identifier: MIT */
/* What the kinds of `anemone eval` share: the progress line and small output helpers. */
#ifndef ANM_CLI_EVALLINE_H
#define ANM_CLI_EVALLINE_H

#include <jansson.h>

#include "src/cli/cli.h"

/* On stderr, rewritten in place, at a terminal only. Zero it before first use. */
typedef struct eval_line {
    bool open;
    double shown; /* when it was written last, in seconds of the monotonic clock */
} eval_line;

/* "TEXT, 1:23 left", five times a second at most. */
void eval_line_show(eval_line *line, const char *text, double seconds_left);
void eval_line_end(eval_line *line);

json_t *eval_number(double x);      /* null for what JSON cannot say */
void eval_print_json(json_t *root); /* takes the reference */

int eval_tasks(int argc, char **argv);

#endif

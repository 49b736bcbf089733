/* SPDX-License-Identifier: MIT */
/* How a pull goes, on stderr: a line rewritten in place at a terminal, a few lines elsewhere. */
#ifndef ANM_CLI_PULLLINE_H
#define ANM_CLI_PULLLINE_H

#include <stdbool.h>

#include "anemone/hub.h"

typedef struct pull_line {
    bool terminal, quiet, open; /* open: the line is not ended */
    bool begun;
    anm_hub_phase phase;
    size_t retries; /* told so far */
    double told;    /* when, elsewhere */
} pull_line;

void pull_line_init(pull_line *line, bool quiet);
/* An anm_hub_progress_fn; `context` is the pull_line. */
int pull_line_show(void *context, const anm_hub_progress *progress);
void pull_line_end(pull_line *line);

#endif

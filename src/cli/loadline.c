/* SPDX-License-Identifier: MIT */
#include "src/cli/loadline.h"

#include <stdio.h>
#include <unistd.h>

#include "src/cli/cli.h"

/* What is in the file cache is there sooner, and a line would only flicker. */
static const double patience = 0.5;
enum { WIDTH = 44 };

typedef struct load_line {
    double begun;
    bool open;
} load_line;

static int show(void *context, uint64_t done, uint64_t total) {
    load_line *line = context;
    char have[32], all[32], text[96];
    if (!total || cli_seconds() - line->begun < patience) return 0;
    int percent = (int)(100.0 * (double)done / (double)total);
    if (cli_columns(stderr) > WIDTH)
        snprintf(text, sizeof text, "loading %3d %%  %s of %s", percent,
                 cli_size((double)done, have, sizeof have),
                 cli_size((double)total, all, sizeof all));
    else snprintf(text, sizeof text, "loading %3d %%", percent);
    fprintf(stderr, "\r%-*s", cli_columns(stderr) > WIDTH ? WIDTH : 13, text);
    fflush(stderr);
    line->open = true;
    return 0;
}

static void wipe(const load_line *line) {
    if (!line->open) return;
    fprintf(stderr, "\r%*s\r", cli_columns(stderr) > WIDTH ? WIDTH : 13, "");
    fflush(stderr);
}

anm_status cli_load(const anm_llm *llm, anm_error *err) {
    load_line line = {.begun = cli_seconds()};
    bool terminal = isatty(STDERR_FILENO);
    anm_status status = anm_llm_prepare(llm, terminal ? show : NULL, &line, err);
    wipe(&line);
    return status;
}

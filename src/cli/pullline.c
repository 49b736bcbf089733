/* SPDX-License-Identifier: MIT */
#include "src/cli/pullline.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/cli.h"

static const double every = 10; /* seconds between lines that are no terminal's */

void pull_line_init(pull_line *line, bool quiet) {
    *line = (pull_line){.terminal = isatty(STDERR_FILENO), .quiet = quiet};
}

void pull_line_end(pull_line *line) {
    if (line->open) fputc('\n', stderr);
    line->open = false;
}

static const char *verb_of(anm_hub_phase phase) {
    switch (phase) {
    case ANM_HUB_WAITING: return "waiting for another process that pulls";
    case ANM_HUB_LISTING: return "asking the hub for";
    case ANM_HUB_DOWNLOADING: return "pulling";
    case ANM_HUB_CHECKING: return "checking";
    case ANM_HUB_UNPACKING: return "unpacking";
    case ANM_HUB_CONVERTING: return "converting";
    }
    return "";
}

static void show_phase(const anm_hub_progress *p) {
    char size[32];
    fprintf(stderr, "%s %s", verb_of(p->phase), p->name);
    if (p->phase == ANM_HUB_DOWNLOADING)
        fprintf(stderr, ": %zu file%s, %s", p->files, p->files == 1 ? "" : "s",
                cli_size((double)p->total, size, sizeof size));
    fputc('\n', stderr);
    if (p->phase == ANM_HUB_CONVERTING)
        fprintf(stderr, "(a plain checkpoint, converted on first use; `anemone pull %s --convert "
                        "ARGS` chooses how)\n", p->name);
}

/* "45 %  512 MB of 1.2 GB  23.4 MB/s  1:31 left", as much of it as fits. */
static void make_text(const anm_hub_progress *p, int columns, char *text, size_t size) {
    char done[32], total[32], rate[32], left[48] = "", speed[48] = "";
    int percent = p->total ? (int)(100.0 * (double)p->done / (double)p->total) : 0;
    long wait = (long)p->seconds_left;
    cli_size((double)p->done, done, sizeof done);
    cli_size((double)p->total, total, sizeof total);
    if (p->rate > 0) snprintf(speed, sizeof speed, "  %s/s", cli_size(p->rate, rate, sizeof rate));
    if (p->seconds_left >= 0 && wait < 360000)
        snprintf(left, sizeof left, "  %ld:%02ld%s", wait / 60, wait % 60,
                 columns < 64 ? "" : " left");
    if (columns < 64) snprintf(text, size, "%3d %%  %s%s%s", percent, done, speed, left);
    else
        snprintf(text, size, "%3d %%  %s of %s, %zu of %zu files%s%s", percent, done, total,
                 p->files_done, p->files, speed, left);
}

static void rewrite(pull_line *line, const anm_hub_progress *p) {
    char text[256];
    int columns = cli_columns(stderr);
    make_text(p, columns, text, sizeof text);
    if (columns > 8 && (int)strlen(text) > columns - 1) text[columns - 1] = '\0';
    fprintf(stderr, "\r%-*s", columns > 80 ? 79 : columns - 1, text);
    fflush(stderr);
    line->open = true;
}

static void append(pull_line *line, const anm_hub_progress *p) {
    char text[256];
    if (cli_seconds() - line->told < every) return;
    line->told = cli_seconds();
    make_text(p, 80, text, sizeof text);
    fprintf(stderr, "%s\n", text);
}

int pull_line_show(void *context, const anm_hub_progress *p) {
    pull_line *line = context;
    if (cli_stopped()) return 1;
    if (line->quiet) return 0;
    bool fresh = !line->begun || line->phase != p->phase;
    line->begun = true;
    line->phase = p->phase;
    if (fresh) {
        pull_line_end(line);
        show_phase(p);
        line->told = cli_seconds();
    }
    if (p->retries > line->retries && !line->terminal)
        fprintf(stderr, "(a request had to be repeated; %zu so far)\n", p->retries);
    line->retries = p->retries;
    if (fresh || !p->total) return 0;
    if (line->terminal) rewrite(line, p);
    else append(line, p);
    return 0;
}

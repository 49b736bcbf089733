/* SPDX-License-Identifier: MIT */
#include "src/cli/evalline.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "src/cli/cli.h"

/* "1:02:03", or "2:03". */
static const char *clock_text(double seconds, char *buffer, size_t size) {
    uint64_t s = (uint64_t)(seconds + 0.5);
    int minutes = (int)(s / 60 % 60), rest = (int)(s % 60);
    if (s >= 3600) snprintf(buffer, size, "%" PRIu64 ":%02d:%02d", s / 3600, minutes, rest);
    else snprintf(buffer, size, "%d:%02d", minutes, rest);
    return buffer;
}

void eval_line_show(eval_line *line, const char *text, double seconds_left) {
    char left[32], whole[200];
    double now = cli_seconds();
    if (!isatty(STDERR_FILENO) || (line->open && now < line->shown + 0.2)) return;
    line->open = true;
    line->shown = now;
    snprintf(whole, sizeof whole, "%s, %s left", text, clock_text(seconds_left, left, sizeof left));
    fprintf(stderr, "\r%.*s\033[K", cli_columns(stderr) - 1, whole);
    fflush(stderr);
}

void eval_line_end(eval_line *line) {
    if (line->open) fputs("\r\033[K", stderr);
    line->open = false;
}

json_t *eval_number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

void eval_print_json(json_t *root) {
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
    json_decref(root);
}

/* SPDX-License-Identifier: MIT */
/*
 * Times a conversion and watches the memory that is not a mapped file (RssAnon of
 * /proc/self/status, asked at every progress report): bench_convert MODEL_DIR OUT_DIR [rounds].
 * OUT_DIR is replaced.
 */
#include <stdio.h>
#include <stdlib.h>

#include "anemone/convert.h"

static long anonymous_kb(void) {
    char line[256];
    long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %ld", &kb) == 1) break;
    if (status) fclose(status);
    return kb;
}

static int watch(void *context, const anm_convert_progress *progress) {
    long *peak = context, kb = anonymous_kb();
    if (kb > *peak) *peak = kb;
    return 0;
}

static uint64_t total_bytes(const anm_convert_report *report) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < anm_convert_report_part_count(report); i++)
        bytes += anm_convert_report_part(report, i)->bytes;
    return bytes;
}

static int run(const char *model, const char *out) {
    anm_error err;
    anm_convert_report *report;
    anm_convert_options options;
    long peak = 0;
    char text[900];
    anm_convert_options_init(&options);
    options.overwrite = 1;
    options.progress = watch;
    options.progress_context = &peak;
    if (anm_convert(model, out, &options, &report, &err) != ANM_OK) {
        anm_error_format(&err, text, sizeof text);
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    double seconds = anm_convert_report_seconds(report);
    printf("%.1f M parameters, %.1f MB written in %.2f s (%.0f MB/s), %ld kB not mapped at most\n",
           (double)anm_convert_report_parameters(report) * 1e-6,
           (double)total_bytes(report) * 1e-6, seconds,
           (double)total_bytes(report) / seconds * 1e-6, peak);
    anm_convert_report_free(report);
    return 0;
}

int main(int argc, char **argv) {
    int rounds = argc > 3 ? atoi(argv[3]) : 1;
    if (argc < 3 || rounds < 1) {
        fprintf(stderr, "usage: bench_convert MODEL_DIR OUT_DIR [rounds]\n");
        return 2;
    }
    for (int i = 0; i < rounds; i++)
        if (run(argv[1], argv[2])) return 1;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Converts a checkpoint, with progress: convert MODEL_DIR OUT */
#include <stdio.h>

#include <anemone/anemone.h>

/* Called often; not 0 would cancel, and leave nothing half done. */
static int on_progress(void *context, const anm_convert_progress *p) {
    int *shown = context, percent = p->total ? (int)(100 * p->done / p->total) : 0;
    if (percent < *shown + 10) return 0;
    *shown = percent - percent % 10;
    fprintf(stderr, "%3d %%  %s\n", *shown, p->file);
    return 0;
}

static void print_report(const anm_convert_report *report) {
    for (size_t i = 0; i < anm_convert_report_part_count(report); i++)
        printf("%s\n", anm_convert_report_part(report, i)->file);
    for (size_t i = 0; i < anm_convert_report_warning_count(report); i++)
        fprintf(stderr, "warning: %s\n", anm_convert_report_warning(report, i));
}

int main(int argc, char **argv) {
    int shown = 0;
    anm_error err;
    anm_convert_options options;
    anm_convert_report *report;
    if (argc != 3) {
        fprintf(stderr, "usage: convert MODEL_DIR OUT\n");
        return 64;
    }
    anm_convert_options_init(&options);
    options.progress = on_progress;
    options.progress_context = &shown;
    if (anm_convert(argv[1], argv[2], &options, &report, &err) != ANM_OK) {
        fprintf(stderr, "convert: %s: %s\n", err.where, err.message);
        return 1;
    }
    print_report(report);
    anm_convert_report_free(report);
    return 0;
}

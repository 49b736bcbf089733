/* SPDX-License-Identifier: MIT */
/* anemone convert: a checkpoint into packages, with a progress line per package. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anemone/convert.h"
#include "src/cli/cli.h"
#include "src/cli/convertargs.h"
#include "src/cli/dryrun.h"
#include "src/cli/modelarg.h"

typedef struct progress_line {
    bool terminal, quiet;
    char file[128]; /* whose line is open */
    int percent;
} progress_line;

static void end_line(progress_line *line) {
    if (line->file[0] && line->terminal) fputc('\n', stderr);
    line->file[0] = '\0';
}

/* One line a package: rewritten in place at a terminal, printed once elsewhere. */
static int on_progress(void *context, const anm_convert_progress *p) {
    progress_line *line = context;
    char done[32], total[32];
    int percent = p->total ? (int)(100.0 * (double)p->done / (double)p->total) : 100;
    if (cli_stopped()) return 1;
    if (line->quiet) return 0;
    bool fresh = strncmp(line->file, p->file, sizeof line->file - 1) != 0;
    if (fresh) {
        end_line(line);
        snprintf(line->file, sizeof line->file, "%s", p->file);
        if (!line->terminal) fprintf(stderr, "[%zu/%zu] %s\n", p->index + 1, p->count, p->file);
    }
    if (!line->terminal || (!fresh && percent == line->percent)) return 0;
    line->percent = percent;
    if (cli_columns(stderr) < 72)
        fprintf(stderr, "\r[%zu/%zu] %-11s %3d %%", p->index + 1, p->count, p->component, percent);
    else
        fprintf(stderr, "\r[%zu/%zu] %-36s %3d %%  %s of %s   ", p->index + 1, p->count, p->file,
                percent, cli_size((double)p->done, done, sizeof done),
                cli_size((double)p->total, total, sizeof total));
    fflush(stderr);
    return 0;
}

static void print_report(const anm_convert_report *r, const char *out) {
    char size[32];
    uint64_t total = 0;
    size_t kept = 0;
    for (size_t i = 0; i < anm_convert_report_part_count(r); i++) {
        const anm_convert_part *part = anm_convert_report_part(r, i);
        total += part->bytes;
        kept += part->kept != 0;
        printf("  %-44s %10s%s\n", part->file, cli_size((double)part->bytes, size, sizeof size),
               part->kept ? "  kept" : "");
    }
    for (size_t i = 0; i < anm_convert_report_overflow_count(r); i++) {
        const anm_convert_overflow *o = anm_convert_report_overflow(r, i);
        printf("overflow: %s: %" PRIu64 " values beyond fp16, the largest %g\n", o->tensor,
               o->count, o->largest);
    }
    for (size_t i = 0; i < anm_convert_report_warning_count(r); i++)
        printf("warning: %s\n", anm_convert_report_warning(r, i));
    printf("%s: %.1f million parameters, %s, in %.1f s", out,
           (double)anm_convert_report_parameters(r) * 1e-6,
           cli_size((double)total, size, sizeof size), anm_convert_report_seconds(r));
    if (kept) printf("; %zu package%s up to date and kept", kept, kept == 1 ? " was" : "s were");
    putchar('\n');
}

static void print_json(const anm_convert_report *r) {
    json_t *parts = json_array(), *overflows = json_array(), *warnings = json_array();
    for (size_t i = 0; i < anm_convert_report_part_count(r); i++) {
        const anm_convert_part *part = anm_convert_report_part(r, i);
        json_array_append_new(
            parts, json_pack("{s:s, s:I, s:b}", "file", part->file, "bytes",
                             (json_int_t)part->bytes, "kept", part->kept));
    }
    for (size_t i = 0; i < anm_convert_report_overflow_count(r); i++) {
        const anm_convert_overflow *o = anm_convert_report_overflow(r, i);
        json_array_append_new(overflows, json_pack("{s:s, s:I, s:f}", "tensor", o->tensor, "count",
                                                   (json_int_t)o->count, "largest", o->largest));
    }
    for (size_t i = 0; i < anm_convert_report_warning_count(r); i++)
        json_array_append_new(warnings, json_string(anm_convert_report_warning(r, i)));
    json_t *root =
        json_pack("{s:o, s:o, s:o, s:I, s:f}", "parts", parts, "overflows", overflows, "warnings",
                  warnings, "parameters", (json_int_t)anm_convert_report_parameters(r), "seconds",
                  anm_convert_report_seconds(r));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int convert(const char *model, const char *out, anm_convert_options *options, bool json) {
    progress_line line = {.terminal = isatty(STDERR_FILENO), .quiet = json};
    anm_convert_report *report = NULL;
    anm_error err;
    options->progress = on_progress;
    options->progress_context = &line;
    anm_status status = anm_convert(model, out, options, &report, &err);
    end_line(&line);
    if (status == ANM_OK && json) print_json(report);
    else if (status == ANM_OK) print_report(report, out);
    anm_convert_report_free(report);
    return status == ANM_OK ? 0 : cli_fail(&err);
}

int cmd_convert(int argc, char **argv) {
    const char *out = NULL;
    bool dry = false, json = false;
    convert_args args;
    cli_option table[CONVERT_ARGS + 3];
    convert_args_init(&args);
    table[0] = (cli_option){"output", 'o', CLI_STRING, &out, "DIR",
                            "where the packages go (required)"};
    convert_args_table(&args, table + 1);
    table[CONVERT_ARGS + 1] = (cli_option){
        "dry-run", 0, CLI_FLAG, &dry, NULL, "only tell what would be made; needs no weights"};
    table[CONVERT_ARGS + 2] =
        (cli_option){"json", 0, CLI_FLAG, &json, NULL, "print the report as JSON"};
    char notes[1024];
    snprintf(notes, sizeof notes,
             "MODEL is a directory with config.json and safetensors (fp32, fp16, bf16, or FP8 with"
             " scales),\na GGUF file (F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K; of several parts, "
             "any one),\nor the name of either on the Hub (ORG/NAME).\n\nSupported:\n%s",
             anm_convert_supported());
    const cli_spec spec = {"convert",
                           "MODEL -o DIR",
                           1,
                           1,
                           "Makes CoreML packages in ANEMLL's form of a Hugging Face checkpoint or "
                           "a GGUF file.",
                           notes,
                           table,
                           CONVERT_ARGS + 3};
    char **operands;
    const char *model;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!out && !dry) return cli_usage(&spec, "--output is required");
    anm_convert_options options;
    code = convert_args_take(&args, &spec, &options);
    if (code < 0) code = cli_model_source(operands[0], &model);
    if (code >= 0) return code;
    return dry ? cli_dry_run(model, &options, json) : convert(model, out, &options, json);
}

/* SPDX-License-Identifier: MIT */
/* anemone convert: a checkpoint into packages, with a progress line per package. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anemone/convert.h"
#include "src/cli/cli.h"
#include "src/cli/convertform.h"
#include "src/cli/dryrun.h"

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

/* "BITS" or "BITS,GROUP", absent: fp16. */
static bool parse_lut(const char *text, int64_t group, anm_convert_lut *out) {
    char *end;
    *out = (anm_convert_lut){0, group};
    if (!text) return true;
    long bits = strtol(text, &end, 10);
    if (end == text || bits < 1 || bits > 8) return false;
    out->bits = (int)bits;
    if (*end != ',') return *end == '\0';
    const char *second = end + 1;
    out->group = strtol(second, &end, 10);
    return end != second && *end == '\0' && out->group > 0;
}

typedef struct lut_options {
    const char *parts[3]; /* embeddings, FFN, LM head */
    int64_t group, axis;
    bool per_tensor, scale;
} lut_options;

static bool take_luts(const lut_options *given, anm_convert_options *out) {
    int64_t group = given->per_tensor ? ANM_CONVERT_PER_TENSOR : given->group;
    out->lut_axis = given->axis == 0 ? 0 : given->axis == 1 ? 1 : -1;
    out->lut_channel_scale = given->scale;
    return given->group >= 0 && !(given->per_tensor && given->group) &&
           parse_lut(given->parts[0], group, &out->lut_embeddings) &&
           parse_lut(given->parts[1], group, &out->lut_ffn) &&
           parse_lut(given->parts[2], group, &out->lut_head);
}

int cmd_convert(int argc, char **argv) {
    const char *out = NULL, *prefix = NULL, *name = NULL, *calibrate = NULL;
    int64_t context = 0, batch = 0, tokens = 0;
    lut_options lut = {0};
    convert_form form = {0};
    bool gptq = false;
    const char *target = NULL, *rescale = "auto";
    bool overwrite = false, force = false, verify = false, overflow = false, json = false;
    bool dry = false;
    const cli_option table[] = {
        {"output", 'o', CLI_STRING, &out, "DIR", "where the packages go (required)"},
        {"context", 'c', CLI_INT, &context, "N", "context length in tokens (default 512)"},
        {"batch", 'b', CLI_INT, &batch, "N", "tokens per prefill call (default 64)"},
        {"chunk", 0, CLI_STRING, &form.chunks, "N|auto", "packages of the decoder (default 1)"},
        {"max-chunk-size", 0, CLI_STRING, &form.max_size, "SIZE", "of a chunk's weights, for auto"},
        {"target-os", 0, CLI_STRING, &form.os, "OS", "macos (2 GB a chunk) or ios (1 GB)"},
        {"lm-head-split", 0, CLI_INT, &form.splits, "N", "outputs of the LM head (8 or 16)"},
        {"argmax", 0, CLI_FLAG, &form.argmax, NULL, "the LM head gives winners instead of logits"},
        {"monolithic", 0, CLI_FLAG, &form.monolithic, NULL, "everything in one package"},
        {"iso-anemll", 0, CLI_FLAG, &form.iso, NULL, "ANEMLL's graph op for op, not ours"},
        {"only", 0, CLI_STRING, &form.only, "PART", "embeddings, ffn, ffn:N, lm_head, monolithic"},
        {"state-length", 0, CLI_INT, &form.state, "N", "rows of the KV cache (default: context)"},
        {"prefix", 0, CLI_STRING, &prefix, "NAME", "of file names (default: the family's)"},
        {"name", 0, CLI_STRING, &name, "NAME", "model name in meta.yaml"},
        {"lut1", 0, CLI_STRING, &lut.parts[0], "BITS[,GROUP]", "palettize the embeddings"},
        {"lut2", 0, CLI_STRING, &lut.parts[1], "BITS[,GROUP]", "palettize the decoder (FFN)"},
        {"lut3", 0, CLI_STRING, &lut.parts[2], "BITS[,GROUP]", "palettize the LM head"},
        {"group-size", 0, CLI_INT, &lut.group, "N", "channels that share a table (default 8)"},
        {"per-tensor", 0, CLI_FLAG, &lut.per_tensor, NULL, "one table for each weight"},
        {"lut-axis", 0, CLI_INT, &lut.axis, "0|1", "share tables by rows (0) or columns (1)"},
        {"calibrate", 0, CLI_STRING, &calibrate, "TEXT", "weigh weights by their use in a text"},
        {"calibrate-tokens", 0, CLI_INT, &tokens, "N", "of that text (default 4096)"},
        {"gptq", 0, CLI_FLAG, &gptq, NULL, "round with error feedback (needs --calibrate)"},
        {"rescale", 0, CLI_STRING, &rescale, "auto|off", "powers of two against overflow"},
        {"target-size", 0, CLI_STRING, &target, "BYTES",
         "choose bits so that weights take this at most, as 400MB (needs --calibrate)"},
        {"per-channel-scale", 0, CLI_FLAG, &lut.scale, NULL, "a scale for each row of weights"},
        {"overwrite", 0, CLI_FLAG, &overwrite, NULL, "replace packages that are not up to date"},
        {"force", 0, CLI_FLAG, &force, NULL, "make all packages, up to date or not"},
        {"verify-inputs", 0, CLI_FLAG, &verify, NULL, "compare the checkpoint by all its bytes"},
        {"allow-overflow", 0, CLI_FLAG, &overflow, NULL, "let values beyond fp16 become infinite"},
        {"dry-run", 0, CLI_FLAG, &dry, NULL, "only tell what would be made; needs no weights"},
        {"json", 0, CLI_FLAG, &json, NULL, "print the report as JSON"},
    };
    char notes[1024];
    snprintf(notes, sizeof notes,
             "MODEL is a directory with config.json and safetensors (fp32, fp16, bf16, or FP8 with"
             " scales),\nor a GGUF file (F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K; of several parts, "
             "any one).\n\nSupported:\n%s", anm_convert_supported());
    const cli_spec spec = {"convert",
                           "MODEL -o DIR",
                           1,
                           1,
                           "Makes CoreML packages in ANEMLL's form of a Hugging Face checkpoint or "
                           "a GGUF file.",
                           notes,
                           table,
                           sizeof table / sizeof table[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!out && !dry) return cli_usage(&spec, "--output is required");
    anm_convert_options options;
    anm_convert_options_init(&options);
    if (target && !cli_bytes(target, &options.target_bytes))
        return cli_usage(&spec, "--target-size takes bytes: 400MB, 1.5GB, 300000000");
    if (!take_luts(&lut, &options))
        return cli_usage(&spec, "--lut1, --lut2 and --lut3 take BITS or BITS,GROUP (1 to 8 bits); "
                                "--group-size N or --per-tensor");
    const char *wrong = convert_form_take(&form, &options);
    if (wrong) return cli_usage(&spec, "%s", wrong);
    options.context_length = context;
    options.calibrate = calibrate;
    if (strcmp(rescale, "off") == 0) options.rescale = ANM_CONVERT_RESCALE_OFF;
    else if (strcmp(rescale, "auto") != 0)
        return cli_usage(&spec, "--rescale is auto or off");
    options.lut_feedback = gptq;
    options.calibrate_tokens = tokens;
    options.batch_size = batch;
    options.prefix = prefix;
    options.name = name;
    options.overwrite = overwrite;
    options.force = force;
    options.verify_inputs = verify;
    options.allow_overflow = overflow;
    if (dry) return cli_dry_run(operands[0], &options, json);
    return convert(operands[0], out, &options, json);
}

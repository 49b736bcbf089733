/* SPDX-License-Identifier: MIT */
/* anemone combine: functions of several packages into one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anemone/combine.h"
#include "anemone/inspect.h"
#include "src/cli/cli.h"

/*
 * "PACKAGE[:FUNCTION[=NAME]]", cut in place. The colon is the last one with no '/' after it; an
 * operand that as a whole names something that exists has none.
 */
static void read_source(char *text, anm_combine_source *source) {
    struct stat info;
    *source = (anm_combine_source){.path = text};
    char *colon = strrchr(text, ':');
    if (!colon || strchr(colon, '/') || stat(text, &info) == 0) return;
    *colon = '\0';
    char *function = colon + 1, *equals = strchr(function, '=');
    if (equals) {
        *equals = '\0';
        source->name = equals + 1;
    }
    if (*function || !equals) source->function = function;
}

static int print_result(const char *path) {
    anm_program *program;
    anm_error err;
    const anm_weight_count *w;
    uint64_t bytes = 0;
    size_t blobs = 0, uses = 0;
    char size[32];
    if (anm_program_open_to_inspect(path, &program, &err) != ANM_OK) return cli_fail(&err);
    printf("%s: ", path);
    for (size_t i = 0; i < anm_program_function_count(program); i++) {
        const anm_function *f = anm_program_function_at(program, i);
        printf("%s%s%s", i ? ", " : "", anm_function_name(f),
               f == anm_program_function(program, NULL) ? " (default)" : "");
    }
    for (size_t i = 0; (w = anm_program_weights(program, i)); i++) {
        bytes += w->bytes;
        blobs += w->blobs;
        uses += w->uses;
    }
    printf("; %s of weights in %zu blobs, named %zu times\n",
           cli_size((double)bytes, size, sizeof size), blobs, uses);
    anm_program_close(program);
    return 0;
}

static int combine(char **operands, int count, const char *out,
                   const anm_combine_options *options) {
    anm_error err;
    anm_combine_source *sources = calloc((size_t)count, sizeof *sources);
    if (!sources) {
        fputs("anemone: out of memory\n", stderr);
        return ANM_ERROR_MEMORY;
    }
    for (int i = 0; i < count; i++) read_source(operands[i], &sources[i]);
    anm_status status = anm_combine(sources, (size_t)count, out, options, &err);
    free(sources);
    return status == ANM_OK ? print_result(out) : cli_fail(&err);
}

int cmd_combine(int argc, char **argv) {
    const char *out = NULL, *standard = NULL;
    bool overwrite = false;
    const cli_option table[] = {
        {"output", 'o', CLI_STRING, &out, "PACKAGE", "the .mlpackage to write (required)"},
        {"default", 0, CLI_STRING, &standard, "NAME", "default function (default: the first)"},
        {"overwrite", 0, CLI_FLAG, &overwrite, NULL, "replace a package that is there"},
    };
    const cli_spec spec = {
        "combine",
        "PACKAGE[:FUNCTION[=NAME]]... -o PACKAGE",
        1,
        256,
        "Puts functions of several packages into one, equal constants being stored once.",
        "Without FUNCTION a package's default or only function is taken. A FUNCTION that a\n"
        "one-function package does not have becomes the new name of the function it has:\n\n"
        "  anemone combine a.mlpackage:infer b.mlpackage:prefill -o c.mlpackage",
        table,
        sizeof table / sizeof table[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!out) return cli_usage(&spec, "--output is required");
    anm_combine_options options;
    anm_combine_options_init(&options);
    options.default_function = standard;
    options.overwrite = overwrite;
    return combine(operands, count, out, &options);
}

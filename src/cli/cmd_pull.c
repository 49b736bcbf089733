/* SPDX-License-Identifier: MIT */
/* anemone pull: a model from the Hub into the cache. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/hub.h"
#include "src/cli/convertargs.h"
#include "src/cli/pullline.h"

typedef struct pull_settings {
    const char *include, *exclude, *convert;
    int64_t connections, retries;
    double timeout;
    bool offline, json, quiet;
} pull_settings;

static void print_json(const char *name, const char *dir) {
    json_t *root = json_pack("{s:s, s:s}", "name", name, "path", dir);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int pull(const char *name, const pull_settings *s, const anm_convert_options *convert) {
    anm_hub_options options;
    anm_error err;
    pull_line line;
    char *dir;
    pull_line_init(&line, s->quiet);
    anm_hub_options_init(&options);
    options.include = s->include;
    options.exclude = s->exclude;
    options.connections = (int)s->connections;
    options.retries = (int)s->retries;
    options.timeout = s->timeout;
    options.offline = s->offline;
    options.convert = convert;
    options.progress = pull_line_show;
    options.progress_context = &line;
    anm_status status = anm_hub_pull(name, &options, &dir, &err);
    pull_line_end(&line);
    if (status != ANM_OK) return cli_fail(&err);
    if (s->json) print_json(name, dir);
    else puts(dir);
    anm_hub_free(dir);
    return 0;
}

static int convert_and_pull(const char *name, const pull_settings *s) {
    anm_convert_options convert;
    convert_args args;
    char *text = strdup(s->convert);
    if (!text) return ANM_ERROR_MEMORY;
    int code = convert_args_parse(text, &args, &convert);
    if (code < 0) code = pull(name, s, &convert);
    free(text);
    return code;
}

int cmd_pull(int argc, char **argv) {
    pull_settings s = {.retries = 5};
    const cli_option table[] = {
        {"include", 'i', CLI_STRING, &s.include, "GLOBS",
         "only these files: \"*.json,model-*\" (default: what it takes to run it)"},
        {"exclude", 'x', CLI_STRING, &s.exclude, "GLOBS", "of these, not those"},
        {"convert", 0, CLI_STRING, &s.convert, "ARGS",
         "convert a checkpoint too: \"--context 2048 --lut2 6\", or \"\""},
        {"offline", 0, CLI_FLAG, &s.offline, NULL, "only what is in the cache"},
        {"connections", 0, CLI_INT, &s.connections, "N", "at once (default 8)"},
        {"retries", 0, CLI_INT, &s.retries, "N", "of a request that brings nothing (default 5)"},
        {"timeout", 0, CLI_FLOAT, &s.timeout, "S", "seconds without a byte (default 30)"},
        {"quiet", 'q', CLI_FLAG, &s.quiet, NULL, "no progress"},
        {"json", 0, CLI_FLAG, &s.json, NULL, "print JSON"},
    };
    const cli_spec spec = {"pull",
                           "ORG/NAME[@REVISION][:PATH]",
                           1,
                           1,
                           "Brings a model from the Hugging Face Hub into the cache, or up to "
                           "date, and prints where it is.",
                           "An interrupted pull goes on where it was. HF_TOKEN, HF_ENDPOINT, "
                           "HF_HUB_OFFLINE,\nANEMONE_CACHE and the usual proxy variables are "
                           "read; see docs/hub.md.",
                           table,
                           sizeof table / sizeof table[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (s.connections > 32) return cli_usage(&spec, "--connections is 32 at most");
    if (s.retries > 1000) return cli_usage(&spec, "--retries is 1000 at most");
    return s.convert ? convert_and_pull(operands[0], &s) : pull(operands[0], &s, NULL);
}

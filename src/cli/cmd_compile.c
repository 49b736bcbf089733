/* SPDX-License-Identifier: MIT */
/* anemone compile: a .mlmodelc of a .mlpackage. */
#include <inttypes.h>
#include <jansson.h>

#include "anemone/compile.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

static void print_json(const anm_compile_report *report) {
    json_t *warnings = json_array();
    const char *text;
    for (size_t i = 0; (text = anm_compile_report_warning(report, i)); i++)
        json_array_append_new(warnings, json_string(text));
    json_t *root = json_pack("{s:s, s:I, s:o}", "path", anm_compile_report_path(report), "bytes",
                             (json_int_t)anm_compile_report_bytes(report), "warnings", warnings);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int compile(const char *package, const char *out, bool overwrite, bool json) {
    anm_compile_options options;
    anm_compile_report *report;
    anm_error err;
    char size[32];
    anm_compile_options_init(&options);
    options.overwrite = overwrite;
    if (anm_compile(package, out, &options, &report, &err) != ANM_OK) return cli_fail(&err);
    if (json) print_json(report);
    else
        printf("%s: %s\n", anm_compile_report_path(report),
               cli_size((double)anm_compile_report_bytes(report), size, sizeof size));
    anm_compile_report_free(report);
    return 0;
}

int cmd_compile(int argc, char **argv) {
    const char *out = NULL;
    bool overwrite = false, json = false;
    const cli_option options[] = {
        {"output", 'o', CLI_STRING, &out, "DIR", "where X.mlmodelc goes (default: beside X)"},
        {"overwrite", 0, CLI_FLAG, &overwrite, NULL, "replace a compiled model that is there"},
        {"json", 0, CLI_FLAG, &json, NULL, "print the result as JSON"},
    };
    const cli_spec spec = {"compile",
                           "X.mlpackage",
                           1,
                           1,
                           "Makes X.mlmodelc, the form in which apps ship and load a model, of "
                           "X.mlpackage.",
                           "What is not known of Apple's form is refused or chosen with a "
                           "warning; see docs/compile.md.",
                           options,
                           3};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    const char *path;
    if (code < 0) code = cli_model_package(operands[0], &path);
    if (code >= 0) return code;
    return compile(path, out, overwrite, json);
}

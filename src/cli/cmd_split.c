/* SPDX-License-Identifier: MIT */
/* anemone split: a package per function. */
#include "anemone/combine.h"
#include "anemone/inspect.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

/* The source is opened before: its own place may be among those that are overwritten. */
static int split(const char *path, const char *out, const anm_split_options *options) {
    anm_program *program;
    anm_error err;
    if (anm_program_open_to_inspect(path, &program, &err) != ANM_OK) return cli_fail(&err);
    int code = anm_split(path, out, options, &err) == ANM_OK ? 0 : cli_fail(&err);
    for (size_t i = 0; code == 0 && i < anm_program_function_count(program); i++)
        printf("%s/%s.mlpackage\n", out, anm_function_name(anm_program_function_at(program, i)));
    anm_program_close(program);
    return code;
}

int cmd_split(int argc, char **argv) {
    const char *out = NULL;
    bool overwrite = false;
    const cli_option table[] = {
        {"output", 'o', CLI_STRING, &out, "DIR", "where the packages go (required)"},
        {"overwrite", 0, CLI_FLAG, &overwrite, NULL, "replace packages that are there"},
    };
    const cli_spec spec = {
        "split",
        "PACKAGE -o DIR",
        1,
        1,
        "Writes each function NAME of a package as DIR/NAME.mlpackage, with its own weights.",
        NULL,
        table,
        sizeof table / sizeof table[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    anm_split_options options;
    if (code >= 0) return code;
    if (!out) return cli_usage(&spec, "--output is required");
    anm_split_options_init(&options);
    options.overwrite = overwrite;
    const char *path;
    code = cli_model_package(operands[0], &path);
    if (code >= 0) return code;
    return split(path, out, &options);
}

/* SPDX-License-Identifier: MIT */
#include "src/cli/modelarg.h"

#include "src/cli/cli.h"
#include "src/cli/pullline.h"

typedef anm_status (*resolve_fn)(const char *name, const anm_hub_options *options, char **out,
                               anm_error *err);

static int resolve(const char *name, resolve_fn how, char **out) {
    anm_hub_options options;
    anm_error err;
    pull_line line;
    pull_line_init(&line, false);
    anm_hub_options_init(&options);
    options.progress = pull_line_show;
    options.progress_context = &line;
    anm_status status = how(name, &options, out, &err);
    pull_line_end(&line);
    return status == ANM_OK ? -1 : cli_fail(&err);
}

int cli_model(const char *name, char **out) {
    return resolve(name, anm_hub_resolve, out);
}

int cli_model_source(const char *name, char **out) {
    return resolve(name, anm_hub_resolve_source, out);
}

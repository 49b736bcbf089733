/* SPDX-License-Identifier: MIT */
/* anemone package: a converted model laid out for upload. */
#include <string.h>

#include "anemone/publish.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

int cmd_package(int argc, char **argv) {
    const char *target = NULL, *out = NULL, *source = NULL, *base = NULL, *verified = NULL;
    bool overwrite = false;
    const cli_option table[] = {
        {"target", 't', CLI_STRING, &target, "hf|ios", "zips for the hub, or models for an app"},
        {"output", 'o', CLI_STRING, &out, "DIR", "the directory to make (required)"},
        {"source", 0, CLI_STRING, &source, "MODEL_DIR",
         "the checkpoint, whose licence is passed on (README.md, LICENSE)"},
        {"base-model", 0, CLI_STRING, &base, "ORG/NAME",
         "what it was converted from, for the card"},
        {"verify-json", 0, CLI_STRING, &verified, "FILE",
         "output of `anemone verify --against --json`, for the card"},
        {"overwrite", 0, CLI_FLAG, &overwrite, NULL, "replace DIR"},
    };
    const cli_spec spec = {"package",
                           "OUT",
                           1,
                           1,
                           "Lays out a converted model for upload: compiled models, meta.yaml, "
                           "tokenizer and a model card.",
                           "Packages are compiled on the way; see docs/publishing.md.",
                           table,
                           6};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!out) return cli_usage(&spec, "--output is required");
    if (!target || (strcmp(target, "hf") != 0 && strcmp(target, "ios") != 0))
        return cli_usage(&spec, "--target is hf or ios");
    anm_publish_options options;
    anm_error err;
    anm_publish_options_init(&options);
    options.target = strcmp(target, "ios") == 0 ? ANM_PUBLISH_IOS : ANM_PUBLISH_HF;
    options.source = source;
    options.base_model = base;
    options.verify_json = verified;
    options.overwrite = overwrite;
    const char *dir;
    code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    if (anm_publish(dir, out, &options, &err) != ANM_OK) return cli_fail(&err);
    printf("%s: ready to upload\n", out);
    return 0;
}

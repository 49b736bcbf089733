/* SPDX-License-Identifier: MIT */
#include "tests/unit/open_model.h"

#include "tests/unit/testing.h"

anm_llm *open_llm(const char *dir, anm_precision precision) {
    anm_llm_options options;
    anm_llm *llm;
    anm_error err;
    anm_llm_options_init(&options);
    options.precision = precision;
    assert_ok(anm_llm_open(dir, &options, &llm, &err), &err);
    return llm;
}

int convert_and_open(anm_llm **out, const char *source, const char *root, const char *name,
                     const anm_convert_options *options) {
    char dir[256], text[900];
    anm_error err;
    anm_llm_options single;
    anm_llm_options_init(&single);
    single.threads = 1;
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    if (anm_convert(source, dir, options, NULL, &err) == ANM_OK &&
        anm_llm_open(dir, &single, out, &err) == ANM_OK)
        return 0;
    anm_error_format(&err, text, sizeof text);
    printf("%s: %s\n", name, text);
    return -1;
}

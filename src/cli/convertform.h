/* SPDX-License-Identifier: MIT */
/* The options of `anemone convert` that say how a model is divided over packages. */
#ifndef ANM_CLI_CONVERTFORM_H
#define ANM_CLI_CONVERTFORM_H

#include "anemone/convert.h"
#include "src/cli/cli.h"

typedef struct convert_form {
    const char *chunks;   /* "4", "auto" */
    const char *max_size; /* "950MB" */
    const char *os;       /* "ios", "macos" */
    const char *only;     /* "ffn:2" */
    int64_t splits, state;
    bool argmax, monolithic, iso, prefill_all;
} convert_form;

/* NULL, or what is wrong, for cli_usage(). */
const char *convert_form_take(const convert_form *form, anm_convert_options *out);

#endif

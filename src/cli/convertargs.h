/* SPDX-License-Identifier: MIT */
/* The options of a conversion, for `convert` and for `pull --convert`. */
#ifndef ANM_CLI_CONVERTARGS_H
#define ANM_CLI_CONVERTARGS_H

#include "anemone/convert.h"
#include "src/cli/cli.h"
#include "src/cli/convertform.h"

typedef struct lut_options {
    const char *parts[3]; /* embeddings, FFN, LM head */
    int64_t group, axis;
    bool per_tensor, scale;
} lut_options;

typedef struct convert_args {
    const char *prefix, *name, *calibrate, *target, *rescale;
    int64_t context, batch, tokens;
    lut_options lut;
    convert_form form;
    bool gptq, overwrite, force, verify, overflow;
} convert_args;

enum { CONVERT_ARGS = 30 };
void convert_args_init(convert_args *args);
/* Fills CONVERT_ARGS entries. */
void convert_args_table(convert_args *args, cli_option *options);
/* -1, or an exit code after a message. */
int convert_args_take(const convert_args *args, const cli_spec *spec, anm_convert_options *out);
/*
 * The same from one text, as "--context 1024 --lut2 4": words are divided by spaces. `text` is
 * changed, and `args` keeps pointers into it.
 */
int convert_args_parse(char *text, convert_args *args, anm_convert_options *out);

#endif

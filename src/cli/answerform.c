/* SPDX-License-Identifier: MIT */
#include "src/cli/answerform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/cli.h"

enum { MAX_FILE = 16 << 20 };

static char *read_stream(FILE *file, size_t *len) {
    char *text = malloc(MAX_FILE + 1);
    *len = text ? fread(text, 1, MAX_FILE + 1, file) : 0;
    return text;
}

static anm_status read_file(const char *path, char **text, size_t *len, anm_error *err) {
    FILE *file = fopen(path, "rb");
    *text = NULL;
    *len = 0;
    if (!file) {
        anm_status status = errno == ENOENT ? ANM_ERROR_NOT_FOUND : ANM_ERROR_IO;
        return cli_raise(err, status, path, strerror(errno));
    }
    *text = read_stream(file, len);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (*text && !failed && *len <= MAX_FILE) return ANM_OK;
    bool memory = !*text;
    free(*text);
    *text = NULL;
    if (memory) return cli_raise(err, ANM_ERROR_MEMORY, path, "out of memory");
    if (failed) return cli_raise(err, ANM_ERROR_IO, path, "it cannot be read");
    return cli_raise(err, ANM_ERROR_LIMIT, path, "more than 16 MB");
}

anm_status answer_form_read(answer_form *form, bool json, const char *schema, const char *grammar,
                            anm_error *err) {
    const char *path = schema ? schema : grammar;
    char *text;
    size_t len;
    if (json) return anm_grammar_json(true, &form->grammar, err);
    if (!path) return ANM_OK;
    anm_status status = read_file(path, &text, &len, err);
    if (status != ANM_OK) return status;
    status = schema ? anm_grammar_from_json_schema(text, len, path, &form->grammar, err)
                    : anm_grammar_parse(text, len, path, &form->grammar, err);
    free(text);
    return status;
}

anm_status answer_form_open(answer_form *form, const anm_llm *llm, anm_error *err) {
    size_t count;
    const int32_t *stops = anm_llm_stop_ids(llm, &count);
    if (!form->grammar) return ANM_OK;
    return anm_constraint_create(form->grammar, anm_llm_tokenizer(llm), stops, count,
                                 &form->constraint, err);
}

anm_status answer_form_begin(answer_form *form, bool reasons, anm_generate_options *options,
                             anm_error *err) {
    if (!form->constraint) return ANM_OK;
    anm_generate_constrain(options, form->constraint);
    return anm_constraint_begin_after(form->constraint, reasons ? "</think>" : NULL, err);
}

void answer_form_close(answer_form *form) {
    anm_constraint_destroy(form->constraint);
    anm_grammar_destroy(form->grammar);
    *form = (answer_form){0};
}

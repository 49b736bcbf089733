/* SPDX-License-Identifier: MIT */
/* The form that answers must have: --json, --json-schema and --grammar. */
#ifndef ANM_CLI_ANSWERFORM_H
#define ANM_CLI_ANSWERFORM_H

#include "anemone/grammar.h"
#include "anemone/llm.h"

typedef struct answer_form {
    anm_grammar *grammar; /* NULL: any text */
    anm_constraint *constraint;
} answer_form;

/* Any JSON object, a schema's file, a grammar's file; at most one of them is given. */
anm_status answer_form_read(answer_form *form, bool json, const char *schema, const char *grammar,
                            anm_error *err);
/* For the model's tokenizer and stop tokens. */
anm_status answer_form_open(answer_form *form, const anm_llm *llm, anm_error *err);
/*
 * The next answer begins: its options get the constraint, if there is one. An answer that begins
 * within <think> has its form from </think> on.
 */
anm_status answer_form_begin(answer_form *form, bool reasons, anm_generate_options *options,
                             anm_error *err);
void answer_form_close(answer_form *form);

#endif

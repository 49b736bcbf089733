/* SPDX-License-Identifier: MIT */
/* Tokens with their log-probabilities, one JSON object a line, kept until the answer is over. */
#ifndef ANM_CLI_LOGPROBLINE_H
#define ANM_CLI_LOGPROBLINE_H

#include <stdio.h>

#include "anemone/llm.h"

typedef struct logprob_lines {
    char *text; /* lines; NULL: none yet */
    size_t length, capacity;
} logprob_lines;

/* False when memory is out. Events without log-probabilities are passed over. */
bool logprob_lines_add(logprob_lines *log, const anm_tokenizer *tokenizer,
                       const anm_token_event *event);
/* Writes the lines, and forgets them. */
void logprob_lines_print(logprob_lines *log, FILE *stream);
void logprob_lines_free(logprob_lines *log);

#endif

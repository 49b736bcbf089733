/* SPDX-License-Identifier: MIT */
/* Log-probabilities of tokens, in the two forms of the API. */
#ifndef ANM_SERVE_TOKENLOG_H
#define ANM_SERVE_TOKENLOG_H

#include <jansson.h>

#include "anemone/llm.h"
#include "src/base/str.h"

typedef struct anm_tokenlog {
    bool chat;
    const anm_tokenizer *tokenizer;
    json_t *content;                          /* chat */
    json_t *tokens, *values, *tops, *offsets; /* completions */
    size_t offset;                            /* in the text, in characters */
} anm_tokenlog;

/* A token with its `count` likeliest rivals; logprob NaN: not known, as of the first token. */
ANM_MUST_CHECK anm_status anm_tokenlog_add(anm_tokenlog *log, const anm_token_logprob *token,
                                           const anm_token_logprob *top, size_t count,
                                           anm_error *err);
/* What was added since the last call, for "logprobs"; NULL: nothing. */
json_t *anm_tokenlog_take(anm_tokenlog *log);
void anm_tokenlog_free(anm_tokenlog *log);

#endif

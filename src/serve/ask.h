/* SPDX-License-Identifier: MIT */
/* What a request for text asks: its fields, checked, and its prompts as tokens. */
#ifndef ANM_SERVE_ASK_H
#define ANM_SERVE_ASK_H

#include <jansson.h>

#include "anemone/grammar.h"
#include "anemone/tool_call.h"
#include "src/serve/served.h"

typedef struct anm_ask {
    anm_arena *arena;
    json_t *body; /* texts of the request live in it */
    anm_served *model;
    bool chat, stream, include_usage;
    bool echo;        /* completions: the prompt is part of the answer */
    bool thinks;      /* the prompt ends with the start of a thought */
    char *tools_json; /* for the template; NULL: none. From malloc() */
    anm_tool_form tool_form;
    anm_grammar *mark;    /* what must come before the next; NULL: nothing */
    anm_grammar *grammar; /* NULL: the answer may be anything */
    int64_t choices;      /* of each prompt */
    int64_t max_tokens;   /* -1: until the context is full */
    int64_t top_logprobs; /* -1: no log-probabilities */
    anm_sampling_options sampling;
    bool seeded;
    const char **stops;
    size_t stop_count;
    anm_token_list *prompts;
    const char **prompt_texts; /* for `echo`; NULL where the prompt was token ids */
    size_t prompt_count;
} anm_ask;

enum { ANM_MOST_CHOICES = 128, ANM_MOST_PROMPTS = 2048, ANM_MOST_LOGPROBS = 20 };

/* Fields that chat and completions share; the model has been found. */
ANM_MUST_CHECK anm_status anm_ask_sampling(anm_ask *ask, anm_error *err);
/* Tools, which of them, and the form of the answer; before the messages. */
ANM_MUST_CHECK anm_status anm_ask_tools(anm_ask *ask, anm_error *err);
ANM_MUST_CHECK anm_status anm_ask_format(anm_ask *ask, anm_error *err);
/* Messages, through the model's chat template. */
ANM_MUST_CHECK anm_status anm_ask_messages(anm_ask *ask, anm_error *err);
/* The prompts of a completion: a text, several, token ids, several lists of them. */
ANM_MUST_CHECK anm_status anm_ask_prompts(anm_ask *ask, anm_error *err);
/* Tokens of a text, as one more prompt. */
ANM_MUST_CHECK anm_status anm_ask_add_text(anm_ask *ask, const char *text, size_t length,
                                           bool special, anm_error *err);
void anm_ask_free(anm_ask *ask);

#endif

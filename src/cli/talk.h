/* SPDX-License-Identifier: MIT */
/* What `chat` and `run` share: a model with a conversation, answers streamed to stdout. */
#ifndef ANM_CLI_TALK_H
#define ANM_CLI_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/chat.h"
#include "src/cli/answerform.h"
#include "src/cli/cli.h"
#include "src/cli/logprobline.h"

/* Options that both commands have; talk_options() puts them into a table. */
typedef struct talk_settings {
    const char *system, *precision, *matmul;
    double temperature, top_p, min_p, typical;
    double repeat_penalty, presence_penalty, frequency_penalty;
    int64_t top_k, penalty_last_n, seed, max_tokens;
    int64_t logprobs; /* these of `run`; -1: none */
    const char *draft; /* directory */
    int64_t draft_tokens;
    cli_list stops, biases, template_args;
    const char *json_schema, *grammar; /* files; with `json` the forms of answers */
    bool json;
    bool raw; /* no chat template */
    bool no_think, stats;
} talk_settings;

enum { TALK_OPTIONS = 23 };
void talk_settings_init(talk_settings *settings);
/* Fills TALK_OPTIONS entries. */
void talk_options(talk_settings *settings, cli_option *options);
/* -1 if the values make sense, else an exit code after a message. */
int talk_check(const cli_spec *spec, const talk_settings *settings);
/* What the library gets of checked settings; `biases` is where `out` keeps them. */
void talk_sampling(const talk_settings *settings, anm_sampling_options *out,
                   anm_logit_bias biases[CLI_MOST_ITEMS]);
/* The template's variables as a JSON object, to be freed; NULL without memory. */
char *talk_template_json(const talk_settings *settings);

typedef struct talk {
    const talk_settings *settings;
    anm_llm *llm;
    anm_session *session;
    anm_llm *draft_llm; /* NULL: none */
    anm_session *draft;
    anm_chat_message *messages; /* contents are the talk's own */
    size_t count, capacity;
    size_t left_out; /* messages that the last prompt had no room for */
    char *answer; /* being streamed */
    size_t answer_length, answer_capacity;
    logprob_lines log; /* with settings->logprobs */
    bool opens_reasoning; /* the prompt ended within <think> */
    answer_form form;
    anm_generate_result result;
    /* Shows a piece of an answer; false stops. NULL: stdout gets it as it is. */
    bool (*show)(void *context, const char *text, size_t length);
    void *show_context;
    anm_error err;
} talk;

anm_status talk_open(talk *t, const char *dir, const talk_settings *settings);
void talk_close(talk *t);
/* Adds a copy of a message to the conversation. */
anm_status talk_add(talk *t, const char *role, const char *content);
/* Forgets all messages but the system's. */
void talk_reset(talk *t);
/* Takes back the last answer, or the last question with all that followed. False: there is none. */
bool talk_drop_answer(talk *t);
bool talk_drop_turn(talk *t);
anm_status talk_set_system(talk *t, const char *content);
/* Takes copies of these messages in place of its own, or leaves everything as it was. */
anm_status talk_replace(talk *t, const anm_chat_message *messages, size_t count);
/*
 * Answers the conversation, streaming to stdout; the answer joins the conversation. What no
 * longer fits the context is left out of the prompt, the oldest turns first.
 * talk.result.stop_reason is ANM_STOP_CALLBACK after Ctrl-C.
 */
anm_status talk_answer(talk *t);
/* One prompt without template and history, streamed. */
anm_status talk_complete(talk *t, const char *prompt);
/* "12 tokens, 0.21 s to the first, 31.2 tokens/s" */
void talk_print_stats(const talk *t, FILE *stream);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The answer to a request for text: its choices, each a job of the engine's thread, and the JSON
 * made of them, as one reply or as a stream of events.
 */
#ifndef ANM_SERVE_ANSWER_H
#define ANM_SERVE_ANSWER_H

#include "src/serve/ask.h"
#include "src/serve/scheduler.h"
#include "src/serve/think.h"
#include "src/serve/tokenlog.h"

typedef struct anm_answer anm_answer;

/* One text for one prompt. The engine's thread alone touches it. */
typedef struct anm_choice {
    anm_job job; /* first: the engine knows no more of it */
    anm_answer *answer;
    size_t index, prompt;       /* which prompt */
    size_t scored;              /* tokens of the prompt whose log-probability is known */
    anm_generation *generation; /* NULL: not begun */
    anm_think think;
    anm_strbuf thought, text; /* of a stream: not sent yet; else all */
    anm_tokenlog log;
    bool begun;         /* a stream: its first event is out */
    const char *finish; /* "stop", "length"; NULL: not ended */
    double last;        /* when its last token came */
} anm_choice;

struct anm_answer {
    anm_ask ask;
    anm_exchange *exchange; /* held */
    anm_metrics *metrics;
    char id[40];
    time_t created;
    anm_choice *choices;
    size_t count, ended;
    size_t prompt_tokens, reused_tokens, generated_tokens;
    bool failed; /* the reply is an error, and over */
};

/* choice.c: the steps of a choice. */
extern const anm_job_kind ANM_CHOICE_KIND;

/* answer_json.c: what goes out. */
void anm_answer_send_piece(anm_choice *choice); /* a stream: what is there by now */
void anm_answer_send_end(anm_choice *choice);   /* a stream: the reason it ended */
void anm_answer_send_whole(anm_answer *answer); /* all choices have ended */

/* A choice has ended; the last one sends what is left and frees the answer. */
void anm_answer_leave(anm_choice *choice, anm_job_end how, const anm_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The answer to a request for text: its choices, each a job of the engine's thread, and the JSON
 * made of them, as one reply or as a stream of events.
 */
#ifndef ANM_SERVE_RESPONSE_H
#define ANM_SERVE_RESPONSE_H

#include "src/serve/ask.h"
#include "src/serve/scheduler.h"
#include "src/serve/tokenlog.h"

typedef struct anm_response anm_response;

/* One text for one prompt. The engine's thread alone touches it. */
typedef struct anm_choice {
    anm_job job; /* first: the engine knows no more of it */
    anm_response *response;
    size_t index, prompt;       /* which prompt */
    size_t scored;              /* tokens of the prompt whose log-probability is known */
    anm_generation *generation; /* NULL: not begun */
    anm_answer_parser *parser;  /* chat: what is thought, text, calls */
    anm_constraint *mark;       /* comes first; NULL: nothing, or it has come */
    anm_constraint *constraint; /* NULL: the answer may be anything */
    bool constrained;           /* by now: a thought is free */
    bool failed;                /* memory is out */
    anm_strbuf thought, text;   /* of a stream: not sent yet; else all */
    json_t *calls;              /* likewise; NULL: none */
    size_t call_count;
    anm_strbuf call_name, call_arguments; /* of the call that is being written */
    anm_tokenlog log;
    bool begun;         /* a stream: its first event is out */
    const char *finish; /* "stop", "length"; NULL: not ended */
    double last;        /* when its last token came */
} anm_choice;

struct anm_response {
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

/* choice_events.c: the parts of a chat's answer. */
ANM_MUST_CHECK anm_status anm_choice_parser(anm_choice *choice, anm_error *err);
/* Limits what is generated to the request's grammar. */
ANM_MUST_CHECK anm_status anm_choice_constrain(anm_choice *choice, anm_constraint_hooks *hooks,
                                               anm_error *err);

/* response_json.c: what goes out. */
void anm_response_send_piece(anm_choice *choice);   /* a stream: what is there by now */
void anm_response_send_end(anm_choice *choice);     /* a stream: the reason it ended */
void anm_response_send_whole(anm_response *answer); /* all choices have ended */

/* A choice has ended; the last one sends what is left and frees the answer. */
void anm_response_leave(anm_choice *choice, anm_job_end how, const anm_error *err);

#endif

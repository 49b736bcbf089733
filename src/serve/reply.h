/* SPDX-License-Identifier: MIT */
/* Replies as JSON, and errors in the form that OpenAI's clients expect. */
#ifndef ANM_SERVE_REPLY_H
#define ANM_SERVE_REPLY_H

#include <jansson.h>

#include "src/serve/exchange.h"

/* What an error object holds beside its message; NULL: null. */
typedef struct anm_error_kind {
    unsigned status;
    const char *type, *code;
} anm_error_kind;

extern const anm_error_kind ANM_ERROR_KIND_REQUEST, ANM_ERROR_KIND_AUTHENTICATION,
    ANM_ERROR_KIND_MODEL, ANM_ERROR_KIND_CONTEXT, ANM_ERROR_KIND_ROUTE, ANM_ERROR_KIND_METHOD,
    ANM_ERROR_KIND_SIZE, ANM_ERROR_KIND_BUSY, ANM_ERROR_KIND_CLOSING, ANM_ERROR_KIND_LATE,
    ANM_ERROR_KIND_SLOW, ANM_ERROR_KIND_ORIGIN, ANM_ERROR_KIND_SERVER;

/* Takes `json`; NULL stands for memory that was out. */
void anm_reply_json(anm_exchange *x, unsigned status, json_t *json);
/* An event of a stream. */
void anm_reply_event(anm_exchange *x, json_t *json);
/* In a stream an event, and its end; else the reply. `param` may be NULL. */
void anm_reply_error(anm_exchange *x, const anm_error_kind *kind, const char *param,
                     const char *fmt, ...) ANM_PRINTF(4, 5);
/* By the library's status: what the request did wrong is 400, the rest 500. */
void anm_reply_status(anm_exchange *x, const anm_error *error);
/* The queue is full, or closed because the server ends. */
void anm_reply_refusal(anm_exchange *x, bool full);

#endif

/* SPDX-License-Identifier: MIT */
/* Reading the headers of an answer, and what it means for the request. */
#ifndef ANM_HUB_FETCHREPLY_H
#define ANM_HUB_FETCHREPLY_H

#include <curl/curl.h>

#include "src/hub/fetch.h"

enum { ANM_FETCH_MOST_TEXT = 400 };

/* What an attempt has heard so far. */
typedef struct anm_fetch_heard {
    anm_fetch_reply reply;
    bool linked;                    /* reply.etag is X-Linked-Etag */
    char error_code[64];            /* X-Error-Code: "GatedRepo" */
    char error_text[ANM_FETCH_MOST_TEXT]; /* X-Error-Message, or the body's beginning */
} anm_fetch_heard;

/* A header line; a new status line forgets what an answer before it said. */
void anm_fetch_hear(anm_fetch_heard *heard, const char *line, size_t size);
/* The body of an answer that is an error. */
void anm_fetch_hear_body(anm_fetch_heard *heard, const char *data, size_t size);

/* An attempt that did not succeed. */
typedef struct anm_fetch_failure {
    const char *name, *what; /* "org/name", "config.json" */
    const char *origin;      /* of whom it was asked at last */
    const anm_hub_connection *hub;
    CURLcode code;           /* CURLE_OK: `heard` tells */
    const char *detail;      /* of libcurl */
    bool cut;                /* the body was shorter than it should be */
    int attempts;
} anm_fetch_failure;

/* Whether it may be different next time. */
bool anm_fetch_is_passing(const anm_fetch_failure *failure, const anm_fetch_heard *heard);
/* A sentence with what to do. */
anm_status anm_fetch_fail(const anm_fetch_failure *failure, const anm_fetch_heard *heard,
                          anm_error *err);

#endif

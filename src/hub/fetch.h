/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests, several at once on one thread, each repeated until it has succeeded or is sure to
 * fail. Redirections are followed here and not by libcurl: the token goes to the hub's own origin
 * only, and what the hub says of a file (X-Linked-Etag) comes with the redirection.
 */
#ifndef ANM_HUB_FETCH_H
#define ANM_HUB_FETCH_H

#include "src/hub/hubconnect.h"

#define ANM_FETCH_ALL UINT64_MAX

typedef struct anm_fetch anm_fetch;

/* What to ask for, filled before each attempt. */
typedef struct anm_fetch_ask {
    const char *url;
    const char *what;     /* for messages: "config.json" */
    uint64_t first, last; /* bytes, both included; first ANM_FETCH_ALL: no range, everything */
} anm_fetch_ask;

/* The headers of an answer that is no redirection. */
typedef struct anm_fetch_reply {
    long status;           /* 200 or 206 */
    char etag[96];         /* the hub's own word, without quotes: X-Linked-Etag, or ETag; "" */
    uint64_t first, total; /* of 206: where it begins, and the file's size */
    char next[2048];       /* the next page's URL; "" */
} anm_fetch_reply;

/* A request's owner embeds anm_fetch as its first member. */
typedef struct anm_fetch_ops {
    void (*prepare)(anm_fetch *fetch, anm_fetch_ask *ask);
    /* The headers are there. An error here, or in data, is final. */
    anm_status (*begin)(anm_fetch *fetch, const anm_fetch_reply *reply, anm_error *err);
    anm_status (*data)(anm_fetch *fetch, const void *data, size_t size, anm_error *err);
    /* Whether all that is wanted has come; if not, the rest is asked for. */
    bool (*whole)(const anm_fetch *fetch);
    /* How far it is: as long as that grows, an attempt was not in vain. May be NULL. */
    uint64_t (*position)(const anm_fetch *fetch);
} anm_fetch_ops;

struct anm_fetch {
    const anm_fetch_ops *ops;
};

typedef struct anm_fetcher {
    const anm_hub_connection *hub;
    const char *name;                             /* "org/name", for messages */
    anm_fetch *(*next)(void *context);            /* to begin; NULL: none now */
    void (*done)(void *context, anm_fetch *fetch); /* may be NULL */
    anm_status (*tick)(void *context, anm_error *err); /* ten times a second; an error ends all */
    void *context;
    size_t retries;                               /* counted */
} anm_fetcher;

/*
 * Until `next` has none while no request is under way, or one has failed for good. After one has
 * ended, `next` is asked again.
 */
ANM_MUST_CHECK anm_status anm_fetch_run(anm_fetcher *fetcher, anm_error *err);

#endif

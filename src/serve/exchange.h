/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request and its reply, between the HTTP thread, which reads and writes the socket, and
 * the engine's thread, which makes the reply. The connection holds it, and so does everybody else
 * who may still write to it.
 */
#ifndef ANM_SERVE_EXCHANGE_H
#define ANM_SERVE_EXCHANGE_H

#include <microhttpd.h>
#include <pthread.h>

#include "src/base/str.h"
#include "src/serve/metrics.h"

typedef struct anm_server anm_server;
typedef struct anm_route anm_route;

/* A header of the reply beyond those of every reply. Text of static life. */
typedef struct anm_reply_header {
    const char *name, *value;
} anm_reply_header;
enum { ANM_REPLY_HEADERS = 4 };

typedef struct anm_exchange {
    anm_server *server;
    struct MHD_Connection *connection;
    int socket;
    const anm_route *route; /* NULL: refused before a route was found */
    const char *rest;       /* of the path, behind the route's; in `path` */
    char *path, method[16];
    double start;
    anm_strbuf body;
    size_t received; /* bytes of the body, kept or not */
    bool handled;
    bool counted; /* of the engine's thread: its end is in the metrics */

    pthread_mutex_t lock; /* of what follows */
    int holders;
    bool closed;    /* the connection is over: nobody reads any more */
    bool suspended; /* waiting for the engine */
    bool streaming, finished;
    unsigned status;
    const char *type;
    anm_reply_header headers[ANM_REPLY_HEADERS];
    const void *fixed; /* a body of static life, in place of `out` */
    size_t fixed_size;
    anm_strbuf out;
    size_t sent;
} anm_exchange;

/* NULL when memory is out. Held once. */
anm_exchange *anm_exchange_create(anm_server *server, struct MHD_Connection *connection);
void anm_exchange_hold(anm_exchange *x);
void anm_exchange_release(anm_exchange *x); /* the last one frees it */

/* Sets a header of the reply, before it begins. */
void anm_exchange_header(anm_exchange *x, const char *name, const char *value);
/* The whole reply. Does nothing after another one. */
void anm_exchange_reply(anm_exchange *x, unsigned status, const char *type, const char *text,
                        size_t size);
/* The same with a body that is not copied. */
void anm_exchange_reply_fixed(anm_exchange *x, unsigned status, const char *type, const void *data,
                              size_t size);
/* A reply in pieces: 200, then writes, then the end. */
void anm_exchange_stream(anm_exchange *x, const char *type);
/* Takes that back, as long as nobody else writes to the exchange: another reply may follow. */
void anm_exchange_stream_not(anm_exchange *x);
void anm_exchange_write(anm_exchange *x, const char *text, size_t size);
void anm_exchange_finish(anm_exchange *x);
/* Written and not yet taken by the client. */
size_t anm_exchange_unsent(anm_exchange *x);
bool anm_exchange_streams(anm_exchange *x);
unsigned anm_exchange_status(anm_exchange *x); /* 499 where the client went first */

/* Whether the client has gone. Looks at the socket: one system call. */
bool anm_exchange_is_gone(anm_exchange *x);
/* The connection is over. */
void anm_exchange_close(anm_exchange *x);

#endif

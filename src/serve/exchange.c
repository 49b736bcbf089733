/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/serve/exchange.h"

#include <poll.h>

#include "src/base/alloc.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* macOS tells by POLLHUP */
#endif

anm_exchange *anm_exchange_create(anm_server *server, struct MHD_Connection *connection) {
    anm_exchange *x = anm_calloc(1, sizeof *x);
    if (!x) return NULL;
    x->server = server;
    x->connection = connection;
    x->socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    x->holders = 1;
    x->start = anm_seconds();
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

void anm_exchange_hold(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    x->holders++;
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_release(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    bool last = --x->holders == 0;
    pthread_mutex_unlock(&x->lock);
    if (!last) return;
    pthread_mutex_destroy(&x->lock);
    anm_strbuf_free(&x->body);
    anm_strbuf_free(&x->out);
    anm_free(x->path);
    anm_free(x);
}

void anm_exchange_header(anm_exchange *x, const char *name, const char *value) {
    for (int i = 0; i < ANM_REPLY_HEADERS; i++)
        if (!x->headers[i].name) {
            x->headers[i] = (anm_reply_header){name, value};
            return;
        }
}

/* Under the lock: lets the HTTP thread go on with this connection. */
static void wake(anm_exchange *x) {
    if (!x->suspended) return;
    x->suspended = false;
    MHD_resume_connection(x->connection);
}

/* Under the lock. */
static void settle(anm_exchange *x, unsigned status, const char *type) {
    x->status = status;
    x->type = type;
    x->finished = true;
    wake(x);
}

void anm_exchange_reply(anm_exchange *x, unsigned status, const char *type, const char *text,
                        size_t size) {
    pthread_mutex_lock(&x->lock);
    if (!x->finished && !x->streaming) {
        anm_strbuf_append(&x->out, text, size);
        settle(x, x->out.failed ? MHD_HTTP_INTERNAL_SERVER_ERROR : status, type);
    }
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_reply_fixed(anm_exchange *x, unsigned status, const char *type, const void *data,
                              size_t size) {
    pthread_mutex_lock(&x->lock);
    if (!x->finished && !x->streaming) {
        x->fixed = data;
        x->fixed_size = size;
        settle(x, status, type);
    }
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_stream(anm_exchange *x, const char *type) {
    pthread_mutex_lock(&x->lock);
    if (!x->finished) {
        x->streaming = true;
        x->status = MHD_HTTP_OK;
        x->type = type;
        wake(x);
    }
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_stream_not(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    x->streaming = false;
    x->status = 0;
    x->type = NULL;
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_write(anm_exchange *x, const char *text, size_t size) {
    pthread_mutex_lock(&x->lock);
    if (!x->closed && !x->finished) {
        anm_strbuf_append(&x->out, text, size);
        wake(x);
    }
    pthread_mutex_unlock(&x->lock);
}

void anm_exchange_finish(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    x->finished = true;
    wake(x);
    pthread_mutex_unlock(&x->lock);
}

size_t anm_exchange_unsent(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    size_t size = x->out.len - x->sent;
    pthread_mutex_unlock(&x->lock);
    return size;
}

bool anm_exchange_streams(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    bool streams = x->streaming;
    pthread_mutex_unlock(&x->lock);
    return streams;
}

/* 499 is nginx's number for it. */
unsigned anm_exchange_status(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    unsigned status = x->status && x->finished ? x->status : 499;
    pthread_mutex_unlock(&x->lock);
    return status;
}

/*
 * A suspended connection is not watched by the HTTP library, so the socket is asked here. It stays
 * open as long as the connection has not let go, which takes the lock.
 */
bool anm_exchange_is_gone(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    bool gone = x->closed || x->finished; /* after an error nobody waits for the rest */
    struct pollfd socket = {.fd = x->socket, .events = POLLRDHUP};
    if (!gone && poll(&socket, 1, 0) > 0)
        gone = (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    pthread_mutex_unlock(&x->lock);
    return gone;
}

void anm_exchange_close(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    x->closed = true;
    x->suspended = false;
    pthread_mutex_unlock(&x->lock);
}

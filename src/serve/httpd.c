/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/serve/httpd.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/serve/access.h"
#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/server.h"

enum {
    CONNECTION_MEMORY = 64 * 1024, /* headers must fit in it */
    BLOCK = 16 * 1024,             /* of a stream */
    IDLE_SECONDS = 75,
    /* So much of a body that is too large is read before it is refused: the client sees why. */
    MOST_DISCARDED = 64 * 1024 * 1024
};

static void count_exchange(anm_server *s, bool more) {
    pthread_mutex_lock(&s->lock);
    s->exchanges += more ? 1 : (size_t)-1;
    pthread_mutex_unlock(&s->lock);
}

static bool is_leaving(anm_server *s) {
    pthread_mutex_lock(&s->lock);
    bool leaving = s->leaving;
    pthread_mutex_unlock(&s->lock);
    return leaving;
}

/* What can be said before the body is here. */
static void begin(anm_exchange *x, const char *method) {
    const char *length =
        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (is_leaving(x->server)) {
        anm_reply_error(x, &ANM_ERROR_KIND_CLOSING, NULL, "the server is shutting down");
        return;
    }
    if (strcmp(method, "OPTIONS") == 0 && x->server->options.cors_origin) {
        anm_exchange_reply_fixed(x, MHD_HTTP_NO_CONTENT, NULL, "", 0);
        return;
    }
    anm_route_find(x, method);
    if (!x->finished) anm_access_check(x);
    if (!x->finished && length && strtoull(length, NULL, 10) > x->server->options.body_limit)
        anm_reply_error(x, &ANM_ERROR_KIND_SIZE, NULL, "a request may have %zu bytes",
                        x->server->options.body_limit);
}

static anm_exchange *open_exchange(anm_server *s, struct MHD_Connection *connection,
                                   const char *url, const char *method) {
    anm_exchange *x = anm_exchange_create(s, connection);
    if (!x) return NULL;
    x->path = anm_strdup(url);
    if (!x->path) {
        anm_exchange_release(x);
        return NULL;
    }
    snprintf(x->method, sizeof x->method, "%s", method);
    count_exchange(s, true);
    begin(x, method);
    return x;
}

/* Part of the body. False: enough, the connection is to be cut. */
static bool take(anm_exchange *x, const char *data, size_t size) {
    const anm_server_options *o = &x->server->options;
    x->received += size;
    if (x->received > MOST_DISCARDED) return false;
    double age = anm_seconds() - x->start;
    /* The reply has to wait for the end of the body, but not for long. */
    if (x->finished) return age < 2 * o->read_timeout;
    if (age > o->read_timeout) {
        anm_reply_error(x, &ANM_ERROR_KIND_SLOW, NULL, "the request took more than %g s to arrive",
                        o->read_timeout);
        return true;
    }
    if (x->received > o->body_limit)
        anm_reply_error(x, &ANM_ERROR_KIND_SIZE, NULL, "a request may have %zu bytes",
                        o->body_limit);
    else anm_strbuf_append(&x->body, data, size);
    return true;
}

static void handle(anm_exchange *x) {
    x->handled = true;
    if (x->finished) return;
    if (x->body.failed) anm_reply_json(x, 500, NULL);
    else x->route->handle(x);
}

/* The HTTP thread asks for more of a stream. */
static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t size) {
    anm_exchange *x = context;
    (void)position;
    pthread_mutex_lock(&x->lock);
    size_t left = x->out.len - x->sent, n = left < size ? left : size;
    ssize_t result = (ssize_t)n;
    if (n) memcpy(buffer, x->out.data + x->sent, n);
    x->sent += n;
    if (x->sent == x->out.len) {
        anm_strbuf_clear(&x->out);
        x->sent = 0;
    }
    if (n == 0 && x->finished) result = MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0 && !x->finished) {
        x->suspended = true;
        MHD_suspend_connection(x->connection);
    }
    pthread_mutex_unlock(&x->lock);
    return result;
}

static struct MHD_Response *make_response(anm_exchange *x) {
    if (x->streaming)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, x, NULL);
    if (x->fixed)
        return MHD_create_response_from_buffer(x->fixed_size, (void *)(uintptr_t)x->fixed,
                                               MHD_RESPMEM_PERSISTENT);
    /* The exchange lives as long as its connection uses the response. */
    return MHD_create_response_from_buffer(x->out.len, x->out.data, MHD_RESPMEM_MUST_COPY);
}

static void add_headers(const anm_exchange *x, struct MHD_Response *response) {
    if (x->type) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, x->type);
    for (int i = 0; i < ANM_REPLY_HEADERS && x->headers[i].name; i++)
        MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
    if (x->streaming) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        MHD_add_response_header(response, "X-Accel-Buffering",
                                "no"); /* nginx: pass it on at once */
    }
    anm_access_headers(x, response);
}

/* The reply as far as it is known; with nothing known the connection waits. */
static enum MHD_Result respond(anm_exchange *x) {
    pthread_mutex_lock(&x->lock);
    if (!x->finished && !x->streaming) {
        x->suspended = true;
        MHD_suspend_connection(x->connection);
        pthread_mutex_unlock(&x->lock);
        return MHD_YES;
    }
    unsigned status = x->status;
    struct MHD_Response *response = make_response(x);
    pthread_mutex_unlock(&x->lock);
    if (!response) return MHD_NO;
    add_headers(x, response);
    enum MHD_Result result = MHD_queue_response(x->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A client that asks before it sends its body is told at once that it need not. */
static bool asks_first(const anm_exchange *x) {
    return x->finished && MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
                                                      MHD_HTTP_HEADER_EXPECT) != NULL;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **held) {
    anm_exchange *x = *held;
    (void)version;
    if (!x) {
        *held = x = open_exchange(context, connection, url, method);
        if (!x) return MHD_NO;
        return asks_first(x) ? respond(x) : MHD_YES;
    }
    if (*size) {
        bool enough = !take(x, data, *size);
        *size = 0;
        return enough ? MHD_NO : MHD_YES;
    }
    if (!x->handled) handle(x);
    return respond(x);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **held,
                         enum MHD_RequestTerminationCode how) {
    anm_server *s = context;
    anm_exchange *x = *held;
    (void)connection;
    (void)how;
    if (!x) return;
    double seconds = anm_seconds() - x->start;
    anm_exchange_close(x);
    unsigned status = anm_exchange_status(x);
    anm_metrics_reply(&s->metrics, anm_route_name(x), status);
    anm_metrics_time(&s->metrics, ANM_LATENCY_REQUEST, seconds);
    if (s->options.log) s->options.log(s->options.log_context, x->method, x->path, status, seconds);
    anm_exchange_release(x);
    *held = NULL;
    count_exchange(s, false);
}

static void on_log(void *context, const char *format, va_list args) {
    (void)context;
    (void)format;
    (void)args;
}

static int bound_port(int socket) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char port[16];
    if (getsockname(socket, (struct sockaddr *)&address, &length) != 0) return 0;
    if (getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

/* A listening socket, or -1 with errno. */
static int listen_on(const struct addrinfo *address) {
    int on = 1, socket_ = socket(address->ai_family, SOCK_STREAM, 0);
    if (socket_ < 0) return -1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(socket_, address->ai_addr, address->ai_addrlen) == 0 && listen(socket_, 128) == 0)
        return socket_;
    int reason = errno;
    close(socket_);
    errno = reason;
    return -1;
}

static anm_status open_socket(anm_server *s, int *out, anm_error *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    const anm_server_options *o = &s->options;
    char port[16], where[300];
    snprintf(port, sizeof port, "%d", o->port);
    snprintf(where, sizeof where, "%s:%d", o->host, o->port);
    int failed = getaddrinfo(o->host, port, &hints, &list);
    if (failed)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where, "no such address: %s",
                        gai_strerror(failed));
    *out = -1;
    for (const struct addrinfo *a = list; a && *out < 0; a = a->ai_next) *out = listen_on(a);
    int reason = errno;
    freeaddrinfo(list);
    if (*out < 0) return anm_fail(err, ANM_ERROR_IO, where, "cannot listen: %s", strerror(reason));
    s->port = bound_port(*out);
    return ANM_OK;
}

anm_status anm_httpd_start(anm_server *s, anm_error *err) {
    int socket;
    ANM_TRY(open_socket(s, &socket, err));
    /* Not epoll: with it, 0.9.75 misses the end of a connection that comes with data before it. */
    s->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)s->options.connection_limit, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
    if (s->daemon) return ANM_OK;
    close(socket);
    return anm_fail(err, ANM_ERROR_IO, NULL, "cannot start the HTTP thread");
}

void anm_httpd_refuse(anm_server *s) {
    pthread_mutex_lock(&s->lock);
    s->leaving = true;
    pthread_mutex_unlock(&s->lock);
    if (!s->daemon) return;
    int socket = MHD_quiesce_daemon(s->daemon);
    if (socket >= 0) close(socket);
}

static size_t exchanges(anm_server *s) {
    pthread_mutex_lock(&s->lock);
    size_t n = s->exchanges;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void anm_httpd_stop(anm_server *s, double until) {
    if (!s->daemon) return;
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    while (exchanges(s) && anm_seconds() < until) nanosleep(&pause, NULL);
    MHD_stop_daemon(s->daemon);
}

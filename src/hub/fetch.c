/* SPDX-License-Identifier: MIT */
/* The loop over all requests; of one attempt, what goes out and what comes in. */
#include "src/base/clock.h"
#include "src/hub/fetch.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/alloc.h"
#include "src/base/str.h"
#include "src/hub/fetchreply.h"

enum { MOST_HOPS = 10, BUFFER = 256 << 10, TICK_MS = 100, CONNECT_SECONDS = 20, TURN_WAIT_MS = 50 };
/* So many bytes farther than ever, and the attempts are counted from the beginning. */
enum { PROGRESS_BYTES = 64 << 10 };
/* Seconds: the first pause, the longest, and the longest that a server may ask for. */
static const double first_pause = 0.5, longest_pause = 30, longest_asked = 300;

typedef struct slot {
    struct loop *loop;
    anm_fetch *fetch; /* NULL: free */
    CURL *easy;
    bool running;
    struct curl_slist *headers;
    anm_fetch_ask ask;
    char *url;     /* of this hop */
    char origin[512];
    int hops, attempts;
    double not_before, heard_at; /* when a byte came last */
    uint64_t best; /* the farthest that the request has come */
    bool begun;
    char etag[96]; /* of the first hop */
    anm_fetch_heard heard;
    anm_status status; /* of the owner's callbacks */
    anm_error err;
    char detail[CURL_ERROR_SIZE];
} slot;

typedef struct loop {
    anm_fetcher *fetcher;
    CURLM *multi;
    slot *slots;
    size_t count;
} loop;

/* ---- what comes in ---- */

static bool is_success(const slot *s) {
    return s->heard.reply.status == 200 || s->heard.reply.status == 206;
}

static size_t on_header(char *data, size_t size, size_t count, void *context) {
    slot *s = context;
    s->heard_at = anm_seconds();
    anm_fetch_hear(&s->heard, data, size * count);
    return size * count;
}

/* Headers of a final answer: the first hop's word on the file is the one that counts. */
static anm_status begin(slot *s) {
    if (s->begun) return ANM_OK;
    s->begun = true;
    if (s->hops) memcpy(s->heard.reply.etag, s->etag, sizeof s->etag);
    return s->fetch->ops->begin(s->fetch, &s->heard.reply, &s->err);
}

static size_t on_body(char *data, size_t size, size_t count, void *context) {
    slot *s = context;
    size_t n = size * count;
    s->heard_at = anm_seconds();
    if (!is_success(s)) {
        anm_fetch_hear_body(&s->heard, data, n);
        return n;
    }
    s->status = begin(s);
    if (s->status == ANM_OK) s->status = s->fetch->ops->data(s->fetch, data, n, &s->err);
    return s->status == ANM_OK ? n : 0;
}

/* ---- what goes out ---- */

static anm_status set_headers(slot *s, anm_error *err) {
    const anm_hub_connection *hub = s->loop->fetcher->hub;
    anm_strbuf line = {0};
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    if (!hub->token || strcmp(s->origin, hub->origin) != 0) return ANM_OK;
    anm_strbuf_printf(&line, "Authorization: Bearer %s", hub->token);
    if (!line.failed) s->headers = curl_slist_append(NULL, line.data);
    anm_strbuf_free(&line);
    return s->headers ? ANM_OK : anm_fail_memory(err);
}

static void set_trust(CURL *easy) {
    const char *file = getenv("CURL_CA_BUNDLE");
    if (!file || !*file) file = getenv("SSL_CERT_FILE");
    if (file && *file) curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

static void set_range(slot *s) {
    char range[64];
    if (s->ask.first == ANM_FETCH_ALL) return;
    snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)s->ask.first,
             (unsigned long long)s->ask.last);
    curl_easy_setopt(s->easy, CURLOPT_RANGE, range);
}

/* Each range has its own connection: that is what makes several of them faster than one. */
static anm_status send_hop(slot *s, anm_error *err) {
    CURL *easy = s->easy;
    curl_easy_reset(easy);
    ANM_TRY(set_headers(s, err));
    s->heard = (anm_fetch_heard){.reply = {.total = ANM_FETCH_ALL}};
    s->detail[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, s->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "anemone/" ANM_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    set_trust(easy);
    set_range(s);
    if (curl_multi_add_handle(s->loop->multi, easy) != CURLM_OK) return anm_fail_memory(err);
    s->running = true;
    s->heard_at = anm_seconds();
    return ANM_OK;
}

static anm_status set_url(slot *s, const char *url, anm_error *err) {
    char *copy = anm_strdup(url);
    if (!copy) return anm_fail_memory(err);
    anm_free(s->url);
    s->url = copy;
    if (!anm_hub_origin(url, s->origin, sizeof s->origin))
        return anm_fail(err, ANM_ERROR_FORMAT, s->ask.what,
                        "the hub leads to \"%.200s\", which is no address of the web", url);
    if (s->loop->fetcher->hub->secure && !anm_str_starts(s->origin, "https:"))
        return anm_fail(err, ANM_ERROR_IO, s->ask.what,
                        "the hub leads from https to an address without: %.200s", url);
    return ANM_OK;
}

static anm_status start(slot *s, anm_error *err) {
    s->ask = (anm_fetch_ask){.what = "", .first = ANM_FETCH_ALL};
    s->fetch->ops->prepare(s->fetch, &s->ask);
    s->hops = 0;
    s->begun = false;
    s->etag[0] = '\0';
    s->status = ANM_OK;
    ANM_TRY(set_url(s, s->ask.url, err));
    return send_hop(s, err);
}

/* ---- the end of an attempt ---- */

static void release(slot *s) {
    if (s->running) curl_multi_remove_handle(s->loop->multi, s->easy);
    s->running = false;
}

static anm_fetch_failure failure_of(const slot *s, CURLcode code) {
    const anm_fetcher *f = s->loop->fetcher;
    return (anm_fetch_failure){.name = f->name,
                               .what = s->ask.what,
                               .origin = s->origin,
                               .hub = f->hub,
                               .code = code,
                               .detail = *s->detail ? s->detail : curl_easy_strerror(code),
                               .cut = code == CURLE_OK && is_success(s),
                               .attempts = s->attempts + 1};
}

/* Doubling, and a little by chance, so that clients that failed together do not return together. */
static double pause_of(slot *s, bool *too_long) {
    curl_off_t asked = 0;
    double pause = first_pause;
    curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &asked);
    for (int i = 0; i < s->attempts && pause < longest_pause; i++) pause *= 2;
    if (pause > longest_pause) pause = longest_pause;
    double t = anm_seconds() * 1e3;
    pause *= 1 + 0.25 * (t - floor(t));
    *too_long = (double)asked > longest_asked;
    return (double)asked > pause ? (double)asked : pause;
}

static void note_progress(slot *s) {
    uint64_t at = s->fetch->ops->position ? s->fetch->ops->position(s->fetch) : 0;
    if (at < s->best + PROGRESS_BYTES) return;
    s->best = at;
    s->attempts = 0;
}

static anm_status succeed(slot *s) {
    anm_fetch *done = s->fetch;
    s->fetch = NULL;
    if (s->loop->fetcher->done) s->loop->fetcher->done(s->loop->fetcher->context, done);
    return ANM_OK;
}

/* A connection may fail when its last byte has come: then nothing is missing. */
static bool has_all(const slot *s) {
    const anm_fetch_ops *ops = s->fetch->ops;
    return s->begun && is_success(s) && ops->position && ops->whole(s->fetch);
}

/* Again after a pause, or the end of everything. */
static anm_status retry(slot *s, CURLcode code, anm_error *err) {
    if (has_all(s)) return succeed(s);
    anm_fetch_failure failure = failure_of(s, code);
    note_progress(s);
    bool too_long, passing = anm_fetch_is_passing(&failure, &s->heard);
    double pause = pause_of(s, &too_long);
    if (!passing || too_long || s->attempts >= s->loop->fetcher->hub->retries)
        return anm_fetch_fail(&failure, &s->heard, err);
    s->attempts++;
    s->loop->fetcher->retries++;
    s->not_before = anm_seconds() + pause;
    return ANM_OK;
}

static anm_status follow(slot *s, const char *to, anm_error *err) {
    if (++s->hops > MOST_HOPS)
        return anm_fail(err, ANM_ERROR_IO, s->ask.what,
                        "the hub leads round and round: %d redirections, the last to %.150s",
                        MOST_HOPS, to);
    if (s->hops == 1) memcpy(s->etag, s->heard.reply.etag, sizeof s->etag);
    char *copy = anm_strdup(to); /* `to` lives as long as the request that ended */
    if (!copy) return anm_fail_memory(err);
    anm_status status = set_url(s, copy, err);
    anm_free(copy);
    return status == ANM_OK ? send_hop(s, err) : status;
}

static anm_status end_body(slot *s, anm_error *err) {
    s->status = begin(s);
    if (s->status != ANM_OK) {
        if (err) *err = s->err;
        return s->status;
    }
    return s->fetch->ops->whole(s->fetch) ? succeed(s) : retry(s, CURLE_OK, err);
}

static anm_status finish(slot *s, CURLcode code, anm_error *err) {
    char *to = NULL;
    release(s);
    if (s->status != ANM_OK) {
        if (err) *err = s->err;
        return s->status;
    }
    long status = s->heard.reply.status;
    if (code == CURLE_OK && status >= 300 && status < 400)
        curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &to);
    if (to) return follow(s, to, err);
    if (code == CURLE_OK && is_success(s)) return end_body(s, err);
    return retry(s, code, err);
}

/* ---- the loop ---- */

static anm_status fill(loop *l, size_t *busy, anm_error *err) {
    bool more = true;
    *busy = 0;
    for (size_t i = 0; i < l->count; i++) {
        slot *s = &l->slots[i];
        if (!s->fetch && more) {
            s->fetch = l->fetcher->next(l->fetcher->context);
            s->attempts = 0;
            s->not_before = 0;
            s->best = 0;
            more = s->fetch != NULL;
        }
        if (!s->fetch) continue;
        ++*busy;
        if (!s->running && anm_seconds() >= s->not_before) ANM_TRY(start(s, err));
    }
    return ANM_OK;
}

static anm_status collect(loop *l, bool *any, anm_error *err) {
    int left;
    *any = false;
    for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
        slot *s;
        if (m->msg != CURLMSG_DONE) continue;
        *any = true;
        CURLcode code = m->data.result; /* `m` ends with the handle's removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        ANM_TRY(finish(s, code, err));
    }
    return ANM_OK;
}

/* libcurl's own limit looks at the mean over some seconds: a fast answer that stops is not seen. */
static anm_status give_up_silent(loop *l, anm_error *err) {
    double timeout = l->fetcher->hub->timeout, t = anm_seconds();
    for (size_t i = 0; i < l->count; i++) {
        slot *s = &l->slots[i];
        if (!s->running || t - s->heard_at <= timeout) continue;
        release(s);
        snprintf(s->detail, sizeof s->detail, "nothing came for %.0f s", timeout);
        ANM_TRY(retry(s, CURLE_OPERATION_TIMEDOUT, err));
    }
    return ANM_OK;
}

static anm_status turn(loop *l, anm_error *err) {
    int running, ready;
    bool any;
    if (curl_multi_perform(l->multi, &running) != CURLM_OK)
        return anm_fail(err, ANM_ERROR_IO, l->fetcher->name, "libcurl cannot go on");
    ANM_TRY(collect(l, &any, err));
    if (!any) curl_multi_poll(l->multi, NULL, 0, TURN_WAIT_MS, &ready);
    return give_up_silent(l, err);
}

static anm_status go(loop *l, anm_error *err) {
    double ticked = 0;
    for (;;) {
        size_t busy;
        ANM_TRY(fill(l, &busy, err));
        if (!busy) return ANM_OK;
        ANM_TRY(turn(l, err));
        if (anm_seconds() - ticked < TICK_MS * 1e-3) continue;
        ticked = anm_seconds();
        ANM_TRY(l->fetcher->tick(l->fetcher->context, err));
    }
}

static bool open_loop(loop *l) {
    l->count = (size_t)l->fetcher->hub->connections;
    l->multi = curl_multi_init();
    l->slots = anm_calloc(l->count, sizeof *l->slots);
    if (!l->multi || !l->slots) return false;
    for (size_t i = 0; i < l->count; i++) {
        l->slots[i].loop = l;
        l->slots[i].easy = curl_easy_init();
        if (!l->slots[i].easy) return false;
    }
    return true;
}

static void close_loop(loop *l) {
    for (size_t i = 0; l->slots && i < l->count; i++) {
        slot *s = &l->slots[i];
        release(s);
        if (s->easy) curl_easy_cleanup(s->easy);
        curl_slist_free_all(s->headers);
        anm_free(s->url);
    }
    anm_free(l->slots);
    if (l->multi) curl_multi_cleanup(l->multi);
}

anm_status anm_fetch_run(anm_fetcher *fetcher, anm_error *err) {
    loop l = {.fetcher = fetcher};
    anm_status status = open_loop(&l) ? go(&l, err) : anm_fail_memory(err);
    close_loop(&l);
    return status;
}

/* SPDX-License-Identifier: MIT */
#include "src/hub/fetchreply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "src/base/str.h"

/* ---- headers ---- */

static bool value_of(anm_sv line, const char *name, anm_sv *value) {
    size_t n = strlen(name);
    if (line.len <= n || strncasecmp(line.data, name, n) != 0 || line.data[n] != ':') return false;
    const char *from = line.data + n + 1, *end = line.data + line.len;
    while (from < end && isspace((unsigned char)*from)) from++;
    while (end > from && isspace((unsigned char)end[-1])) end--;
    *value = (anm_sv){from, (size_t)(end - from)};
    return true;
}

static void put(char *out, size_t size, anm_sv text) {
    snprintf(out, size, "%.*s", ANM_SV(text));
}

/* W/"abc" is abc here. */
static void take_etag(anm_fetch_heard *heard, anm_sv text) {
    const char *from = memchr(text.data, '"', text.len);
    size_t before = from ? (size_t)(from + 1 - text.data) : 0;
    anm_sv inner = {text.data + before, text.len - before};
    const char *end = memchr(inner.data, '"', inner.len);
    if (end) inner.len = (size_t)(end - inner.data);
    put(heard->reply.etag, sizeof heard->reply.etag, inner);
}

/* "bytes 0-99/1000" */
static void take_range(anm_fetch_heard *heard, anm_sv text) {
    char copy[96];
    put(copy, sizeof copy, text);
    unsigned long long first, last, total;
    if (sscanf(copy, "bytes %llu-%llu/%llu", &first, &last, &total) != 3) return;
    heard->reply.first = first;
    heard->reply.total = total;
}

/* <https://...>; rel="next", ... */
static void take_link(anm_fetch_heard *heard, anm_sv text) {
    char copy[sizeof heard->reply.next];
    if (text.len >= sizeof copy) return;
    put(copy, sizeof copy, text);
    for (char *p = copy; (p = strchr(p, '<'));) {
        char *url = p + 1, *end = strchr(url, '>');
        if (!end) return;
        *end = '\0';
        p = end + 1;
        size_t rest = strcspn(p, "<");
        char *next = strstr(p, "rel=\"next\"");
        if (next && next < p + rest) put(heard->reply.next, sizeof copy, anm_sv_from(url));
    }
}

void anm_fetch_hear(anm_fetch_heard *heard, const char *data, size_t size) {
    anm_sv line = {data, size}, value;
    if (size > 5 && strncmp(data, "HTTP/", 5) == 0) {
        *heard = (anm_fetch_heard){.reply = {.total = ANM_FETCH_ALL}};
        char copy[32];
        put(copy, sizeof copy, line);
        const char *space = strchr(copy, ' ');
        heard->reply.status = space ? strtol(space, NULL, 10) : 0;
    } else if (value_of(line, "X-Linked-Etag", &value)) {
        take_etag(heard, value);
        heard->linked = true;
    } else if (value_of(line, "ETag", &value)) {
        if (!heard->linked) take_etag(heard, value);
    } else if (value_of(line, "Content-Range", &value)) {
        take_range(heard, value);
    } else if (value_of(line, "Link", &value)) {
        take_link(heard, value);
    } else if (value_of(line, "X-Error-Code", &value)) {
        put(heard->error_code, sizeof heard->error_code, value);
    } else if (value_of(line, "X-Error-Message", &value)) {
        put(heard->error_text, sizeof heard->error_text, value);
    }
}

/* What a server writes goes to a terminal: no control characters, no markup. */
void anm_fetch_hear_body(anm_fetch_heard *heard, const char *data, size_t size) {
    size_t n = strlen(heard->error_text);
    for (size_t i = 0; i < size && n + 1 < sizeof heard->error_text; i++) {
        unsigned char c = (unsigned char)data[i];
        heard->error_text[n++] = c < 0x20 || c == 0x7f || c >= 0x80 ? ' ' : (char)c;
    }
    heard->error_text[n] = '\0';
}

/* ---- what it means ---- */

static bool asked_hub(const anm_fetch_failure *f) {
    return strcmp(f->origin, f->hub->origin) == 0;
}

static bool code_is_passing(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_WEIRD_SERVER_REPLY: return true;
    default: return false;
    }
}

bool anm_fetch_is_passing(const anm_fetch_failure *f, const anm_fetch_heard *heard) {
    if (f->code != CURLE_OK) return code_is_passing(f->code);
    if (f->cut) return true;
    switch (heard->reply.status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return true;
    case 401:
    case 403: return !asked_hub(f); /* a signed address that has run out: the hub gives another */
    default: return false;
    }
}

/* The beginning of what the server said, if it is a sentence. */
static const char *server_text(const anm_fetch_heard *heard, char *out, size_t size) {
    const char *text = heard->error_text + strspn(heard->error_text, " ");
    bool words = *text && *text != '<' && *text != '{';
    snprintf(out, size, "%s%.200s%s", words ? " (it says: " : "", words ? text : "",
             words ? ")" : "");
    return out;
}

static anm_status fail_denied(const anm_fetch_failure *f, const anm_fetch_heard *heard,
                              const char *where, anm_error *err) {
    const char *end = f->hub->endpoint, *name = f->name;
    if (strcmp(heard->error_code, "GatedRepo") == 0 || heard->reply.status == 403)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                        f->hub->token ? "the hub does not let this token in (%ld): accept the "
                                        "licence at %s/%s, and check the token's rights"
                                      : "the hub wants to know who asks (%ld): accept the licence "
                                        "at %s/%s, and set HF_TOKEN to a token of yours",
                        heard->reply.status, end, name);
    if (f->hub->token)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                        "the hub refuses (401): the token is not valid (check HF_TOKEN), or there "
                        "is no such repository at %s/%s", end, name);
    return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                    "the hub refuses (401): there is no such repository, or it is private; check "
                    "the name at %s/%s, and set HF_TOKEN if it is yours", end, name);
}

static anm_status fail_missing(const anm_fetch_failure *f, const anm_fetch_heard *heard,
                               const char *where, anm_error *err) {
    const char *end = f->hub->endpoint, *name = f->name, *code = heard->error_code;
    if (strcmp(code, "RevisionNotFound") == 0)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                        "the repository has no such revision (404): %s/%s/tree/main shows its "
                        "branches", end, name);
    if (strcmp(code, "EntryNotFound") == 0)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                        "the repository has no such file (404): see %s/%s/tree/main", end, name);
    return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                    "the hub knows no such model or revision (404): check the name at %s/%s", end,
                    name);
}

static anm_status fail_status(const anm_fetch_failure *f, const anm_fetch_heard *heard,
                              const char *where, anm_error *err) {
    char said[256];
    long status = heard->reply.status;
    bool hub = asked_hub(f);
    if (hub && (status == 401 || status == 403)) return fail_denied(f, heard, where, err);
    if (hub && (status == 404 || status == 410)) return fail_missing(f, heard, where, err);
    server_text(heard, said, sizeof said);
    if (status == 429)
        return anm_fail(err, ANM_ERROR_IO, where,
                        "%s allows no more requests for now (429)%s: try again later%s; what has "
                        "come is kept", f->origin, said,
                        f->hub->token ? "" : ", or set HF_TOKEN for a higher limit");
    if (status >= 500)
        return anm_fail(err, ANM_ERROR_IO, where,
                        "%s has trouble (%ld)%s (attempts: %d): try again later; what has come is "
                        "kept", f->origin, status, said, f->attempts);
    return anm_fail(err, ANM_ERROR_IO, where, "%s answers with status %ld%s", f->origin, status,
                    said);
}

anm_status anm_fetch_fail(const anm_fetch_failure *f, const anm_fetch_heard *heard,
                          anm_error *err) {
    char where[256];
    snprintf(where, sizeof where, "%s%s%s", f->name, *f->what ? ": " : "", f->what);
    if (f->code == CURLE_PEER_FAILED_VERIFICATION || f->code == CURLE_SSL_CACERT_BADFILE)
        return anm_fail(err, ANM_ERROR_IO, where,
                        "%s cannot be trusted (%s): behind a proxy that looks into TLS, set "
                        "SSL_CERT_FILE to its certificates", f->origin, f->detail);
    if (f->code != CURLE_OK)
        return anm_fail(err, ANM_ERROR_IO, where,
                        "no answer from %s (attempts: %d): %s; check the network and proxy "
                        "settings and try again: what has come is kept", f->origin, f->attempts,
                        f->detail);
    if (f->cut)
        return anm_fail(err, ANM_ERROR_IO, where,
                        "%s cut the answer short %d times: try again, what has come is kept",
                        f->origin, f->attempts);
    return fail_status(f, heard, where, err);
}

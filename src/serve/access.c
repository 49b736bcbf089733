/* SPDX-License-Identifier: MIT */
#include "src/serve/access.h"

#include <string.h>
#include <strings.h>

#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/server.h"

static const char *header(const anm_exchange *x, const char *name) {
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

bool anm_access_same_key(const char *given, const char *key) {
    size_t length = strlen(given), wanted = strlen(key);
    volatile unsigned char difference = length != wanted;
    /* As long as what was given: that the other side knows anyway. */
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(given[i] ^ key[wanted ? i % wanted : 0]);
    return !difference;
}

static bool has_key(const anm_exchange *x, const char *key) {
    static const char scheme[] = "Bearer ";
    const char *given = header(x, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!given || strncasecmp(given, scheme, sizeof scheme - 1) != 0) return false;
    return anm_access_same_key(given + sizeof scheme - 1, key);
}

/* "localhost:8080" is localhost. */
static bool host_is(const char *host, const char *name) {
    size_t length = strlen(name);
    if (strncasecmp(host, name, length) != 0) return false;
    return host[length] == '\0' || host[length] == ':';
}

static bool is_loopback(const char *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]", "::1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (host_is(host, names[i])) return true;
    return false;
}

/* On a loopback address only its own names are asked for, except through a lie. */
static bool host_allowed(const anm_exchange *x) {
    const char *host = header(x, MHD_HTTP_HEADER_HOST), *own = x->server->options.host;
    return !host || !is_loopback(own) || is_loopback(host) || host_is(host, own);
}

static bool origin_is_ours(const anm_exchange *x, const char *origin) {
    const char *host = header(x, MHD_HTTP_HEADER_HOST), *place = strstr(origin, "://");
    return host && place && strcasecmp(place + 3, host) == 0;
}

static bool origin_allowed(const anm_exchange *x) {
    const char *origin = header(x, MHD_HTTP_HEADER_ORIGIN);
    const char *cors = x->server->options.cors_origin;
    if (!origin || origin_is_ours(x, origin)) return true;
    return cors && (strcmp(cors, "*") == 0 || strcasecmp(cors, origin) == 0);
}

void anm_access_check(anm_exchange *x) {
    const char *key = x->server->options.api_key;
    if (!host_allowed(x))
        anm_reply_error(x, &ANM_ERROR_KIND_ORIGIN, NULL,
                        "this server listens on this machine only, and not under that name");
    else if (!origin_allowed(x))
        anm_reply_error(x, &ANM_ERROR_KIND_ORIGIN, NULL,
                        "pages of that origin may not use this server (see --cors)");
    else if (key && x->route && !x->route->open && !has_key(x, key)) {
        anm_exchange_header(x, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
        anm_reply_error(x, &ANM_ERROR_KIND_AUTHENTICATION, NULL,
                        "this server wants its API key, as \"Authorization: Bearer KEY\"");
    }
}

void anm_access_headers(const anm_exchange *x, struct MHD_Response *response) {
    const char *cors = x->server->options.cors_origin;
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (!cors) return;
    MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, cors);
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            "Authorization, Content-Type, *");
    MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    if (strcmp(cors, "*") != 0)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ORIGIN);
}

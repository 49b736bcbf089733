/* SPDX-License-Identifier: MIT */
#include "src/hub/hubconnect.h"

#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "src/base/file.h"
#include "src/base/str.h"

enum { CONNECTIONS = 8, MOST_CONNECTIONS = 32, RETRIES = 5, TIMEOUT = 30, TOKEN_LIMIT = 4096 };

/* ---- URLs ---- */

bool anm_hub_origin(const char *url, char *out, size_t size) {
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    int n = ok ? snprintf(out, size, "%s://%s:%s", scheme, host, port) : -1;
    for (char *p = out; n > 0 && *p; p++) *p = (char)tolower((unsigned char)*p);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return n > 0 && (size_t)n < size;
}

char *anm_hub_escape(anm_arena *arena, const char *text, bool slashes) {
    char *out = anm_arena_alloc(arena, 3 * strlen(text) + 1);
    char *o = out;
    for (const unsigned char *p = (const unsigned char *)text; out && *p; p++) {
        bool plain = (*p < 0x80 && isalnum(*p)) || strchr("-._~", *p) || (slashes && *p == '/');
        if (plain) *o++ = (char)*p;
        else o += snprintf(o, 4, "%%%02X", *p);
    }
    return out;
}

/* ---- who asks ---- */

static const char *token_path(anm_arena *arena) {
    const char *path = getenv("HF_TOKEN_PATH"), *hf = getenv("HF_HOME"), *home = getenv("HOME");
    if (path && *path) return path;
    if (hf && *hf) return anm_path_join(arena, hf, "token");
    return home && *home ? anm_path_join(arena, home, ".cache/huggingface/token") : NULL;
}

/* A token in a header must not bring other headers along. */
static anm_status check_token(const char *token, anm_error *err) {
    for (const char *p = token; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return anm_fail(err, ANM_ERROR_ARGUMENT, "HF_TOKEN",
                            "the token has spaces or other characters that no token has");
    return ANM_OK;
}

static anm_status take_token(anm_arena *arena, const char *given, const char **out,
                             anm_error *err) {
    const char *text = given ? given : getenv("HF_TOKEN");
    char *read = NULL;
    size_t size;
    *out = NULL;
    if (!text) {
        const char *path = token_path(arena);
        if (!path || !anm_path_exists(path)) return ANM_OK;
        ANM_TRY(anm_file_read(arena, path, TOKEN_LIMIT, &read, &size, err));
        text = read;
    }
    char *copy = anm_arena_strdup(arena, text + strspn(text, " \t\r\n"));
    if (!copy) return anm_fail_memory(err);
    copy[strcspn(copy, "\r\n")] = '\0';
    if (!*copy) return ANM_OK;
    *out = copy;
    return check_token(copy, err);
}

static bool env_says_yes(const char *name) {
    const char *value = getenv(name);
    static const char *const yes[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; value && i < sizeof yes / sizeof yes[0]; i++)
        if (strcasecmp(value, yes[i]) == 0) return true;
    return false;
}

/* ---- all ---- */

static anm_status take_endpoint(anm_arena *arena, const char *given, anm_hub_connection *out,
                                anm_error *err) {
    const char *env = getenv("HF_ENDPOINT");
    char origin[512];
    char *url = anm_arena_strdup(arena, given          ? given
                                        : env && *env ? env
                                                       : "https://huggingface.co");
    if (!url) return anm_fail_memory(err);
    for (size_t n = strlen(url); n && url[n - 1] == '/'; n--) url[n - 1] = '\0';
    if (!anm_hub_origin(url, origin, sizeof origin))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "HF_ENDPOINT",
                        "\"%s\" is no URL of a hub, such as https://huggingface.co", url);
    out->endpoint = url;
    out->origin = anm_arena_strdup(arena, origin);
    out->secure = anm_str_starts(origin, "https:");
    return out->origin ? ANM_OK : anm_fail_memory(err);
}

static void start_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

anm_status anm_hub_connect(anm_arena *arena, const anm_hub_options *options,
                           anm_hub_connection *out, anm_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    *out = (anm_hub_connection){.offline = options->offline || env_says_yes("HF_HUB_OFFLINE")};
    if (options->connections < 0 || options->connections > MOST_CONNECTIONS)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "connections", "%d is not from 1 to %d",
                        options->connections, MOST_CONNECTIONS);
    out->connections = options->connections ? options->connections : CONNECTIONS;
    out->retries = options->retries < 0 ? RETRIES : options->retries;
    out->timeout = options->timeout > 0 ? options->timeout : TIMEOUT;
    ANM_TRY(take_endpoint(arena, options->endpoint, out, err));
    return take_token(arena, options->token, &out->token, err);
}

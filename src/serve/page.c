/* SPDX-License-Identifier: MIT */
/* The web page, from inside the library: it asks nobody but this server for anything. */
#include <string.h>

#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/webfiles.h"

static const char pointer[] =
    "anemone serves models in OpenAI's form. There is no page in this build; the API is at\n"
    "/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health and /metrics.\n";

static const anm_web_file *find(const char *name) {
    if (*name == '\0') name = "index.html";
    for (const anm_web_file *file = anm_web_files; file->name; file++)
        if (strcmp(file->name, name) == 0) return file;
    return NULL;
}

static bool is_known(const anm_exchange *x, const char *etag) {
    const char *known =
        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return known && (strstr(known, etag) || strcmp(known, "*") == 0);
}

static void send_file(anm_exchange *x, const anm_web_file *file) {
    anm_exchange_header(x, MHD_HTTP_HEADER_ETAG, file->etag);
    anm_exchange_header(x, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    anm_exchange_header(x, "Content-Security-Policy",
                        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                        "data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'");
    anm_exchange_header(x, "Referrer-Policy", "no-referrer");
    if (is_known(x, file->etag)) anm_exchange_reply_fixed(x, MHD_HTTP_NOT_MODIFIED, NULL, "", 0);
    else anm_exchange_reply_fixed(x, MHD_HTTP_OK, file->type, file->data, file->size);
}

void anm_handle_page(anm_exchange *x) {
    const anm_web_file *file = find(x->rest);
    if (file) send_file(x, file);
    else if (*x->rest == '\0')
        anm_exchange_reply_fixed(x, MHD_HTTP_OK, "text/plain; charset=utf-8", pointer,
                                 sizeof pointer - 1);
    else anm_reply_error(x, &ANM_ERROR_KIND_ROUTE, NULL, "there is nothing at %s", x->path);
}

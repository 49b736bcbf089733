/* SPDX-License-Identifier: MIT */
#include "src/serve/reply.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/serve/server.h"

#define REQUEST "invalid_request_error"
const anm_error_kind ANM_ERROR_KIND_REQUEST = {400, REQUEST, NULL};
const anm_error_kind ANM_ERROR_KIND_AUTHENTICATION = {401, REQUEST, "invalid_api_key"};
const anm_error_kind ANM_ERROR_KIND_ORIGIN = {403, REQUEST, "origin_not_allowed"};
const anm_error_kind ANM_ERROR_KIND_MODEL = {404, REQUEST, "model_not_found"};
const anm_error_kind ANM_ERROR_KIND_CONTEXT = {400, REQUEST, "context_length_exceeded"};
const anm_error_kind ANM_ERROR_KIND_ROUTE = {404, REQUEST, "unknown_url"};
const anm_error_kind ANM_ERROR_KIND_METHOD = {405, REQUEST, "method_not_supported"};
const anm_error_kind ANM_ERROR_KIND_SLOW = {408, REQUEST, "request_timeout"};
const anm_error_kind ANM_ERROR_KIND_SIZE = {413, REQUEST, "request_too_large"};
const anm_error_kind ANM_ERROR_KIND_BUSY = {429, "rate_limit_error", "rate_limit_exceeded"};
const anm_error_kind ANM_ERROR_KIND_SERVER = {500, "server_error", NULL};
const anm_error_kind ANM_ERROR_KIND_CLOSING = {503, "server_error", "shutting_down"};
const anm_error_kind ANM_ERROR_KIND_LATE = {504, "server_error", "timeout"};

static const char no_memory[] = "{\"error\": {\"message\": \"out of memory\", \"type\": "
                                "\"server_error\", \"param\": null, \"code\": null}}\n";

void anm_reply_json(anm_exchange *x, unsigned status, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text) anm_exchange_reply(x, status, "application/json", text, strlen(text));
    else anm_exchange_reply_fixed(x, 500, "application/json", no_memory, sizeof no_memory - 1);
    free(text);
}

void anm_reply_event(anm_exchange *x, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return;
    anm_strbuf event = {0};
    anm_strbuf_printf(&event, "data: %s\n\n", text);
    anm_exchange_write(x, anm_strbuf_cstr(&event), event.len);
    anm_strbuf_free(&event);
    free(text);
}

/* Text that may end within a UTF-8 character. */
static json_t *text_of(const char *text) {
    size_t length = strlen(text);
    json_t *string = json_stringn(text, length);
    for (int i = 0; !string && i < 4 && length; i++) string = json_stringn(text, --length);
    return string ? string : json_string("the message is not UTF-8");
}

static json_t *error_object(const anm_error_kind *kind, const char *param, const char *message) {
    /* A message may quote the request: what was cut within a character is made whole. */
    return json_pack("{s:{s:o,s:s,s:s?,s:s?}}", "error", "message", text_of(message), "type",
                     kind->type, "param", param, "code", kind->code);
}

void anm_reply_error(anm_exchange *x, const anm_error_kind *kind, const char *param,
                     const char *fmt, ...) {
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    json_t *error = error_object(kind, param, message);
    if (!anm_exchange_streams(x)) {
        anm_reply_json(x, kind->status, error);
        return;
    }
    anm_reply_event(x, error);
    anm_exchange_finish(x);
}

void anm_reply_status(anm_exchange *x, const anm_error *error) {
    const char *param = *error->where ? error->where : NULL;
    switch (error->status) {
    case ANM_ERROR_LIMIT:
        anm_reply_error(x, &ANM_ERROR_KIND_CONTEXT, param, "%s", error->message);
        return;
    case ANM_ERROR_NOT_FOUND:
        anm_reply_error(x, &ANM_ERROR_KIND_MODEL, param, "%s", error->message);
        return;
    case ANM_ERROR_ARGUMENT:
    case ANM_ERROR_FORMAT:
    case ANM_ERROR_MISMATCH:
    case ANM_ERROR_UNSUPPORTED:
        anm_reply_error(x, &ANM_ERROR_KIND_REQUEST, param, "%s", error->message);
        return;
    default: anm_reply_error(x, &ANM_ERROR_KIND_SERVER, NULL, "%s", error->message);
    }
}

void anm_reply_refusal(anm_exchange *x, bool full) {
    if (!full) {
        anm_reply_error(x, &ANM_ERROR_KIND_CLOSING, NULL, "the server is shutting down");
        return;
    }
    anm_metrics_add(&x->server->metrics, ANM_COUNT_REFUSED, 1);
    anm_exchange_header(x, MHD_HTTP_HEADER_RETRY_AFTER, "2");
    anm_reply_error(x, &ANM_ERROR_KIND_BUSY, NULL,
                    "the queue of this server is full: try again in a moment");
}

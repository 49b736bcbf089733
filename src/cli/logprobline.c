/* SPDX-License-Identifier: MIT */
#include "src/cli/logprobline.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The text of one token; a part of a character shows as U+FFFD. */
static json_t *token_text(const anm_tokenizer *tokenizer, int32_t id) {
    char *text;
    size_t length;
    anm_error err;
    if (anm_tokenizer_decode(tokenizer, &id, 1, false, &text, &length, &err) != ANM_OK)
        return json_null();
    json_t *value = json_stringn(text, length);
    anm_tokenizer_text_free(text);
    return value ? value : json_null();
}

/* JSON has no infinity: what cannot be has no number. */
static json_t *describe(const anm_tokenizer *tokenizer, anm_token_logprob t) {
    json_t *number = isfinite(t.logprob) ? json_real(round(t.logprob * 1e4) / 1e4) : json_null();
    return json_pack("{s:i, s:o, s:o}", "id", (int)t.token, "text",
                     token_text(tokenizer, t.token), "logprob", number);
}

static bool append(logprob_lines *log, const char *text, size_t length) {
    if (log->length + length > log->capacity) {
        size_t wanted = (log->length + length) * 2;
        char *grown = realloc(log->text, wanted);
        if (!grown) return false;
        log->text = grown;
        log->capacity = wanted;
    }
    memcpy(log->text + log->length, text, length);
    log->length += length;
    return true;
}

bool logprob_lines_add(logprob_lines *log, const anm_tokenizer *tokenizer,
                       const anm_token_event *event) {
    if (event->token < 0 || isnan(event->logprob)) return true;
    json_t *object = describe(tokenizer, (anm_token_logprob){event->token, event->logprob});
    json_t *top = json_array();
    for (size_t i = 0; i < event->top_count && event->top[i].token >= 0; i++)
        json_array_append_new(top, describe(tokenizer, event->top[i]));
    if (event->top_count) json_object_set(object, "top", top);
    json_decref(top);
    char *line = json_dumps(object, JSON_REAL_PRECISION(7));
    json_decref(object);
    bool ok = line && append(log, line, strlen(line)) && append(log, "\n", 1);
    free(line);
    return ok;
}

void logprob_lines_print(logprob_lines *log, FILE *stream) {
    if (log->length) fwrite(log->text, 1, log->length, stream);
    log->length = 0;
}

void logprob_lines_free(logprob_lines *log) {
    free(log->text);
    *log = (logprob_lines){0};
}

/* SPDX-License-Identifier: MIT */
#include "src/serve/tokenlog.h"

#include <math.h>

/* Impossible tokens have a number too: JSON knows no infinity. */
static const double IMPOSSIBLE = -9999;

static json_t *number(float logprob) {
    if (isnan(logprob)) return json_null();
    return json_real(isinf(logprob) ? IMPOSSIBLE : (double)logprob);
}

/* Not every token is text: part of a character has bytes only, which `text` then spells. */
static anm_status read_token(const anm_tokenlog *log, int32_t id, anm_strbuf *text, json_t **bytes,
                             anm_error *err) {
    char *decoded;
    size_t length;
    ANM_TRY(anm_tokenizer_decode(log->tokenizer, &id, 1, false, &decoded, &length, err));
    *bytes = json_array();
    for (size_t i = 0; i < length; i++)
        json_array_append_new(*bytes, json_integer((unsigned char)decoded[i]));
    anm_strbuf_append(text, decoded, length);
    anm_tokenizer_text_free(decoded);
    return ANM_OK;
}

static anm_status chat_entry(const anm_tokenlog *log, const anm_token_logprob *token, json_t **out,
                             anm_error *err) {
    anm_strbuf text = {0};
    json_t *bytes;
    ANM_TRY(read_token(log, token->token, &text, &bytes, err));
    *out = json_pack("{s:o,s:o,s:o}", "token", json_stringn(anm_strbuf_cstr(&text), text.len),
                     "logprob", number(token->logprob), "bytes", bytes);
    anm_strbuf_free(&text);
    return *out ? ANM_OK : anm_fail_memory(err);
}

static anm_status add_chat(anm_tokenlog *log, const anm_token_logprob *token,
                           const anm_token_logprob *top, size_t count, anm_error *err) {
    json_t *entry, *rivals = json_array();
    anm_status status = chat_entry(log, token, &entry, err);
    for (size_t i = 0; i < count && status == ANM_OK; i++) {
        json_t *rival;
        if (top[i].token < 0) break;
        status = chat_entry(log, &top[i], &rival, err);
        if (status == ANM_OK) json_array_append_new(rivals, rival);
    }
    if (status != ANM_OK) {
        json_decref(rivals);
        return status;
    }
    json_object_set_new(entry, "top_logprobs", rivals);
    if (!log->content) log->content = json_array();
    return json_array_append_new(log->content, entry) ? anm_fail_memory(err) : ANM_OK;
}

static size_t characters(const anm_strbuf *text) {
    size_t n = 0;
    for (size_t i = 0; i < text->len; i++) n += ((unsigned char)text->data[i] & 0xc0) != 0x80;
    return n;
}

/* Two tokens may read the same: the likelier one, which comes first, keeps the key. */
static anm_status set_top(const anm_tokenlog *log, json_t *tops, const anm_token_logprob *entry,
                          anm_error *err) {
    anm_strbuf text = {0};
    json_t *bytes;
    ANM_TRY(read_token(log, entry->token, &text, &bytes, err));
    json_decref(bytes);
    if (!json_object_getn(tops, anm_strbuf_cstr(&text), text.len))
        json_object_setn_new(tops, anm_strbuf_cstr(&text), text.len, number(entry->logprob));
    anm_strbuf_free(&text);
    return ANM_OK;
}

static anm_status tops_of(const anm_tokenlog *log, const anm_token_logprob *token,
                          const anm_token_logprob *top, size_t count, json_t **out,
                          anm_error *err) {
    *out = isnan(token->logprob) ? json_null() : json_object();
    anm_status status = ANM_OK;
    if (isnan(token->logprob)) return ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK && top[i].token >= 0; i++)
        status = set_top(log, *out, &top[i], err);
    if (status == ANM_OK) status = set_top(log, *out, token, err);
    if (status != ANM_OK) json_decref(*out);
    return status;
}

static void begin(anm_tokenlog *log) {
    if (log->tokens) return;
    log->tokens = json_array();
    log->values = json_array();
    log->tops = json_array();
    log->offsets = json_array();
}

static anm_status add_completion(anm_tokenlog *log, const anm_token_logprob *token,
                                 const anm_token_logprob *top, size_t count, anm_error *err) {
    anm_strbuf text = {0};
    json_t *bytes, *tops;
    ANM_TRY(tops_of(log, token, top, count, &tops, err));
    anm_status status = read_token(log, token->token, &text, &bytes, err);
    if (status != ANM_OK) {
        json_decref(tops);
        return status;
    }
    json_decref(bytes);
    begin(log);
    bool failed =
        json_array_append_new(log->tokens, json_stringn(anm_strbuf_cstr(&text), text.len)) != 0;
    failed |= json_array_append_new(log->values, number(token->logprob)) != 0;
    failed |= json_array_append_new(log->tops, tops) != 0;
    failed |= json_array_append_new(log->offsets, json_integer((json_int_t)log->offset)) != 0;
    log->offset += characters(&text);
    anm_strbuf_free(&text);
    return failed ? anm_fail_memory(err) : ANM_OK;
}

anm_status anm_tokenlog_add(anm_tokenlog *log, const anm_token_logprob *token,
                            const anm_token_logprob *top, size_t count, anm_error *err) {
    return log->chat ? add_chat(log, token, top, count, err)
                     : add_completion(log, token, top, count, err);
}

json_t *anm_tokenlog_take(anm_tokenlog *log) {
    json_t *taken = NULL;
    if (log->content) taken = json_pack("{s:o,s:n}", "content", log->content, "refusal");
    if (log->tokens)
        taken = json_pack("{s:o,s:o,s:o,s:o}", "tokens", log->tokens, "token_logprobs", log->values,
                          "top_logprobs", log->tops, "text_offset", log->offsets);
    log->content = log->tokens = log->values = log->tops = log->offsets = NULL;
    return taken;
}

void anm_tokenlog_free(anm_tokenlog *log) {
    json_decref(log->content);
    json_decref(log->tokens);
    json_decref(log->values);
    json_decref(log->tops);
    json_decref(log->offsets);
}

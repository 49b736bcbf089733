/* SPDX-License-Identifier: MIT */
/* The JSON of answers: whole, and as the events of a stream. */
#include "src/serve/response.h"
#include "src/serve/reply.h"

static json_t *take_text(anm_strbuf *text) {
    json_t *string = json_stringn(anm_strbuf_cstr(text), text->len);
    anm_strbuf_clear(text);
    return string;
}

static json_t *usage(const anm_response *a) {
    size_t total = a->prompt_tokens + a->generated_tokens;
    return json_pack("{s:I,s:I,s:I,s:{s:I}}", "prompt_tokens", (json_int_t)a->prompt_tokens,
                     "completion_tokens", (json_int_t)a->generated_tokens, "total_tokens",
                     (json_int_t)total, "prompt_tokens_details", "cached_tokens",
                     (json_int_t)a->reused_tokens);
}

static const char *object_of(const anm_response *a, bool chunk) {
    if (!a->ask.chat) return "text_completion";
    return chunk ? "chat.completion.chunk" : "chat.completion";
}

static json_t *envelope(const anm_response *a, bool chunk, json_t *choices) {
    return json_pack("{s:s,s:s,s:I,s:s,s:o}", "id", a->id, "object", object_of(a, chunk), "created",
                     (json_int_t)a->created, "model", a->ask.model->id, "choices", choices);
}

/* Log-probabilities and the reason of the end, which every form of a choice has. */
static json_t *complete(anm_choice *c, json_t *object, const char *finish) {
    json_t *log = anm_tokenlog_take(&c->log);
    json_object_set_new(object, "logprobs", log ? log : json_null());
    json_object_set_new(object, "finish_reason", finish ? json_string(finish) : json_null());
    return object;
}

static void send_chunk(anm_choice *c, json_t *object, const char *finish) {
    json_t *choices = json_pack("[o]", complete(c, object, finish));
    json_t *event = envelope(c->response, true, choices);
    /* With the usage at the end, every chunk says that it has none. */
    if (event && c->response->ask.include_usage) json_object_set_new(event, "usage", json_null());
    anm_reply_event(c->response->exchange, event);
}

static void send_delta(anm_choice *c, json_t *delta, const char *finish) {
    send_chunk(c, json_pack("{s:I,s:o}", "index", (json_int_t)c->index, "delta", delta), finish);
}

static void send_text(anm_choice *c, const char *finish) {
    send_chunk(c,
               json_pack("{s:I,s:o}", "index", (json_int_t)c->index, "text", take_text(&c->text)),
               finish);
}

static void begin_chat(anm_choice *c) {
    if (c->begun) return;
    c->begun = true;
    send_delta(c, json_pack("{s:s,s:s}", "role", "assistant", "content", ""), NULL);
}

void anm_response_send_piece(anm_choice *c) {
    if (!c->thought.len && !c->text.len && !c->calls) return;
    if (!c->response->ask.chat) {
        send_text(c, NULL);
        return;
    }
    begin_chat(c);
    if (c->thought.len)
        send_delta(c, json_pack("{s:o}", "reasoning_content", take_text(&c->thought)), NULL);
    if (c->text.len) send_delta(c, json_pack("{s:o}", "content", take_text(&c->text)), NULL);
    if (c->calls) send_delta(c, json_pack("{s:o}", "tool_calls", c->calls), NULL);
    c->calls = NULL;
}

void anm_response_send_end(anm_choice *c) {
    if (!c->response->ask.chat) {
        send_text(c, c->finish);
        return;
    }
    begin_chat(c);
    anm_response_send_piece(c);
    send_delta(c, json_object(), c->finish);
}

static json_t *whole_chat(anm_choice *c) {
    bool silent = c->calls && !c->text.len;
    json_t *message = json_pack("{s:s,s:o,s:n}", "role", "assistant", "content",
                                silent ? json_null() : take_text(&c->text), "refusal");
    if (message && c->thought.len)
        json_object_set_new(message, "reasoning_content", take_text(&c->thought));
    if (message && c->calls) json_object_set(message, "tool_calls", c->calls);
    return json_pack("{s:I,s:o}", "index", (json_int_t)c->index, "message", message);
}

static json_t *whole_text(anm_choice *c) {
    return json_pack("{s:I,s:o}", "index", (json_int_t)c->index, "text", take_text(&c->text));
}

static void send_object(anm_response *a) {
    json_t *choices = json_array();
    for (size_t i = 0; i < a->count; i++) {
        anm_choice *c = &a->choices[i];
        json_t *object = a->ask.chat ? whole_chat(c) : whole_text(c);
        json_array_append_new(choices, complete(c, object, c->finish));
    }
    json_t *reply = envelope(a, false, choices);
    if (reply) json_object_set_new(reply, "usage", usage(a));
    anm_reply_json(a->exchange, 200, reply);
}

static void send_last_events(anm_response *a) {
    static const char done[] = "data: [DONE]\n\n";
    if (a->ask.include_usage) {
        json_t *event = envelope(a, true, json_array());
        if (event) json_object_set_new(event, "usage", usage(a));
        anm_reply_event(a->exchange, event);
    }
    anm_exchange_write(a->exchange, done, sizeof done - 1);
    anm_exchange_finish(a->exchange);
}

void anm_response_send_whole(anm_response *a) {
    if (a->ask.stream) send_last_events(a);
    else send_object(a);
}

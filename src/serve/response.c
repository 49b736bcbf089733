/* SPDX-License-Identifier: MIT */
/* From a request for text to the jobs that answer it. */
#include "src/base/clock.h"
#include "src/serve/response.h"

#include <inttypes.h>
#include <time.h>

#include "src/base/alloc.h"
#include "src/base/json.h"
#include "src/serve/fields.h"
#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/server.h"

static void free_choice(anm_choice *c) {
    anm_answer_parser_destroy(c->parser);
    anm_constraint_destroy(c->mark);
    anm_constraint_destroy(c->constraint);
    json_decref(c->calls);
    anm_strbuf_free(&c->call_name);
    anm_strbuf_free(&c->call_arguments);
    anm_strbuf_free(&c->thought);
    anm_strbuf_free(&c->text);
    anm_tokenlog_free(&c->log);
}

static void free_answer(anm_response *a) {
    for (size_t i = 0; i < a->count && a->choices; i++) free_choice(&a->choices[i]);
    anm_free(a->choices);
    anm_ask_free(&a->ask);
    anm_exchange_release(a->exchange);
    anm_free(a);
}

static void tell_end(const anm_response *a, anm_job_end how, const anm_error *err) {
    switch (how) {
    case ANM_JOB_DONE: return;
    case ANM_JOB_FAILED: anm_reply_status(a->exchange, err); return;
    case ANM_JOB_GONE: anm_exchange_finish(a->exchange); return;
    case ANM_JOB_LATE:
        anm_reply_error(a->exchange, &ANM_ERROR_KIND_LATE, NULL,
                        "the request took longer than this server allows");
        return;
    case ANM_JOB_SHUTDOWN:
        anm_reply_error(a->exchange, &ANM_ERROR_KIND_CLOSING, NULL, "the server is shutting down");
        return;
    }
}

void anm_response_leave(anm_choice *c, anm_job_end how, const anm_error *err) {
    anm_response *a = c->response;
    a->ended++;
    if (how != ANM_JOB_DONE && !a->failed) {
        a->failed = true;
        tell_end(a, how, err);
    }
    if (!a->failed && a->ask.stream) anm_response_send_end(c);
    if (a->ended < a->count) return;
    if (!a->failed) anm_response_send_whole(a);
    free_answer(a);
}

static anm_status find_model(anm_response *a, anm_error *err) {
    anm_server *s = a->exchange->server;
    const char *id = NULL;
    ANM_TRY(anm_field_text(a->ask.body, "model", &id, err));
    if (!id && s->model_count > 1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "model",
                        "'model' is required: several are served");
    a->ask.model = id ? anm_server_find(s, id) : &s->models[0];
    if (!a->ask.model)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, "model", "the model \"%s\" is not served here",
                        id);
    if (a->ask.model->llm) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "model",
                    "the model \"%s\" is an encoder: it gives embeddings, not text",
                    a->ask.model->id);
}

static anm_status parse_body(anm_response *a, anm_error *err) {
    const anm_strbuf *body = &a->exchange->body;
    ANM_TRY(anm_json_parse(anm_strbuf_cstr(body), body->len, "request", &a->ask.body, err));
    if (json_is_object(a->ask.body)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "the request must be a JSON object");
}

static anm_status parse_chat(anm_ask *ask, anm_error *err) {
    bool logprobs = false;
    int64_t top = 0;
    ask->max_tokens = ask->top_logprobs = -1;
    ANM_TRY(anm_field_int(ask->body, "max_tokens", 1, INT32_MAX, &ask->max_tokens, err));
    ANM_TRY(anm_field_int(ask->body, "max_completion_tokens", 1, INT32_MAX, &ask->max_tokens, err));
    ANM_TRY(anm_field_bool(ask->body, "logprobs", &logprobs, err));
    ANM_TRY(anm_field_int(ask->body, "top_logprobs", 0, ANM_MOST_LOGPROBS, &top, err));
    if (top && !logprobs)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "top_logprobs",
                        "'top_logprobs' needs 'logprobs' to be true");
    if (logprobs) ask->top_logprobs = top;
    ANM_TRY(anm_ask_tools(ask, err));
    ANM_TRY(anm_ask_format(ask, err));
    ANM_TRY(anm_ask_sampling(ask, err));
    return anm_ask_messages(ask, err);
}

static anm_status parse_completion(anm_ask *ask, anm_error *err) {
    const char *suffix = NULL;
    ask->max_tokens = 16; /* OpenAI's default */
    ask->top_logprobs = -1;
    ANM_TRY(anm_field_int(ask->body, "max_tokens", 0, INT32_MAX, &ask->max_tokens, err));
    ANM_TRY(anm_field_int(ask->body, "logprobs", 0, ANM_MOST_LOGPROBS, &ask->top_logprobs, err));
    ANM_TRY(anm_field_bool(ask->body, "echo", &ask->echo, err));
    ANM_TRY(anm_field_text(ask->body, "suffix", &suffix, err));
    if (suffix && *suffix)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "suffix", "'suffix' is not supported");
    ANM_TRY(anm_ask_format(ask, err));
    ANM_TRY(anm_ask_sampling(ask, err));
    int64_t best = ask->choices;
    ANM_TRY(anm_field_int(ask->body, "best_of", 1, ANM_MOST_CHOICES, &best, err));
    if (best != ask->choices)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "best_of",
                        "'best_of' other than 'n' is not "
                        "supported");
    return anm_ask_prompts(ask, err);
}

static anm_status echo_prompt(anm_choice *c, anm_error *err) {
    const anm_ask *ask = &c->response->ask;
    const anm_token_list *prompt = &ask->prompts[c->prompt];
    const char *text = ask->prompt_texts[c->prompt];
    char *decoded;
    size_t length;
    if (text) {
        anm_strbuf_puts(&c->text, text);
        return c->text.failed ? anm_fail_memory(err) : ANM_OK;
    }
    ANM_TRY(anm_tokenizer_decode(anm_llm_tokenizer(ask->model->llm), prompt->ids, prompt->len,
                                 false, &decoded, &length, err));
    anm_strbuf_append(&c->text, decoded, length);
    anm_tokenizer_text_free(decoded);
    return c->text.failed ? anm_fail_memory(err) : ANM_OK;
}

static void fill_job(anm_choice *c, double deadline) {
    const anm_response *a = c->response;
    const anm_token_list *prompt = &a->ask.prompts[c->prompt];
    c->job = (anm_job){.kind = &ANM_CHOICE_KIND,
                       .exchange = a->exchange,
                       .model = a->ask.model,
                       .tokens = prompt->ids,
                       .token_count = prompt->len,
                       .deadline = deadline};
}

static anm_status make_choices(anm_response *a, anm_error *err) {
    double deadline = a->exchange->start + a->exchange->server->options.request_timeout;
    a->count = a->ask.prompt_count * (size_t)a->ask.choices;
    a->choices = anm_calloc(a->count, sizeof *a->choices);
    if (!a->choices) return anm_fail_memory(err);
    for (size_t i = 0; i < a->count; i++) {
        anm_choice *c = &a->choices[i];
        c->response = a;
        c->index = i;
        c->prompt = i / (size_t)a->ask.choices;
        c->log =
            (anm_tokenlog){.chat = a->ask.chat, .tokenizer = anm_llm_tokenizer(a->ask.model->llm)};
        fill_job(c, deadline);
        if (i) a->choices[i - 1].job.next = &c->job;
        if (a->ask.echo) ANM_TRY(echo_prompt(c, err));
    }
    for (size_t i = 0; i < a->ask.prompt_count; i++) a->prompt_tokens += a->ask.prompts[i].len;
    return ANM_OK;
}

static anm_status prepare(anm_response *a, anm_error *err) {
    anm_server *s = a->exchange->server;
    ANM_TRY(parse_body(a, err));
    ANM_TRY(find_model(a, err));
    ANM_TRY(a->ask.chat ? parse_chat(&a->ask, err) : parse_completion(&a->ask, err));
    if (!a->ask.seeded) a->ask.sampling.seed = anm_server_draw(s);
    a->created = time(NULL);
    snprintf(a->id, sizeof a->id, "%s-%016" PRIx64, a->ask.chat ? "chatcmpl" : "cmpl",
             anm_server_draw(s));
    return make_choices(a, err);
}

/* After a successful submission the answer is the engine's, and may be over already. */
static void submit(anm_response *a) {
    anm_exchange *x = a->exchange;
    anm_server *s = x->server;
    bool stream = a->ask.stream;
    size_t prompt_tokens = a->prompt_tokens;
    /* Before, as the answer may be over when this thread comes back. */
    if (stream) anm_exchange_stream(x, "text/event-stream; charset=utf-8");
    anm_submission how = anm_scheduler_submit(&s->scheduler, &a->choices[0].job);
    if (how != ANM_SUBMITTED) {
        if (stream) anm_exchange_stream_not(x);
        anm_reply_refusal(x, how == ANM_QUEUE_FULL);
        free_answer(a);
        return;
    }
    anm_metrics_add(&s->metrics, ANM_COUNT_PROMPT_TOKENS, prompt_tokens);
}

static void answer(anm_exchange *x, bool chat) {
    anm_error err;
    anm_response *a = anm_calloc(1, sizeof *a);
    if (!a) {
        anm_reply_json(x, 500, NULL);
        return;
    }
    anm_exchange_hold(x);
    a->exchange = x;
    a->metrics = &x->server->metrics;
    a->ask.chat = chat;
    a->ask.arena = anm_arena_create();
    anm_status status = a->ask.arena ? prepare(a, &err) : anm_fail_memory(&err);
    if (status == ANM_OK) {
        submit(a);
        return;
    }
    anm_reply_status(x, &err);
    free_answer(a);
}

void anm_handle_chat(anm_exchange *x) {
    answer(x, true);
}

void anm_handle_completion(anm_exchange *x) {
    answer(x, false);
}

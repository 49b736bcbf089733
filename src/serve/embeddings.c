/* SPDX-License-Identifier: MIT */
/* /v1/embeddings: one job of the engine's thread for each input. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/json.h"
#include "src/base/vec.h"
#include "src/serve/fields.h"
#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/server.h"

enum { MOST_INPUTS = 2048 };

typedef struct embedding {
    anm_job job; /* first */
    struct embed_request *request;
    anm_token_list tokens;
    float *values;
    size_t size;
} embedding;

typedef struct embed_request {
    anm_exchange *exchange; /* held */
    json_t *body;
    anm_served *model;
    embedding *items;
    size_t count, ended, tokens;
    bool base64, failed;
} embed_request;

static void free_request(embed_request *r) {
    for (size_t i = 0; i < r->count; i++) {
        anm_token_list_free(&r->items[i].tokens);
        anm_free(r->items[i].values);
    }
    anm_free(r->items);
    json_decref(r->body);
    anm_exchange_release(r->exchange);
    anm_free(r);
}

/* RFC 4648; little-endian floats, as OpenAI's clients ask for and decode. */
static json_t *base64_of(const float *values, size_t count) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = (const unsigned char *)values;
    size_t size = count * sizeof *values;
    anm_strbuf text = {0};
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)bytes[i] << 16;
        if (left > 1) word |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2) word |= bytes[i + 2];
        anm_strbuf_putc(&text, digits[word >> 18]);
        anm_strbuf_putc(&text, digits[word >> 12 & 63]);
        anm_strbuf_putc(&text, left > 1 ? digits[word >> 6 & 63] : '=');
        anm_strbuf_putc(&text, left > 2 ? digits[word & 63] : '=');
    }
    json_t *string = json_stringn(anm_strbuf_cstr(&text), text.len);
    anm_strbuf_free(&text);
    return string;
}

static json_t *list_of(const float *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_real(values[i]));
    return list;
}

static void send_all(embed_request *r) {
    json_t *data = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const embedding *e = &r->items[i];
        json_t *values = r->base64 ? base64_of(e->values, e->size) : list_of(e->values, e->size);
        json_array_append_new(data, json_pack("{s:s,s:I,s:o}", "object", "embedding", "index",
                                              (json_int_t)i, "embedding", values));
    }
    anm_reply_json(r->exchange, 200,
                   json_pack("{s:s,s:o,s:s,s:{s:I,s:I}}", "object", "list", "data", data, "model",
                             r->model->id, "usage", "prompt_tokens", (json_int_t)r->tokens,
                             "total_tokens", (json_int_t)r->tokens));
}

static anm_status step(anm_job *job, bool *done, anm_error *err) {
    embedding *e = (embedding *)job;
    *done = true;
    return anm_encoder_run(job->model->encoder, e->tokens.ids, e->tokens.len, &e->values, &e->size,
                           err);
}

static void tell_end(embed_request *r, anm_job_end how, const anm_error *err) {
    r->failed = true;
    if (how == ANM_JOB_FAILED) anm_reply_status(r->exchange, err);
    else if (how == ANM_JOB_LATE)
        anm_reply_error(r->exchange, &ANM_ERROR_KIND_LATE, NULL,
                        "the request took longer than this server allows");
    else anm_reply_error(r->exchange, &ANM_ERROR_KIND_CLOSING, NULL, "the server is shutting down");
}

static void end(anm_job *job, anm_job_end how, const anm_error *err) {
    embed_request *r = ((embedding *)job)->request;
    r->ended++;
    if (how != ANM_JOB_DONE && !r->failed) tell_end(r, how, err);
    if (r->ended < r->count) return;
    if (!r->failed) send_all(r);
    free_request(r);
}

static const anm_job_kind embedding_kind = {step, end};

static anm_status find_model(embed_request *r, anm_error *err) {
    anm_server *s = r->exchange->server;
    const char *id = NULL;
    ANM_TRY(anm_field_text(r->body, "model", &id, err));
    if (!id && s->model_count > 1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "model",
                        "'model' is required: several are served");
    r->model = id ? anm_server_find(s, id) : &s->models[0];
    if (!r->model)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, "model", "the model \"%s\" is not served here",
                        id);
    if (r->model->encoder) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "model",
                    "the model \"%s\" generates text: it is no encoder and gives no embeddings",
                    r->model->id);
}

static anm_status check_length(const embed_request *r, const anm_token_list *tokens,
                               anm_error *err) {
    size_t most = anm_encoder_most(r->model->encoder);
    if (!tokens->len) return anm_fail(err, ANM_ERROR_ARGUMENT, "input", "an input is empty");
    if (tokens->len <= most) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, "input", "an input has %zu tokens, \"%s\" takes %zu",
                    tokens->len, r->model->id, most);
}

static anm_status add_ids(embedding *e, const json_t *ids, anm_error *err) {
    int32_t vocab = anm_tokenizer_vocab_size(anm_encoder_tokenizer(e->request->model->encoder));
    e->tokens.ids = anm_realloc_array(NULL, json_array_size(ids), sizeof *e->tokens.ids);
    if (!e->tokens.ids) return anm_fail_memory(err);
    e->tokens.cap = json_array_size(ids);
    for (size_t i = 0; i < e->tokens.cap; i++) {
        const json_t *value = json_array_get(ids, i);
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id >= vocab)
            return anm_fail(err, ANM_ERROR_ARGUMENT, "input", "entry %zu of a list is no token id",
                            i);
        e->tokens.ids[e->tokens.len++] = (int32_t)id;
    }
    return ANM_OK;
}

static anm_status add_input(embed_request *r, const json_t *input, anm_error *err) {
    embedding *e = &r->items[r->count++];
    e->request = r;
    if (json_is_string(input))
        ANM_TRY(anm_tokenizer_encode(anm_encoder_tokenizer(r->model->encoder),
                                     json_string_value(input), json_string_length(input), NULL,
                                     &e->tokens, err));
    else if (json_is_array(input)) ANM_TRY(add_ids(e, input, err));
    else
        return anm_fail(err, ANM_ERROR_ARGUMENT, "input",
                        "'input' must be a string, a list of token ids, or a list of either");
    r->tokens += e->tokens.len;
    return check_length(r, &e->tokens, err);
}

static anm_status take_inputs(embed_request *r, anm_error *err) {
    const json_t *input = anm_field(r->body, "input");
    bool several = json_is_array(input) && !json_is_integer(json_array_get(input, 0));
    size_t count = several ? json_array_size(input) : 1;
    if (!input || !count) return anm_fail(err, ANM_ERROR_ARGUMENT, "input", "'input' is required");
    if (count > MOST_INPUTS)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "input", "at most %d inputs", MOST_INPUTS);
    r->items = anm_calloc(count, sizeof *r->items);
    if (!r->items) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        ANM_TRY(add_input(r, several ? json_array_get(input, i) : input, err));
    return ANM_OK;
}

static anm_status take_form(embed_request *r, anm_error *err) {
    const char *form = "float";
    ANM_TRY(anm_field_text(r->body, "encoding_format", &form, err));
    r->base64 = strcmp(form, "base64") == 0;
    if (!r->base64 && strcmp(form, "float") != 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "encoding_format",
                        "'encoding_format' is \"float\" or \"base64\"");
    if (!anm_field(r->body, "dimensions")) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "dimensions", "'dimensions' is not supported");
}

static anm_status prepare(embed_request *r, anm_error *err) {
    const anm_strbuf *body = &r->exchange->body;
    ANM_TRY(anm_json_parse(anm_strbuf_cstr(body), body->len, "request", &r->body, err));
    if (!json_is_object(r->body))
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "the request must be a JSON object");
    ANM_TRY(find_model(r, err));
    ANM_TRY(take_form(r, err));
    return take_inputs(r, err);
}

static void link_jobs(embed_request *r) {
    double deadline = r->exchange->start + r->exchange->server->options.request_timeout;
    for (size_t i = 0; i < r->count; i++) {
        embedding *e = &r->items[i];
        e->job = (anm_job){.kind = &embedding_kind,
                           .exchange = r->exchange,
                           .model = r->model,
                           .deadline = deadline};
        if (i) r->items[i - 1].job.next = &e->job;
    }
}

static void submit(embed_request *r) {
    anm_exchange *x = r->exchange;
    size_t tokens = r->tokens;
    link_jobs(r);
    anm_submission how = anm_scheduler_submit(&x->server->scheduler, &r->items[0].job);
    if (how == ANM_SUBMITTED) {
        anm_metrics_add(&x->server->metrics, ANM_COUNT_PROMPT_TOKENS, tokens);
        return;
    }
    anm_reply_refusal(x, how == ANM_QUEUE_FULL);
    free_request(r);
}

void anm_handle_embeddings(anm_exchange *x) {
    anm_error err;
    embed_request *r = anm_calloc(1, sizeof *r);
    if (!r) {
        anm_reply_json(x, 500, NULL);
        return;
    }
    anm_exchange_hold(x);
    r->exchange = x;
    if (prepare(r, &err) == ANM_OK) {
        submit(r);
        return;
    }
    anm_reply_status(x, &err);
    free_request(r);
}

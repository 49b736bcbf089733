/* SPDX-License-Identifier: MIT */
/* The parts of a chat's answer as the parser tells them, and the grammar that it must follow. */
#include <inttypes.h>
#include <string.h>

#include "src/serve/response.h"
#include "src/serve/server.h"

static void end_call(anm_choice *c) {
    char id[32];
    snprintf(id, sizeof id, "call_%016" PRIx64, anm_server_draw(c->response->exchange->server));
    json_t *call =
        json_pack("{s:s,s:s,s:{s:s,s:s}}", "id", id, "type", "function", "function", "name",
                  anm_strbuf_cstr(&c->call_name), "arguments", anm_strbuf_cstr(&c->call_arguments));
    /* In a stream calls are numbered; in a whole answer their place is their number. */
    if (c->response->ask.stream)
        json_object_set_new(call, "index", json_integer((json_int_t)c->call_count));
    if (!c->calls) c->calls = json_array();
    if (json_array_append_new(c->calls, call) != 0) c->failed = true;
    c->call_count++;
}

/*
 * A call is given out when it is whole: one that turns out to be none is text, which nobody could
 * say any more after its beginning had been sent as a call.
 */
static void on_event(void *context, const anm_answer_event *event) {
    anm_choice *c = context;
    switch (event->kind) {
    case ANM_ANSWER_CALL_BROKEN:
    case ANM_ANSWER_TEXT: anm_strbuf_append(&c->text, event->text, event->len); return;
    case ANM_ANSWER_REASONING: anm_strbuf_append(&c->thought, event->text, event->len); return;
    case ANM_ANSWER_CALL_BEGIN:
        anm_strbuf_clear(&c->call_name);
        anm_strbuf_clear(&c->call_arguments);
        anm_strbuf_append(&c->call_name, event->text, event->len);
        return;
    case ANM_ANSWER_CALL_ARGUMENTS:
        anm_strbuf_append(&c->call_arguments, event->text, event->len);
        return;
    case ANM_ANSWER_CALL_END: end_call(c); return;
    }
}

anm_status anm_choice_parser(anm_choice *c, anm_error *err) {
    const anm_ask *ask = &c->response->ask;
    anm_answer_options options;
    anm_answer_options_init(&options);
    options.form = ask->tool_form;
    options.in_reasoning = ask->thinks;
    /* An answer in a form of its own does not begin with a thought. */
    options.plain = ask->grammar && !ask->thinks;
    options.on_event = on_event;
    options.context = c;
    return anm_answer_parser_create(&options, &c->parser, err);
}

/* What the next token must follow; NULL: nothing. */
static anm_constraint *current(const anm_choice *c) {
    if (!c->constrained) return NULL;
    return c->mark ? c->mark : c->constraint;
}

static anm_status mask(void *context, float *logits, size_t count, anm_error *err) {
    anm_constraint *constraint = current(context);
    return constraint ? anm_constraint_mask(constraint, logits, count, err) : ANM_OK;
}

/* Where the prompt opened a thought, the form begins behind it. */
static anm_status accept_token(void *context, int32_t token, anm_error *err) {
    anm_choice *c = context;
    if (current(c)) ANM_TRY(anm_constraint_accept(current(c), token, err));
    if (c->mark && anm_constraint_finished(c->mark)) {
        anm_constraint_destroy(c->mark);
        c->mark = NULL;
    }
    if (c->constrained) return ANM_OK;
    const char *text =
        anm_tokenizer_token_text(anm_llm_tokenizer(c->response->ask.model->llm), token);
    c->constrained = text && strcmp(text, "</think>") == 0;
    return ANM_OK;
}

static int complete(void *context) {
    const anm_choice *c = context;
    return c->constrained && !c->mark && anm_constraint_finished(c->constraint);
}

anm_status anm_choice_constrain(anm_choice *c, anm_constraint_hooks *hooks, anm_error *err) {
    const anm_ask *ask = &c->response->ask;
    const anm_tokenizer *tokenizer = anm_llm_tokenizer(ask->model->llm);
    size_t count;
    if (!ask->grammar) return ANM_OK;
    const int32_t *stops = anm_llm_stop_ids(ask->model->llm, &count);
    if (ask->mark) ANM_TRY(anm_constraint_create(ask->mark, tokenizer, NULL, 0, &c->mark, err));
    ANM_TRY(anm_constraint_create(ask->grammar, tokenizer, stops, count, &c->constraint, err));
    c->constrained = !ask->thinks;
    *hooks = (anm_constraint_hooks){c, mask, accept_token, complete};
    return ANM_OK;
}

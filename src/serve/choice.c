/* SPDX-License-Identifier: MIT */
/* The steps of a choice: log-probabilities of the prompt where asked for, prefill, tokens. */
#include <math.h>

#include "src/base/clock.h"
#include "src/serve/response.h"

enum { SCORED_A_STEP = 8 };

static const anm_token_list *prompt_of(const anm_choice *c) {
    return &c->response->ask.prompts[c->prompt];
}

static bool wants_scores(const anm_ask *ask) {
    return ask->echo && ask->top_logprobs >= 0;
}

/* The token at `scored`, under the logits of those before it. */
static anm_status log_prompt_token(anm_choice *c, const float *logits, anm_error *err) {
    const anm_ask *ask = &c->response->ask;
    anm_token_logprob top[ANM_MOST_LOGPROBS];
    anm_token_logprob token = {prompt_of(c)->ids[c->scored], NAN};
    size_t count = (size_t)ask->top_logprobs;
    if (logits)
        token.logprob = anm_logits_logprob(logits, anm_llm_vocab_size(ask->model->llm), token.token,
                                           top, count);
    return anm_tokenlog_add(&c->log, &token, top, logits ? count : 0, err);
}

/* Every token of the prompt needs logits, so that nothing a session holds can stand for it. */
static anm_status score(anm_choice *c, anm_error *err) {
    const anm_token_list *prompt = prompt_of(c);
    anm_session *session = c->job.slot->session;
    if (c->scored == 0) anm_session_rewind(session, 0);
    for (int i = 0; i < SCORED_A_STEP && c->scored < prompt->len; i++) {
        const float *logits = c->scored ? anm_session_logits(session) : NULL;
        ANM_TRY(log_prompt_token(c, logits, err));
        ANM_TRY(anm_session_append(session, prompt->ids[c->scored], err));
        c->scored++;
    }
    return ANM_OK;
}

static anm_status keep_text(anm_choice *c, const anm_token_event *event, anm_error *err) {
    const anm_tokenizer *tokenizer = anm_llm_tokenizer(c->response->ask.model->llm);
    if (c->parser)
        return anm_answer_parser_token(c->parser, tokenizer, event->token, event->text,
                                       event->length, err);
    anm_strbuf_append(&c->text, event->text, event->length);
    return ANM_OK;
}

static void count_token(anm_choice *c) {
    anm_response *a = c->response;
    double now = anm_seconds();
    if (c->last == 0) anm_metrics_time(a->metrics, ANM_LATENCY_FIRST_TOKEN, now - c->job.queued);
    else anm_metrics_time(a->metrics, ANM_LATENCY_TOKEN, now - c->last);
    c->last = now;
    a->generated_tokens++;
    anm_metrics_add(a->metrics, ANM_COUNT_GENERATED_TOKENS, 1);
}

/* Non-zero stops the generation: memory is out. */
static int on_token(void *context, const anm_token_event *event) {
    anm_choice *c = context;
    anm_error ignored;
    anm_token_logprob token = {event->token, event->logprob};
    if (event->token >= 0) count_token(c);
    bool log = event->token >= 0 && c->response->ask.top_logprobs >= 0;
    if (log && anm_tokenlog_add(&c->log, &token, event->top, event->top_count, &ignored) != ANM_OK)
        c->failed = true;
    if (keep_text(c, event, &ignored) != ANM_OK) c->failed = true;
    c->failed |= c->text.failed || c->thought.failed || c->call_arguments.failed;
    if (c->response->ask.stream && !c->failed) anm_response_send_piece(c);
    return c->failed;
}

static anm_status begin(anm_choice *c, anm_error *err) {
    const anm_ask *ask = &c->response->ask;
    const anm_token_list *prompt = prompt_of(c);
    anm_generate_options options;
    anm_sampling_options sampling = ask->sampling;
    anm_generate_options_init(&options);
    if (ask->chat) ANM_TRY(anm_choice_parser(c, err));
    ANM_TRY(anm_choice_constrain(c, &options.constraint, err));
    sampling.seed += c->index; /* choices of one request differ */
    options.sampling = &sampling;
    options.max_tokens = ask->max_tokens;
    options.stop_strings = ask->stops;
    options.stop_string_count = ask->stop_count;
    options.logprobs = (int)ask->top_logprobs;
    options.on_token = on_token;
    options.context = c;
    return anm_generation_start(c->job.slot->session, prompt->ids, prompt->len, &options,
                                &c->generation, err);
}

static const char *finish_of(const anm_choice *c, anm_stop_reason reason) {
    if (reason == ANM_STOP_LENGTH || reason == ANM_STOP_CONTEXT) return "length";
    return c->call_count ? "tool_calls" : "stop";
}

static anm_status finish(anm_choice *c, anm_error *err) {
    const anm_generate_result *result = anm_generation_result(c->generation);
    anm_response *a = c->response;
    if (c->parser) ANM_TRY(anm_answer_parser_finish(c->parser, err));
    if (c->failed || c->text.failed || c->thought.failed) return anm_fail_memory(err);
    size_t reused = wants_scores(&a->ask) ? 0 : result->reused_tokens;
    a->reused_tokens += reused;
    anm_metrics_add(a->metrics, ANM_COUNT_REUSED_TOKENS, reused);
    c->finish = finish_of(c, result->stop_reason);
    return ANM_OK;
}

static anm_status step(anm_job *job, bool *done, anm_error *err) {
    anm_choice *c = (anm_choice *)job;
    int last = 0;
    if (wants_scores(&c->response->ask) && c->scored < prompt_of(c)->len) return score(c, err);
    if (!c->generation) ANM_TRY(begin(c, err));
    ANM_TRY(anm_generation_step(c->generation, &last, err));
    if (!last) return ANM_OK;
    *done = true;
    return finish(c, err);
}

static void end(anm_job *job, anm_job_end how, const anm_error *err) {
    anm_choice *c = (anm_choice *)job;
    anm_generation_destroy(c->generation);
    c->generation = NULL;
    anm_response_leave(c, how, err);
}

const anm_job_kind ANM_CHOICE_KIND = {step, end};

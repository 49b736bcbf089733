/* SPDX-License-Identifier: MIT */
/* The loop: sync to the prompt, choose, stream, feed back. */
#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/clock.h"
#include "src/base/options.h"
#include "src/llm/llm.h"
#include "src/llm/speculate.h"
#include "src/llm/stopstring.h"

struct anm_generation {
    anm_session *session;
    anm_generate_options options; /* pointers of the caller's are not used after the start */
    anm_generate_result result;
    int32_t *prompt;
    size_t prompt_count;
    bool prompted; /* the session has the whole prompt */
    double began;  /* the phase at hand */
    anm_sampler *sampler;
    anm_decoder *decoder; /* NULL without a tokenizer */
    anm_speculation ahead;
    anm_stop_search stops;
    float *masked; /* logits after the constraint's mask; NULL without one */
    anm_token_logprob *top;
};

void anm_generate_options_init(anm_generate_options *options) {
    *options = (anm_generate_options){
        .struct_size = sizeof *options, .max_tokens = -1, .logprobs = -1};
}

static bool is_stop(const anm_generation *g, int32_t token) {
    const anm_llm *llm = g->session->llm;
    if (g->options.ignore_stop) return false;
    for (size_t i = 0; i < llm->stop_count; i++)
        if (llm->stop_ids[i] == token) return true;
    return false;
}

/* Gives an event to the callback; *asked: to stop. */
static void tell(anm_generation *g, anm_token_event *event, anm_sv text, bool *asked) {
    event->text = text.data ? text.data : "";
    event->length = text.len;
    if (g->options.on_token) *asked = g->options.on_token(g->options.context, event) != 0;
}

static anm_status tell_token(anm_generation *g, int32_t token, bool *asked, anm_error *err) {
    anm_token_event event = {.token = token, .logprob = NAN};
    anm_sv piece = {"", 0}, text;
    if (g->decoder) ANM_TRY(anm_decoder_push(g->decoder, token, &piece.data, &piece.len, err));
    ANM_TRY(anm_stop_search_push(&g->stops, piece, &text, &g->result.stop_string, err));
    if (g->options.logprobs >= 0) {
        const anm_session *s = g->session;
        event.top = g->top;
        event.top_count = (size_t)g->options.logprobs;
        event.logprob =
            anm_logits_logprob(s->logits, s->llm->vocab, token, g->top, event.top_count);
    }
    tell(g, &event, text, asked);
    return ANM_OK;
}

/* At the end: what the decoder and then the search for stop strings held back. */
static anm_status tell_rest(anm_generation *g, anm_error *err) {
    anm_token_event event = {.token = -1, .logprob = NAN};
    anm_sv piece = {"", 0}, text;
    bool ignored;
    if (g->result.stop_string >= 0) return ANM_OK;
    if (g->decoder) ANM_TRY(anm_decoder_finish(g->decoder, &piece.data, &piece.len, err));
    ANM_TRY(anm_stop_search_push(&g->stops, piece, &text, &g->result.stop_string, err));
    if (text.len) tell(g, &event, text, &ignored);
    if (g->result.stop_string >= 0) {
        g->result.stop_reason = ANM_STOP_STRING;
        return ANM_OK;
    }
    text = anm_stop_search_rest(&g->stops);
    if (text.len) tell(g, &event, text, &ignored);
    return ANM_OK;
}

/* The logits that the sampler sees, which the constraint has masked. */
static anm_status constrain(anm_generation *g, const float **logits, anm_error *err) {
    const anm_constraint_hooks *c = &g->options.constraint;
    size_t count = g->session->llm->vocab;
    *logits = anm_session_logits(g->session);
    if (!c->mask) return ANM_OK;
    memcpy(g->masked, *logits, count * sizeof **logits);
    *logits = g->masked;
    return c->mask(c->context, g->masked, count, err);
}

static anm_status no_choice(const anm_generation *g, anm_error *err) {
    const char *name = g->session->llm->name;
    if (g->options.constraint.mask)
        return anm_fail(err, ANM_ERROR_FORMAT, name,
                        "the constraint allows none of the model's tokens");
    return anm_fail(err, ANM_ERROR_FORMAT, name,
                    "the model's logits are not numbers: its weights or its fp16 range are broken");
}

static anm_status choose(anm_generation *g, int32_t *token, anm_error *err) {
    const anm_session *s = g->session;
    const float *logits;
    if (s->llm->winners) {
        *token = anm_session_greedy(s);
    } else {
        ANM_TRY(constrain(g, &logits, err));
        *token = anm_sampler_pick(g->sampler, logits, s->llm->vocab);
    }
    if (*token < 0) return no_choice(g, err);
    ANM_TRY(anm_sampler_accept(g->sampler, *token, err));
    const anm_constraint_hooks *c = &g->options.constraint;
    return c->mask && c->accept ? c->accept(c->context, *token, err) : ANM_OK;
}

/* Whether anything ends the answer after a token that was told. */
static bool ends(anm_generation *g, bool asked) {
    anm_generate_result *r = &g->result;
    size_t length = anm_speculation_length(&g->ahead, g->session);
    const anm_constraint_hooks *c = &g->options.constraint;
    uint64_t most = g->options.max_tokens < 0 ? UINT64_MAX : (uint64_t)g->options.max_tokens;
    if (asked) r->stop_reason = ANM_STOP_CALLBACK;
    else if (r->stop_string >= 0) r->stop_reason = ANM_STOP_STRING;
    else if (c->mask && c->complete && c->complete(c->context)) r->stop_reason = ANM_STOP_COMPLETE;
    else if (r->generated_tokens >= most) r->stop_reason = ANM_STOP_LENGTH;
    else if (length == g->session->llm->context) r->stop_reason = ANM_STOP_CONTEXT;
    else return false;
    return true;
}

/* One token: chosen, shown, fed back. *done when nothing comes after it. */
static anm_status turn(anm_generation *g, bool *done, anm_error *err) {
    int32_t token;
    bool asked = false;
    ANM_TRY(choose(g, &token, err));
    *done = is_stop(g, token);
    if (*done) return ANM_OK;
    g->result.generated_tokens++;
    ANM_TRY(tell_token(g, token, &asked, err));
    *done = ends(g, asked);
    if (*done) return ANM_OK;
    uint64_t left = UINT64_MAX; /* after this one and the choice that its logits are for */
    if (g->options.max_tokens >= 0)
        left = (uint64_t)g->options.max_tokens - g->result.generated_tokens - 1;
    return anm_speculation_feed(&g->ahead, g->session, token, g->sampler, left, err);
}

/* The time since the phase began; the next one begins. */
static double lap(anm_generation *g) {
    double before = g->began;
    g->began = anm_seconds();
    return g->began - before;
}

static anm_status prefill(anm_generation *g, anm_error *err) {
    ANM_TRY(anm_session_continue(g->session, g->prompt, g->prompt_count, &g->prompted, err));
    if (g->prompted) g->result.prefill_seconds = lap(g);
    return ANM_OK;
}

static anm_status finish(anm_generation *g, anm_error *err) {
    anm_speculation_settle(&g->ahead, g->session);
    g->result.drafted_tokens = g->ahead.drafted;
    g->result.accepted_tokens = g->ahead.accepted;
    return tell_rest(g, err);
}

anm_status anm_generation_step(anm_generation *g, int *done, anm_error *err) {
    bool last = false;
    *done = 0;
    if (!g->prompted) {
        ANM_TRY(prefill(g, err));
    } else if (g->options.max_tokens != 0) {
        ANM_TRY(turn(g, &last, err));
        g->result.decode_seconds = anm_seconds() - g->began;
    }
    if (g->prompted && g->options.max_tokens == 0) last = true;
    if (last) ANM_TRY(finish(g, err));
    *done = last;
    return ANM_OK;
}

static anm_status check_logits(const anm_generation *g, const anm_sampling_options *o,
                               anm_error *err) {
    const anm_llm *llm = g->session->llm;
    const char *what = o->temperature != 0              ? "the temperature must be 0"
                       : g->options.logprobs >= 0       ? "there are no logprobs"
                       : g->options.constraint.mask     ? "output cannot be constrained"
                       : o->logit_bias_count            ? "logits cannot be biased"
                       : o->repeat_penalty != 1 || o->presence_penalty != 0 ||
                               o->frequency_penalty != 0 ? "there are no penalties"
                                                         : NULL;
    if (!llm->winners || !what) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, llm->name,
                    "the LM head gives only the most likely token: %s; for more convert without "
                    "--argmax",
                    what);
}

static anm_status check_biases(const anm_generation *g, const anm_sampling_options *o,
                               anm_error *err) {
    const anm_llm *llm = g->session->llm;
    for (size_t i = 0; i < o->logit_bias_count; i++)
        if (o->logit_bias[i].token < 0 || (size_t)o->logit_bias[i].token >= llm->vocab)
            return anm_fail(err, ANM_ERROR_ARGUMENT, "logit-bias",
                            "token %d is outside the vocabulary of %zu", o->logit_bias[i].token,
                            llm->vocab);
    return ANM_OK;
}

/* The sampler, whose penalties see the prompt as well. */
static anm_status make_sampler(anm_generation *g, anm_error *err) {
    anm_sampling_options all;
    anm_sampling_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, g->options.sampling, err));
    ANM_TRY(anm_sampler_create(&all, &g->sampler, err));
    ANM_TRY(check_logits(g, &all, err));
    ANM_TRY(check_biases(g, &all, err));
    for (size_t i = 0; i < g->prompt_count; i++)
        ANM_TRY(anm_sampler_accept(g->sampler, g->prompt[i], err));
    return ANM_OK;
}

static anm_status make_buffers(anm_generation *g, anm_error *err) {
    const anm_llm *llm = g->session->llm;
    const anm_generate_options *o = &g->options;
    if (o->logprobs < -1 || (o->logprobs > 0 && (size_t)o->logprobs > llm->vocab))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "logprobs",
                        "%d is not between 0 and the %zu tokens of the vocabulary", o->logprobs,
                        llm->vocab);
    if (o->stop_string_count && !llm->tokenizer)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, llm->name,
                        "stop strings need a tokenizer, and there is no tokenizer.json");
    ANM_TRY(anm_stop_search_init(&g->stops, o->stop_strings, o->stop_string_count, err));
    if (llm->tokenizer) ANM_TRY(anm_decoder_create(llm->tokenizer, true, &g->decoder, err));
    if (o->constraint.mask) g->masked = anm_calloc(llm->vocab, sizeof *g->masked);
    if (o->logprobs >= 0) g->top = anm_calloc((size_t)o->logprobs, sizeof *g->top);
    bool missing = (o->constraint.mask && !g->masked) || (o->logprobs >= 0 && !g->top);
    return missing ? anm_fail_memory(err) : ANM_OK;
}

static anm_status start(anm_generation *g, const int32_t *prompt, anm_error *err) {
    size_t bytes;
    if (!anm_size_mul(g->prompt_count, sizeof *prompt, &bytes)) return anm_fail_memory(err);
    g->prompt = anm_malloc(bytes);
    if (!g->prompt) return anm_fail_memory(err);
    if (bytes) memcpy(g->prompt, prompt, bytes);
    ANM_TRY(make_sampler(g, err));
    ANM_TRY(make_buffers(g, err));
    ANM_TRY(anm_speculation_begin(&g->ahead, g->session, &g->options, g->options.sampling, err));
    g->began = anm_seconds();
    ANM_TRY(anm_session_begin(g->session, g->prompt, g->prompt_count, &g->prompted, err));
    g->result.prompt_tokens = g->prompt_count;
    g->result.reused_tokens = g->session->reused;
    if (g->options.max_tokens == 0) g->result.stop_reason = ANM_STOP_LENGTH;
    return ANM_OK;
}

anm_status anm_generation_start(anm_session *session, const int32_t *prompt, size_t count,
                                const anm_generate_options *options, anm_generation **out,
                                anm_error *err) {
    *out = NULL;
    anm_generation *g = anm_calloc(1, sizeof *g);
    if (!g) return anm_fail_memory(err);
    *g = (anm_generation){.session = session, .prompt_count = count, .result.stop_string = -1};
    anm_generate_options_init(&g->options);
    anm_status status = anm_options_take(&g->options, sizeof g->options, options, err);
    if (status == ANM_OK) status = start(g, prompt, err);
    if (status == ANM_OK) *out = g;
    else anm_generation_destroy(g);
    return status;
}

const anm_generate_result *anm_generation_result(const anm_generation *g) {
    return &g->result;
}

void anm_generation_destroy(anm_generation *g) {
    if (!g) return;
    anm_speculation_settle(&g->ahead, g->session);
    anm_speculation_end(&g->ahead);
    anm_sampler_destroy(g->sampler);
    anm_decoder_destroy(g->decoder);
    anm_stop_search_free(&g->stops);
    anm_free(g->prompt);
    anm_free(g->masked);
    anm_free(g->top);
    anm_free(g);
}

anm_status anm_generate(anm_session *session, const int32_t *prompt, size_t count,
                        const anm_generate_options *options, anm_generate_result *result,
                        anm_error *err) {
    anm_generation *g;
    int done = 0;
    if (result) *result = (anm_generate_result){.stop_string = -1};
    ANM_TRY(anm_generation_start(session, prompt, count, options, &g, err));
    anm_status status = ANM_OK;
    while (status == ANM_OK && !done) status = anm_generation_step(g, &done, err);
    if (result) *result = g->result;
    anm_generation_destroy(g);
    return status;
}

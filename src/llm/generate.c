/* SPDX-License-Identifier: MIT */
/* The loop: sync to the prompt, choose, stream, feed back. */
#include <time.h>

#include "src/base/options.h"
#include "src/llm/llm.h"

void anm_generate_options_init(anm_generate_options *options) {
    *options = (anm_generate_options){.struct_size = sizeof *options, .max_tokens = -1};
    anm_sampling_options_init(&options->sampling);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct loop {
    anm_session *session;
    const anm_generate_options *options;
    anm_sampler *sampler;
    anm_decoder *decoder; /* NULL without a tokenizer */
    anm_generate_result *result;
    anm_error *err;
} loop;

static bool is_stop(const loop *l, int32_t token) {
    const anm_llm *llm = l->session->llm;
    if (l->options->ignore_stop) return false;
    for (size_t i = 0; i < llm->stop_count; i++)
        if (llm->stop_ids[i] == token) return true;
    return false;
}

static anm_status tell(loop *l, int32_t token, bool *stop) {
    const char *text = "";
    size_t length = 0;
    if (l->decoder) ANM_TRY(anm_decoder_push(l->decoder, token, &text, &length, l->err));
    if (l->options->on_token)
        *stop = l->options->on_token(l->options->context, token, text, length) != 0;
    return ANM_OK;
}

static anm_status tell_rest(loop *l) {
    const char *text;
    size_t length;
    if (!l->decoder) return ANM_OK;
    ANM_TRY(anm_decoder_finish(l->decoder, &text, &length, l->err));
    if (length && l->options->on_token) l->options->on_token(l->options->context, -1, text, length);
    return ANM_OK;
}

static anm_status choose(loop *l, int32_t *token) {
    const anm_session *s = l->session;
    *token = s->llm->winners ? anm_session_greedy(s)
                             : anm_sampler_pick(l->sampler, anm_session_logits(s),
                                                s->llm->vocab);
    if (*token >= 0) return ANM_OK;
    return anm_fail(l->err, ANM_ERROR_FORMAT, l->session->llm->name,
                    "the model's logits are not numbers: its weights or its fp16 range are broken");
}

/* One token: chosen, shown, fed back. *done when nothing comes after it. */
static anm_status turn(loop *l, bool *done) {
    int32_t token;
    anm_generate_result *r = l->result;
    *done = true;
    ANM_TRY(choose(l, &token));
    if (is_stop(l, token)) {
        r->stop_reason = ANM_STOP_TOKEN;
        return ANM_OK;
    }
    bool asked = false;
    r->generated_tokens++;
    ANM_TRY(tell(l, token, &asked));
    if (asked) {
        r->stop_reason = ANM_STOP_CALLBACK;
    } else if (l->options->max_tokens >= 0 &&
               r->generated_tokens >= (uint64_t)l->options->max_tokens) {
        r->stop_reason = ANM_STOP_LENGTH;
    } else if (l->session->count == l->session->llm->context) {
        r->stop_reason = ANM_STOP_CONTEXT;
    } else {
        *done = false;
        return anm_session_append(l->session, token, l->err);
    }
    return ANM_OK;
}

static anm_status run(loop *l, const int32_t *prompt, size_t count) {
    bool done = l->options->max_tokens == 0;
    double start = now();
    l->result->prompt_tokens = count;
    ANM_TRY(anm_session_sync(l->session, prompt, count, l->err));
    l->result->reused_tokens = l->session->reused;
    l->result->prefill_seconds = now() - start;
    start = now();
    l->result->stop_reason = ANM_STOP_LENGTH;
    while (!done) ANM_TRY(turn(l, &done));
    l->result->decode_seconds = now() - start;
    return tell_rest(l);
}

anm_status anm_generate(anm_session *session, const int32_t *prompt, size_t count,
                        const anm_generate_options *options, anm_generate_result *result,
                        anm_error *err) {
    anm_generate_result ignored;
    anm_generate_options all;
    anm_generate_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    loop l = {
        .session = session, .options = &all, .err = err, .result = result ? result : &ignored};
    *l.result = (anm_generate_result){0};
    if (session->llm->winners && all.sampling.temperature != 0)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, session->llm->name,
                        "the LM head gives only the most likely token (it was converted with "
                        "--argmax): the temperature must be 0");
    ANM_TRY(anm_sampler_create(&all.sampling, &l.sampler, err));
    anm_status status = ANM_OK;
    if (session->llm->tokenizer)
        status = anm_decoder_create(session->llm->tokenizer, true, &l.decoder, err);
    if (status == ANM_OK) status = run(&l, prompt, count);
    anm_decoder_destroy(l.decoder);
    anm_sampler_destroy(l.sampler);
    return status;
}

/* SPDX-License-Identifier: MIT */
#include "src/llm/speculate.h"

#include <string.h>

#include "src/base/options.h"

enum { USUAL_AHEAD = 4 };

static anm_status check_models(const anm_session *s, const anm_session *draft, anm_error *err) {
    const anm_llm *llm = s->llm;
    if (!llm->prefill_gives_all)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, llm->name,
                        "its prefill gives the last token's state only, so that proposals of a "
                        "draft cannot be checked in one batch: convert with --prefill-all");
    if (draft->llm->winners || llm->winners)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, draft->llm->name,
                        "a draft and its model must give logits (convert without --argmax)");
    if (draft->llm->vocab == llm->vocab) return ANM_OK;
    return anm_fail(err, ANM_ERROR_MISMATCH, draft->llm->name,
                    "the draft's vocabulary has %zu tokens, that of %s %zu: both must have the "
                    "same tokenizer",
                    draft->llm->vocab, llm->name, llm->vocab);
}

/* Penalties are left to the model: they would need a history of what is only proposed. */
static anm_status make_sampler(anm_speculation *p, const anm_sampling_options *sampling,
                               anm_error *err) {
    anm_sampling_options all;
    anm_sampling_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, sampling, err));
    all.penalty_last_n = 0;
    return anm_sampler_create(&all, &p->sampler, err);
}

anm_status anm_speculation_begin(anm_speculation *p, const anm_session *s,
                                 const anm_generate_options *options,
                                 const anm_sampling_options *sampling, anm_error *err) {
    if (!options->draft) return ANM_OK;
    ANM_TRY(check_models(s, options->draft, err));
    if (options->draft == s)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "draft", "is the session itself");
    if (options->draft_tokens < 0 || options->draft_tokens > ANM_MOST_AHEAD)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "draft-tokens", "must be from 1 to %d, or 0",
                        ANM_MOST_AHEAD);
    p->draft = options->draft;
    p->most = options->draft_tokens ? (size_t)options->draft_tokens : USUAL_AHEAD;
    if (p->most > s->llm->batch - 1) p->most = s->llm->batch - 1;
    return make_sampler(p, sampling, err);
}

void anm_speculation_end(anm_speculation *p) {
    anm_sampler_destroy(p->sampler);
    p->sampler = NULL;
}

size_t anm_speculation_length(const anm_speculation *p, const anm_session *s) {
    return s->count - (p->count - p->at);
}

void anm_speculation_settle(anm_speculation *p, anm_session *s) {
    anm_session_rewind(s, anm_speculation_length(p, s));
    p->count = p->at = 0;
}

/* Behind the session's end a whole batch is written, and a window must not begin to move. */
static bool has_room(const anm_session *s) {
    size_t end = s->count + s->llm->batch;
    return end <= s->llm->window && end <= s->llm->context;
}

/*
 * The draft draws with the numbers that the model's sampler is about to draw with: where the two
 * models agree, their draws do. The first of those is for the choice after `token`.
 */
static anm_status propose(anm_speculation *p, const anm_session *s, int32_t token, size_t most,
                          anm_error *err) {
    anm_session *d = p->draft;
    if (s->count + 1 > d->llm->context) return ANM_OK;
    s->tokens[s->count] = token; /* behind the end: the caller appends it next */
    ANM_TRY(anm_session_sync(d, s->tokens, s->count + 1, err));
    while (p->count < most) {
        int32_t next = anm_sampler_pick(p->sampler, anm_session_logits(d), d->llm->vocab);
        if (next < 0) return ANM_OK;
        p->tokens[p->count++] = next;
        if (p->count == most || d->count == d->llm->context) return ANM_OK;
        ANM_TRY(anm_session_append(d, next, err));
    }
    return ANM_OK;
}

static anm_status verify(anm_speculation *p, anm_session *s, int32_t token, anm_error *err) {
    int32_t batch[ANM_MOST_AHEAD + 1] = {token};
    memcpy(batch + 1, p->tokens, p->count * sizeof *batch);
    p->drafted += p->count;
    ANM_TRY(anm_session_extend(s, batch, p->count + 1, err));
    return anm_session_row(s, 0, err);
}

anm_status anm_speculation_feed(anm_speculation *p, anm_session *s, int32_t token,
                                const anm_sampler *random, uint64_t left, anm_error *err) {
    if (p->at < p->count && p->tokens[p->at] == token) {
        p->accepted++;
        return anm_session_row(s, ++p->at, err);
    }
    if (p->count) anm_speculation_settle(p, s);
    size_t most = left > p->most ? p->most : (size_t)left;
    if (p->draft && most && has_room(s)) {
        p->sampler->random = random->random;
        anm_status status = propose(p, s, token, most, err);
        if (status != ANM_OK) p->count = 0;
        ANM_TRY(status);
    }
    if (!p->count) return anm_session_append(s, token, err);
    anm_status status = verify(p, s, token, err);
    if (status != ANM_OK) p->count = p->at = 0;
    return status;
}

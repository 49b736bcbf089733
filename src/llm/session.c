/* SPDX-License-Identifier: MIT */
/*
 * A timeline of tokens and its KV cache. Shortening it costs nothing: rows behind its end are
 * masked and written anew. But beyond the window of layers that have one, their cache has moved on
 * and what left it is lost: then the shorter timeline is evaluated from the start.
 */
#include <string.h>

#include "src/base/alloc.h"
#include "src/llm/llm.h"

static anm_status allocate(anm_session *s, anm_error *err) {
    const anm_llm *llm = s->llm;
    size_t mask;
    /* A monolithic package keeps its hidden states to itself. */
    s->hidden_bytes = llm->most_rows * (llm->hidden ? llm->hidden : 1) * sizeof(float);
    /* One row more than are used: see make_inputs() in forward.c. */
    if (!anm_size_mul(llm->most_rows + 1, llm->context, &mask))
        return anm_fail(err, ANM_ERROR_LIMIT, llm->dir, "context and batch are absurdly large");
    s->tokens = anm_calloc(llm->context, sizeof *s->tokens);
    s->places = anm_calloc(llm->logits_count, sizeof *s->places);
    s->values = anm_calloc(llm->logits_count, sizeof *s->values);
    s->logits = anm_calloc(llm->vocab, sizeof *s->logits);
    s->mask = anm_calloc(mask, sizeof *s->mask);
    s->ids = anm_calloc(llm->most_rows, sizeof *s->ids);
    s->positions = anm_calloc(llm->most_rows, sizeof *s->positions);
    s->hidden[0] = anm_calloc(s->hidden_bytes, 1);
    s->hidden[1] = anm_calloc(s->hidden_bytes, 1);
    bool results = s->logits && s->places && s->values && s->hidden[0] && s->hidden[1];
    if (!results || !s->tokens || !s->mask || !s->ids || !s->positions) return anm_fail_memory(err);
    const anm_function *infer = llm->chunks[0].functions[ANM_LLM_INFER];
    return anm_state_create(infer, llm->precision, &s->state, err);
}

anm_status anm_session_create(const anm_llm *llm, anm_session **out, anm_error *err) {
    *out = NULL;
    anm_session *s = anm_calloc(1, sizeof *s);
    if (!s) return anm_fail_memory(err);
    s->llm = llm;
    anm_status status = allocate(s, err);
    if (status == ANM_OK) *out = s;
    else anm_session_destroy(s);
    return status;
}

void anm_session_destroy(anm_session *s) {
    if (!s) return;
    anm_state_destroy(s->state);
    anm_free(s->tokens);
    anm_free(s->logits);
    anm_free(s->places);
    anm_free(s->values);
    anm_free(s->mask);
    anm_free(s->ids);
    anm_free(s->positions);
    anm_free(s->hidden[0]);
    anm_free(s->hidden[1]);
    anm_free(s);
}

static anm_status check_token(const anm_session *s, int32_t token, size_t index, anm_error *err) {
    if (token >= 0 && (size_t)token < s->llm->vocab) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, s->llm->name,
                    "token %d at position %zu is outside the vocabulary of %zu", token, index,
                    s->llm->vocab);
}

static anm_status check_tokens(const anm_session *s, const int32_t *tokens, size_t count,
                               anm_error *err) {
    if (count == 0) return anm_fail(err, ANM_ERROR_ARGUMENT, s->llm->name, "the prompt is empty");
    if (count > s->llm->context)
        return anm_fail(err, ANM_ERROR_LIMIT, s->llm->name,
                        "the prompt has %zu tokens, the model's context %zu: shorten the prompt "
                        "or convert with a larger --context",
                        count, s->llm->context);
    for (size_t i = 0; i < count; i++) ANM_TRY(check_token(s, tokens[i], i, err));
    return ANM_OK;
}

static size_t matching(const anm_session *s, const int32_t *tokens, size_t count) {
    size_t n = 0;
    while (n < s->count && n < count && s->tokens[n] == tokens[n]) n++;
    return n;
}

/* Whether to run a batch behind the window: all its rows are computed, and written to the cache. */
static bool batch_pays(const anm_session *s, size_t rows) {
    const anm_llm *llm = s->llm;
    return llm->batches_rotate && llm->batch > 1 && rows > llm->batch / 2 &&
           s->count + llm->batch <= llm->context;
}

/* Several tokens in one pass, whose padding must fit below the window or behind it; 0: none. */
static anm_status choose_rows(const anm_session *s, const anm_llm_width **width, size_t *rows,
                              anm_error *err) {
    const anm_llm *llm = s->llm;
    size_t wanted = *rows;
    *width = NULL;
    *rows = 0;
    if (s->count < llm->window)
        ANM_TRY(anm_llm_width_choose(llm, wanted, llm->window - s->count, width, err));
    else if (batch_pays(s, wanted)) *rows = llm->batch;
    if (*width) *rows = (*width)->rows;
    if (*rows > wanted) *rows = wanted;
    return ANM_OK;
}

static anm_status extend(anm_session *s, const int32_t *tokens, size_t count,
                         const anm_llm_width *width, bool logits, anm_error *err) {
    ANM_TRY(anm_session_forward(s, tokens, s->count, count, width, logits, err));
    memmove(s->tokens + s->count, tokens, count * sizeof *tokens);
    s->count += count;
    s->held = s->count;
    return ANM_OK;
}

/* A batch or a step towards `end`; the last token with logits if it can be had on the way. */
static anm_status pass(anm_session *s, const int32_t *tokens, size_t end, bool logits,
                       anm_error *err) {
    const anm_llm_width *width;
    size_t rows = end - s->count;
    ANM_TRY(choose_rows(s, &width, &rows, err));
    if (!rows) rows = 1;
    bool last = s->count + rows == end;
    return extend(s, tokens + s->count, rows, width, logits && last, err);
}

anm_status anm_session_extend(anm_session *s, const int32_t *tokens, size_t count,
                              anm_error *err) {
    const anm_llm_width *width;
    ANM_TRY(anm_llm_width_for(s->llm, count, &width, err));
    return extend(s, tokens, count, width, false, err);
}

anm_status anm_session_begin(anm_session *s, const int32_t *tokens, size_t count, bool *there,
                             anm_error *err) {
    ANM_TRY(check_tokens(s, tokens, count, err));
    size_t same = matching(s, tokens, count);
    s->reused = count;
    *there = same == count && s->count == count && (s->has_logits || s->has_winner);
    if (*there) return ANM_OK;
    /* The last token is always run, since its logits are wanted; the rest may be reused. */
    anm_session_rewind(s, same < count ? same : count - 1);
    s->reused = s->count = s->held;
    return ANM_OK;
}

anm_status anm_session_continue(anm_session *s, const int32_t *tokens, size_t count, bool *there,
                                anm_error *err) {
    /* ANEMLL's prefill gives no logits: the last token goes through infer, once. */
    if (s->llm->prefill_gives_last || s->llm->prefill_gives_all)
        ANM_TRY(pass(s, tokens, count, true, err));
    else if (s->count + 1 < count) ANM_TRY(pass(s, tokens, count - 1, false, err));
    else ANM_TRY(extend(s, &tokens[count - 1], 1, NULL, true, err));
    *there = s->count == count;
    return ANM_OK;
}

anm_status anm_session_sync(anm_session *s, const int32_t *tokens, size_t count, anm_error *err) {
    bool there;
    ANM_TRY(anm_session_begin(s, tokens, count, &there, err));
    while (!there) ANM_TRY(anm_session_continue(s, tokens, count, &there, err));
    return ANM_OK;
}

/* Evaluates again what a rewind has left without K and V. */
static anm_status restore(anm_session *s, anm_error *err) {
    size_t end = s->count;
    s->count = s->held;
    while (s->count < end) ANM_TRY(pass(s, s->tokens, end, false, err));
    return ANM_OK;
}

anm_status anm_session_append(anm_session *s, int32_t token, anm_error *err) {
    ANM_TRY(check_token(s, token, s->count, err));
    if (s->count == s->llm->context)
        return anm_fail(err, ANM_ERROR_LIMIT, s->llm->name, "the context of %zu tokens is full",
                        s->llm->context);
    ANM_TRY(restore(s, err));
    return extend(s, &token, 1, NULL, true, err);
}

void anm_session_rewind(anm_session *s, size_t length) {
    if (length >= s->count) return;
    if (s->held > s->llm->window) s->held = 0;
    if (s->held > length) s->held = length;
    s->count = length;
    s->has_logits = s->has_winner = false;
}

const int32_t *anm_session_tokens(const anm_session *s, size_t *count) {
    *count = s->count;
    return s->tokens;
}

const float *anm_session_logits(const anm_session *s) {
    return s->has_logits ? s->logits : NULL;
}

int32_t anm_session_greedy(const anm_session *s) {
    if (s->has_winner) return s->winner;
    return s->has_logits ? anm_llm_greatest(s->logits, s->llm->vocab) : -1;
}

anm_state *anm_session_state(anm_session *s) {
    return s->state;
}

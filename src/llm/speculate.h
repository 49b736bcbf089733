/* SPDX-License-Identifier: MIT */
/*
 * Speculative decoding: a small model proposes tokens, the large one evaluates them in one batch.
 * The large model's choice is made for every token as always; a proposal that equals it has been
 * evaluated already. So the answer is that without a draft, whatever the draft proposes.
 */
#ifndef ANM_LLM_SPECULATE_H
#define ANM_LLM_SPECULATE_H

#include "src/llm/llm.h"
#include "src/llm/sampler_impl.h"

enum { ANM_MOST_AHEAD = 63 };

typedef struct anm_speculation {
    anm_session *draft; /* NULL: none */
    anm_sampler *sampler;
    size_t most;                    /* proposals at a time */
    int32_t tokens[ANM_MOST_AHEAD]; /* proposals that the session has evaluated behind its end */
    size_t count, at;               /* how many; the first that is not accepted yet */
    size_t drafted, accepted;
} anm_speculation;

/* Checks that the models fit together, and that the session's gives all rows of a batch. */
ANM_MUST_CHECK anm_status anm_speculation_begin(anm_speculation *p, const anm_session *s,
                                                const anm_generate_options *options,
                                                const anm_sampling_options *sampling,
                                                anm_error *err);
void anm_speculation_end(anm_speculation *p);
/*
 * Appends a token to the session, as anm_session_append() does, from the proposals if it is the
 * next of them. `random` is the sampler that will choose; `left` is how many tokens may still come.
 */
ANM_MUST_CHECK anm_status anm_speculation_feed(anm_speculation *p, anm_session *s, int32_t token,
                                               const anm_sampler *random, uint64_t left,
                                               anm_error *err);
/* Takes back from the session what was not accepted. */
void anm_speculation_settle(anm_speculation *p, anm_session *s);
/* The session's length without that. */
size_t anm_speculation_length(const anm_speculation *p, const anm_session *s);

#endif

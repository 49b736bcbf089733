/* SPDX-License-Identifier: MIT */
/*
 * Choosing the next token from logits. docs/generation.md tells what each stage does; the stages
 * and their order are those of llama.cpp: bias, penalties, top-k, typical, top-p, min-p,
 * temperature.
 */
#ifndef ANEMONE_SAMPLER_H
#define ANEMONE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_sampler anm_sampler;

/* Added to the logit of a token before anything else; -INFINITY forbids it. */
typedef struct anm_logit_bias {
    int32_t token;
    float bias;
} anm_logit_bias;

typedef struct anm_sampling_options {
    size_t struct_size;
    float temperature; /* 0 (default): the likeliest after bias and penalties; ties: lowest id */
    int top_k;         /* keep the k most likely; 0 (default): all */
    float top_p;       /* then the fewest whose probabilities reach p; 1 (default): all */
    float min_p;       /* then those of at least p times the likeliest's; 0 (default): all */
    float typical_p;   /* before top_p: the fewest nearest to the entropy; 1 (default): all */
    float repeat_penalty;    /* 1 (default): none; above: what was seen becomes unlikelier */
    float presence_penalty;  /* subtracted once from the logit of what was seen; 0 (default) */
    float frequency_penalty; /* subtracted for each time that it was seen; 0 (default) */
    int penalty_last_n;      /* tokens that count as seen: the last N; -1: all; default 64 */
    const anm_logit_bias *logit_bias; /* copied; NULL: none */
    size_t logit_bias_count;
    uint64_t seed; /* the same seed, logits and options give the same tokens everywhere */
} anm_sampling_options;
ANM_API void anm_sampling_options_init(anm_sampling_options *options);

/* ANM_ERROR_ARGUMENT, naming the option, for a value outside its range. */
ANM_API ANM_MUST_CHECK anm_status anm_sampler_create(const anm_sampling_options *options,
                                                     anm_sampler **out, anm_error *err);
ANM_API void anm_sampler_destroy(anm_sampler *sampler); /* NULL is fine */
/*
 * Adds a token to the history that penalties look at: of the prompt, or chosen. Picking does not.
 * Without penalties it costs nothing. Ids below 0 are passed over.
 */
ANM_API ANM_MUST_CHECK anm_status anm_sampler_accept(anm_sampler *sampler, int32_t token,
                                                     anm_error *err);
/*
 * Chooses a token id; logits that are NaN or -INFINITY are never chosen. -1 if there are no others
 * or memory is out.
 */
ANM_API int32_t anm_sampler_pick(anm_sampler *sampler, const float *logits, size_t count);

/* A token and the natural logarithm of its probability. */
typedef struct anm_token_logprob {
    int32_t token;
    float logprob;
} anm_token_logprob;
/*
 * The log-softmax of `logits` (NaN counts as impossible) at `token`, and its `top_count` likeliest
 * tokens, most likely first, ties by id, fewer entries being {-1, -INFINITY}. `top` may be NULL
 * with 0.
 */
ANM_API float anm_logits_logprob(const float *logits, size_t count, int32_t token,
                                 anm_token_logprob *top, size_t top_count);

#ifdef __cplusplus
}
#endif

#endif

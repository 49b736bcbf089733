/* SPDX-License-Identifier: MIT */
/* The inside of a sampler: from logits to a distribution over candidates, and drawing from it. */
#ifndef ANM_LLM_SAMPLER_IMPL_H
#define ANM_LLM_SAMPLER_IMPL_H

#include <stdbool.h>

#include "anemone/sampler.h"

typedef struct anm_candidate {
    int32_t id;
    float logit;
    double weight; /* in proportion to its probability */
} anm_candidate;

/* What the stages work on. */
typedef struct anm_candidates {
    anm_candidate *at;
    size_t count, capacity;
    double total;  /* of the weights */
    bool ordered;  /* by logit, descending, ties by id */
} anm_candidates;

struct anm_sampler {
    anm_sampling_options options; /* logit_bias is the sampler's own */
    uint64_t random;              /* state of SplitMix64 */
    anm_candidates candidates;
    float *adjusted; /* logits after bias and penalties */
    size_t adjusted_capacity;
    int32_t *history; /* what penalties look at, oldest first from history_first */
    size_t history_first, history_count, history_capacity;
    uint32_t *seen; /* how often each id below seen_capacity is in the history */
    size_t seen_capacity;
};

/*
 * The distribution that picking draws from, after all stages; with temperature 0 it is one
 * candidate. False without any candidate, or without memory.
 */
bool anm_sampler_distribution(anm_sampler *sampler, const float *logits, size_t count);
/* In [0, 1), the next of the sampler's sequence. */
double anm_sampler_uniform(anm_sampler *sampler);
/* A candidate of the distribution at hand. */
int32_t anm_sampler_draw(anm_sampler *sampler);

/* samplerhistory.c: logits after bias and penalties, or as they are; NULL without memory. */
const float *anm_sampler_adjust(anm_sampler *sampler, const float *logits, size_t count);

/* samplerstages.c: leaves the candidates that the options keep, with their weights. */
void anm_candidates_cut(anm_candidates *candidates, const anm_sampling_options *options);
/*
 * exp(x) for x <= 0, from additions and multiplications only: libraries' differ in the last bit,
 * which a draw could fall into.
 */
double anm_sampler_exp(double x);

#endif

/* SPDX-License-Identifier: MIT */
/* Choosing a token: the options' ranges, the distribution, the draw. */
#include "anemone/sampler.h"

#include <math.h>

#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/llm/llm.h"
#include "src/llm/sampler_impl.h"

void anm_sampling_options_init(anm_sampling_options *options) {
    *options = (anm_sampling_options){.struct_size = sizeof *options,
                                      .top_p = 1,
                                      .typical_p = 1,
                                      .repeat_penalty = 1,
                                      .penalty_last_n = 64};
}

static anm_status refuse(anm_error *err, const char *option, const char *range) {
    return anm_fail(err, ANM_ERROR_ARGUMENT, option, "must be %s", range);
}

static anm_status check_biases(const anm_sampling_options *o, anm_error *err) {
    if (o->logit_bias_count && !o->logit_bias)
        return refuse(err, "logit-bias", "given where its count is not 0");
    for (size_t i = 0; i < o->logit_bias_count; i++) {
        if (o->logit_bias[i].token < 0) return refuse(err, "logit-bias", "of an id of 0 or more");
        if (isnan(o->logit_bias[i].bias)) return refuse(err, "logit-bias", "a number");
    }
    return ANM_OK;
}

/* Written so that NaN is outside every range. */
static anm_status check_options(const anm_sampling_options *o, anm_error *err) {
    if (!(o->temperature >= 0) || isinf(o->temperature))
        return refuse(err, "temperature", "0 or more");
    if (o->top_k < 0) return refuse(err, "top-k", "0 (all) or more");
    if (!(o->top_p > 0 && o->top_p <= 1)) return refuse(err, "top-p", "above 0 and at most 1");
    if (!(o->min_p >= 0 && o->min_p <= 1)) return refuse(err, "min-p", "from 0 to 1");
    if (!(o->typical_p > 0 && o->typical_p <= 1))
        return refuse(err, "typical", "above 0 and at most 1");
    if (!(o->repeat_penalty > 0) || isinf(o->repeat_penalty))
        return refuse(err, "repeat-penalty", "above 0; 1 is none");
    if (!isfinite(o->presence_penalty)) return refuse(err, "presence-penalty", "a number");
    if (!isfinite(o->frequency_penalty)) return refuse(err, "frequency-penalty", "a number");
    if (o->penalty_last_n < -1) return refuse(err, "penalty-last-n", "-1 (all), 0 or more");
    return check_biases(o, err);
}

static anm_status keep_biases(anm_sampler *s, anm_error *err) {
    size_t count = s->options.logit_bias_count;
    anm_logit_bias *copy = anm_calloc(count, sizeof *copy);
    if (!copy) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) copy[i] = s->options.logit_bias[i];
    s->options.logit_bias = copy;
    return ANM_OK;
}

anm_status anm_sampler_create(const anm_sampling_options *options, anm_sampler **out,
                              anm_error *err) {
    anm_sampling_options all;
    *out = NULL;
    anm_sampling_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    ANM_TRY(check_options(&all, err));
    anm_sampler *s = anm_calloc(1, sizeof *s);
    if (!s) return anm_fail_memory(err);
    s->options = all;
    s->random = all.seed;
    if (keep_biases(s, err) != ANM_OK) {
        anm_free(s);
        return ANM_ERROR_MEMORY;
    }
    *out = s;
    return ANM_OK;
}

void anm_sampler_destroy(anm_sampler *s) {
    if (!s) return;
    anm_free((anm_logit_bias *)s->options.logit_bias);
    anm_free(s->candidates.at);
    anm_free(s->adjusted);
    anm_free(s->history);
    anm_free(s->seen);
    anm_free(s);
}

/* SplitMix64 (Steele, Lea, Flood 2014): integers only, so every machine draws the same. */
double anm_sampler_uniform(anm_sampler *s) {
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool reserve(anm_candidates *c, size_t count) {
    if (count <= c->capacity) return true;
    anm_candidate *grown = anm_realloc_array(c->at, count, sizeof *grown);
    if (!grown) return false;
    c->at = grown;
    c->capacity = count;
    return true;
}

static void collect(anm_candidates *c, const float *logits, size_t count) {
    c->count = 0;
    c->ordered = false;
    for (size_t i = 0; i < count; i++)
        if (logits[i] > -INFINITY) c->at[c->count++] = (anm_candidate){(int32_t)i, logits[i], 0};
}

static void collect_greatest(anm_candidates *c, const float *logits, size_t count) {
    int32_t best = anm_llm_greatest(logits, count);
    c->count = best >= 0 && logits[best] > -INFINITY;
    c->ordered = true;
    c->total = 1;
    if (c->count) c->at[0] = (anm_candidate){best, logits[best], 1};
}

bool anm_sampler_distribution(anm_sampler *s, const float *logits, size_t count) {
    anm_candidates *c = &s->candidates;
    bool greedy = s->options.temperature == 0;
    c->count = 0;
    logits = anm_sampler_adjust(s, logits, count);
    if (!logits || !reserve(c, greedy ? 1 : count)) return false;
    if (greedy) {
        collect_greatest(c, logits, count);
    } else {
        collect(c, logits, count);
        if (c->count) anm_candidates_cut(c, &s->options);
    }
    return c->count > 0;
}

int32_t anm_sampler_draw(anm_sampler *s) {
    const anm_candidates *c = &s->candidates;
    if (s->options.temperature == 0) return c->at[0].id;
    double left = anm_sampler_uniform(s) * c->total;
    size_t last = 0; /* where rounding has left something over: what can come at all */
    for (size_t i = 0; i < c->count; i++) {
        if (c->at[i].weight > 0) last = i;
        left -= c->at[i].weight;
        if (left < 0) return c->at[i].id;
    }
    return c->at[last].id;
}

int32_t anm_sampler_pick(anm_sampler *s, const float *logits, size_t count) {
    return anm_sampler_distribution(s, logits, count) ? anm_sampler_draw(s) : -1;
}

/* SPDX-License-Identifier: MIT */
/* Choosing a token: greedy, or temperature with top-k and top-p. */
#include <math.h>
#include <stdlib.h>

#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/llm/llm.h"

typedef struct candidate {
    int32_t id;
    float logit;
    double probability;
} candidate;

struct anm_sampler {
    anm_sampling_options options;
    uint64_t random; /* state of SplitMix64 */
    candidate *candidates;
    size_t capacity;
};

void anm_sampling_options_init(anm_sampling_options *options) {
    *options = (anm_sampling_options){.struct_size = sizeof *options, .top_p = 1.0f};
}

static anm_status check_options(const anm_sampling_options *o, anm_error *err) {
    if (!(o->temperature >= 0) || isinf(o->temperature))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "temperature", "must be 0 or more");
    if (o->top_k < 0) return anm_fail(err, ANM_ERROR_ARGUMENT, "top-k", "must be 0 (all) or more");
    if (!(o->top_p > 0 && o->top_p <= 1))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "top-p", "must be above 0 and at most 1");
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
    *out = s;
    return ANM_OK;
}

void anm_sampler_destroy(anm_sampler *sampler) {
    if (!sampler) return;
    anm_free(sampler->candidates);
    anm_free(sampler);
}

/* SplitMix64 (Steele, Lea, Flood 2014): integers only, so every machine draws the same. */
static double draw(anm_sampler *s) {
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

int32_t anm_llm_greatest(const float *logits, size_t count) {
    int32_t best = -1;
    for (size_t i = 0; i < count; i++)
        if (!isnan(logits[i]) && (best < 0 || logits[i] > logits[best])) best = (int32_t)i;
    return best;
}

/* Descending; equal logits by id, so that the order is the same everywhere. */
static int compare(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static size_t collect(anm_sampler *s, const float *logits, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(logits[i])) s->candidates[n++] = (candidate){(int32_t)i, logits[i], 0};
    qsort(s->candidates, n, sizeof(candidate), compare);
    size_t k = (size_t)s->options.top_k;
    return k && k < n ? k : n;
}

static double weigh(anm_sampler *s, size_t n) {
    double total = 0;
    float top = s->candidates[0].logit;
    for (size_t i = 0; i < n; i++) {
        double distance = (double)s->candidates[i].logit - top;
        if (isnan(distance)) distance = 0; /* infinity minus infinity: equally certain */
        s->candidates[i].probability = exp(distance / s->options.temperature);
        total += s->candidates[i].probability;
    }
    return total;
}

/* The fewest whose share reaches top_p; `total` becomes their sum. */
static size_t cut_nucleus(const anm_sampler *s, size_t n, double *total) {
    double wanted = s->options.top_p * *total, sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += s->candidates[i].probability;
        if (sum >= wanted) {
            *total = sum;
            return i + 1;
        }
    }
    return n;
}

int32_t anm_sampler_pick(anm_sampler *s, const float *logits, size_t count) {
    if (s->options.temperature == 0) return anm_llm_greatest(logits, count);
    if (count > s->capacity) {
        candidate *grown = anm_realloc_array(s->candidates, count, sizeof *grown);
        if (!grown) return -1;
        s->candidates = grown;
        s->capacity = count;
    }
    size_t n = collect(s, logits, count);
    if (n == 0) return -1;
    double total = weigh(s, n);
    if (s->options.top_p < 1) n = cut_nucleus(s, n, &total);
    double left = draw(s) * total;
    for (size_t i = 0; i + 1 < n; i++) {
        left -= s->candidates[i].probability;
        if (left < 0) return s->candidates[i].id;
    }
    return s->candidates[n - 1].id;
}

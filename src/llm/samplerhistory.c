/* SPDX-License-Identifier: MIT */
/* What was seen, and what it does to the logits: biases and the three penalties. */
#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/status.h"
#include "src/llm/sampler_impl.h"

static bool has_penalties(const anm_sampling_options *o) {
    bool any = o->repeat_penalty != 1 || o->presence_penalty != 0 || o->frequency_penalty != 0;
    return any && o->penalty_last_n != 0;
}

static bool reserve_seen(anm_sampler *s, size_t id) {
    if (id < s->seen_capacity) return true;
    size_t wanted = 2 * id + 64;
    uint32_t *grown = anm_realloc_array(s->seen, wanted, sizeof *grown);
    if (!grown) return false;
    memset(grown + s->seen_capacity, 0, (wanted - s->seen_capacity) * sizeof *grown);
    s->seen = grown;
    s->seen_capacity = wanted;
    return true;
}

/* The oldest make room at the front; they are moved away when half of the memory is theirs. */
static bool reserve_history(anm_sampler *s) {
    if (s->history_first > s->history_count + 64) {
        memmove(s->history, s->history + s->history_first, s->history_count * sizeof *s->history);
        s->history_first = 0;
    }
    if (s->history_first + s->history_count < s->history_capacity) return true;
    size_t wanted = 2 * s->history_capacity + 128;
    int32_t *grown = anm_realloc_array(s->history, wanted, sizeof *grown);
    if (!grown) return false;
    s->history = grown;
    s->history_capacity = wanted;
    return true;
}

anm_status anm_sampler_accept(anm_sampler *s, int32_t token, anm_error *err) {
    if (token < 0 || !has_penalties(&s->options)) return ANM_OK;
    if (!reserve_seen(s, (size_t)token) || !reserve_history(s)) return anm_fail_memory(err);
    s->history[s->history_first + s->history_count++] = token;
    s->seen[token]++;
    if (s->options.penalty_last_n > 0 && s->history_count > (size_t)s->options.penalty_last_n) {
        s->seen[s->history[s->history_first++]]--;
        s->history_count--;
    }
    return ANM_OK;
}

static void add_biases(const anm_sampling_options *o, float *logits, size_t count) {
    for (size_t i = 0; i < o->logit_bias_count; i++)
        if ((size_t)o->logit_bias[i].token < count)
            logits[o->logit_bias[i].token] += o->logit_bias[i].bias;
}

/* Keskar et al. 2019 divide; that would make a negative logit likelier, so there it multiplies. */
static void penalise(const anm_sampler *s, float *logits, size_t count) {
    const anm_sampling_options *o = &s->options;
    if (count > s->seen_capacity) count = s->seen_capacity;
    for (size_t i = 0; i < count; i++) {
        if (!s->seen[i]) continue;
        logits[i] = logits[i] > 0 ? logits[i] / o->repeat_penalty : logits[i] * o->repeat_penalty;
        logits[i] -= (float)s->seen[i] * o->frequency_penalty + o->presence_penalty;
    }
}

const float *anm_sampler_adjust(anm_sampler *s, const float *logits, size_t count) {
    bool penalties = s->history_count > 0;
    if (!penalties && !s->options.logit_bias_count) return logits;
    if (count > s->adjusted_capacity) {
        float *grown = anm_realloc_array(s->adjusted, count, sizeof *grown);
        if (!grown) return NULL;
        s->adjusted = grown;
        s->adjusted_capacity = count;
    }
    memcpy(s->adjusted, logits, count * sizeof *logits);
    add_biases(&s->options, s->adjusted, count);
    if (penalties) penalise(s, s->adjusted, count);
    return s->adjusted;
}

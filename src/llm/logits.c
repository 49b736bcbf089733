/* SPDX-License-Identifier: MIT */
/* Reading logits: the greatest, and logarithms of probabilities for who wants to see them. */
#include <math.h>

#include "src/llm/llm.h"

/* In lanes of their own, which compilers make vectors of: a scan with an index takes ten times as
 * long, more than 1 % of a token at 150000 logits. NaN are never greater. */
static float greatest_of_all(const float *logits, size_t count) {
    enum { LANES = 16 };
    float top[LANES], best = -INFINITY;
    size_t whole = count / LANES * LANES;
    for (size_t j = 0; j < LANES; j++) top[j] = -INFINITY;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t j = 0; j < LANES; j++) top[j] = logits[i + j] > top[j] ? logits[i + j] : top[j];
    for (size_t j = 0; j < LANES; j++) best = top[j] > best ? top[j] : best;
    for (size_t i = whole; i < count; i++) best = logits[i] > best ? logits[i] : best;
    return best;
}

int32_t anm_llm_greatest(const float *logits, size_t count) {
    float top = greatest_of_all(logits, count);
    if (top > -INFINITY)
        for (size_t i = 0; i < count; i++)
            if (logits[i] == top) return (int32_t)i;
    int32_t best = -1;
    for (size_t i = 0; i < count; i++)
        if (!isnan(logits[i]) && (best < 0 || logits[i] > logits[best])) best = (int32_t)i;
    return best;
}

static float greatest(const float *logits, size_t count) {
    float top = -INFINITY;
    for (size_t i = 0; i < count; i++)
        if (logits[i] > top) top = logits[i];
    return top;
}

/* Distance below the greatest; equal ones, infinite as they may be, have none. */
static double below(float logit, float top) {
    if (isnan(logit)) return -INFINITY;
    return logit == top ? 0 : (double)logit - top;
}

static double log_sum(const float *logits, size_t count, float top) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += exp(below(logits[i], top));
    return log(sum);
}

/* Insertion into the few kept so far; `top` holds logits until the end. */
static void insert(anm_token_logprob *top, size_t count, anm_token_logprob x) {
    if (!count || !(x.logprob > top[count - 1].logprob)) return;
    size_t at = count - 1;
    for (; at > 0 && x.logprob > top[at - 1].logprob; at--) top[at] = top[at - 1];
    top[at] = x;
}

float anm_logits_logprob(const float *logits, size_t count, int32_t token, anm_token_logprob *top,
                         size_t top_count) {
    float best = greatest(logits, count);
    double sum = log_sum(logits, count, best);
    for (size_t i = 0; i < top_count; i++) top[i] = (anm_token_logprob){-1, -INFINITY};
    for (size_t i = 0; i < count; i++)
        insert(top, top_count, (anm_token_logprob){(int32_t)i, logits[i]});
    for (size_t i = 0; i < top_count && top[i].token >= 0; i++)
        top[i].logprob = (float)(below(top[i].logprob, best) - sum);
    if (token < 0 || (size_t)token >= count) return -INFINITY;
    return (float)(below(logits[token], best) - sum);
}

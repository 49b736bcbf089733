/* SPDX-License-Identifier: MIT */
#include "tests/unit/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void keep(const anm_session *s, accuracy_logits *out) {
    memcpy(out->values + out->rows++ * out->vocab, anm_session_logits(s),
           out->vocab * sizeof *out->values);
}

static anm_status run_tokens(anm_session *s, const int32_t *tokens, size_t count, size_t prompt,
                             accuracy_logits *out, anm_error *err) {
    anm_status status = ANM_OK;
    if (prompt) {
        status = anm_session_sync(s, tokens, prompt, err);
        if (status == ANM_OK) keep(s, out);
    }
    for (size_t i = prompt; i < count && status == ANM_OK; i++) {
        status = anm_session_append(s, tokens[i], err);
        if (status == ANM_OK) keep(s, out);
    }
    return status;
}

anm_status accuracy_run(const char *dir, const anm_llm_options *options, const int32_t *tokens,
                        size_t count, size_t prompt, accuracy_logits *out, anm_error *err) {
    anm_llm *llm = NULL;
    anm_session *session = NULL;
    *out = (accuracy_logits){0};
    anm_status status = anm_llm_open(dir, options, &llm, err);
    if (status == ANM_OK) status = anm_session_create(llm, &session, err);
    if (status == ANM_OK) {
        out->vocab = anm_llm_vocab_size(llm);
        out->values = calloc(count * out->vocab, sizeof *out->values);
        if (!out->values) abort();
        status = run_tokens(session, tokens, count, prompt, out, err);
    }
    anm_session_destroy(session);
    anm_llm_close(llm);
    return status;
}

static size_t greatest(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* ln of the sum of exp. */
static double log_sum(const float *x, size_t n) {
    double top = x[greatest(x, n)], sum = 0;
    for (size_t i = 0; i < n; i++) sum += exp(x[i] - top);
    return top + log(sum);
}

static double row_kl(const float *p, const float *q, size_t n) {
    double a = log_sum(p, n), b = log_sum(q, n), kl = 0;
    for (size_t i = 0; i < n; i++) kl += exp(p[i] - a) * ((p[i] - a) - (q[i] - b));
    return kl;
}

static double row_squares(const float *p, const float *q, size_t n) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)q[i] - p[i];
        sum += d;
        squares += d * d;
    }
    return squares - sum * sum / (double)n;
}

accuracy_figures accuracy_compare(const accuracy_logits *wanted, const accuracy_logits *got) {
    accuracy_figures f = {0};
    size_t n = got->vocab, same = 0;
    double squares = 0;
    const float *p = wanted->values, *q = got->values;
    for (size_t r = 0; r < got->rows; r++, p += n, q += n) {
        double kl = row_kl(p, q, n);
        size_t a = greatest(p, n), b = greatest(q, n);
        f.kl += kl / (double)got->rows;
        if (!(kl <= f.kl_max)) f.kl_max = kl;
        squares += row_squares(p, q, n);
        same += a == b;
        if ((double)p[a] - p[b] > f.margin_lost) f.margin_lost = (double)p[a] - p[b];
    }
    f.rms = sqrt(squares / (double)(got->rows * n));
    f.top1 = (double)same / (double)got->rows;
    if (f.margin_lost > 0) f.margin_lost /= f.rms;
    return f;
}

bool accuracy_holds(const accuracy_figures *f, bool prefill) {
    return f->kl < (prefill ? ACCURACY_KL_PREFILL : ACCURACY_KL_DECODE) &&
           f->margin_lost < ACCURACY_NOISE;
}

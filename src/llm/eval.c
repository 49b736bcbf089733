/* SPDX-License-Identifier: MIT */
/* Perplexity and comparison: every token through one model or two, window by window. */
#include "src/base/clock.h"
#include "src/llm/eval.h"

#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/status.h"
#include "src/llm/llm.h"

enum { MOST_MODELS = 2 };

void anm_eval_options_init(anm_eval_options *options) {
    *options = (anm_eval_options){.struct_size = sizeof *options};
}

typedef struct run {
    const anm_eval_model *what[MOST_MODELS];
    anm_session *sessions[MOST_MODELS]; /* NULL: a checkpoint */
    size_t models, vocab;
    const anm_eval_text *text;
    const anm_eval_options *options;
    anm_eval_plan plan;
    uint64_t limit;  /* of tokens scored */
    int32_t *window; /* prefix and tokens, for the sync */
    double started, seconds;
    anm_eval_progress progress;
    uint64_t documents, windows, bytes;
    bool no_bytes;
    anm_eval_moments nll[MOST_MODELS], difference, kl;
    ANM_VEC(double) kls;
    uint64_t agreed;
    anm_error *err;
} run;

/* The next window with what --max-tokens leaves of it. */
static bool next_window(const run *r, size_t count, uint64_t scored, anm_eval_window *w) {
    if (scored >= r->limit || !anm_eval_next_window(&r->plan, count, w)) return false;
    if (w->end - w->first > r->limit - scored) w->end = w->first + (size_t)(r->limit - scored);
    return true;
}

static uint64_t evaluated_in(const run *r, const anm_eval_window *w) {
    return r->plan.prefix + (w->end - w->begin) - 1; /* nothing is asked of the last token */
}

static void count_work(run *r) {
    anm_eval_progress *p = &r->progress;
    for (size_t i = 0; i < r->text->documents.len; i++) {
        anm_eval_window w = {0};
        uint64_t before = p->to_score;
        while (next_window(r, r->text->documents.data[i].count, p->to_score, &w)) {
            p->to_score += w.end - w.first;
            p->to_evaluate += evaluated_in(r, &w);
            r->windows++;
        }
        r->documents += p->to_score > before;
    }
}

static anm_status not_numbers(const run *r, size_t model, const anm_eval_token *t) {
    return anm_fail(r->err, ANM_ERROR_FORMAT, anm_eval_model_name(r->what[model]),
                    "document %zu, token %zu: the model's logits are not numbers, or give no "
                    "chance to a token that is there: its weights or its fp16 range are broken",
                    t->document, t->index);
}

static anm_status score_pair(run *r, anm_eval_token *t, const float *a, double lse_a,
                             const float *b, double lse_b) {
    t->kl = anm_eval_kl(a, lse_a, b, lse_b, r->vocab);
    if (!isfinite(t->kl)) return not_numbers(r, 1, t);
    anm_eval_moments_add(&r->difference, t->nll[1] - t->nll[0]);
    anm_eval_moments_add(&r->kl, t->kl);
    r->agreed += anm_eval_argmax(a, r->vocab) == anm_eval_argmax(b, r->vocab);
    return anm_vec_push(&r->kls, t->kl) ? ANM_OK : anm_fail_memory(r->err);
}

/* The models' logits against the token that comes; `given`: the checkpoint's, if there is one. */
static anm_status score_token(run *r, anm_eval_token *t, const float *given) {
    const float *logits[MOST_MODELS];
    double lse[MOST_MODELS];
    if (t->token < 0 || (size_t)t->token >= r->vocab)
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, r->text->name,
                        "document %zu, token %zu is %d, outside the vocabulary of %zu", t->document,
                        t->index, t->token, r->vocab);
    for (size_t m = 0; m < r->models; m++) {
        logits[m] = r->sessions[m] ? anm_session_logits(r->sessions[m]) : given;
        lse[m] = anm_eval_log_sum_exp(logits[m], r->vocab);
        t->nll[m] = lse[m] - logits[m][t->token];
        if (!isfinite(t->nll[m])) return not_numbers(r, m, t);
        anm_eval_moments_add(&r->nll[m], t->nll[m]);
    }
    if (r->models == 2) ANM_TRY(score_pair(r, t, logits[0], lse[0], logits[1], lse[1]));
    if (r->options->on_token) r->options->on_token(r->options->callback_context, t);
    r->progress.scored++;
    return ANM_OK;
}

static anm_status report(run *r, uint64_t evaluated) {
    anm_eval_progress *p = &r->progress;
    p->evaluated += evaluated;
    if (!r->options->progress) return ANM_OK;
    p->nll = r->nll[r->models - 1].mean;
    p->seconds = anm_seconds() - r->started;
    p->seconds_left = p->seconds / (double)p->evaluated * (double)(p->to_evaluate - p->evaluated);
    if (r->options->progress(r->options->callback_context, p) == 0) return ANM_OK;
    return anm_fail(r->err, ANM_ERROR_CANCELLED, r->text->name, "the evaluation was cancelled");
}

/* A window in work. r->window has its tokens: the prefix, then the document's. */
typedef struct window_run {
    run *r;
    const anm_eval_window *w;
    size_t document;
} window_run;

/*
 * Scores token i of the document: packages take the context in one sync, then one token after the
 * other.
 */
static anm_status score_next(const window_run *wr, size_t i, const float *given) {
    run *r = wr->r;
    const anm_eval_window *w = wr->w;
    const int32_t *tokens = r->text->documents.data[wr->document].tokens;
    size_t context = r->plan.prefix + (w->first - w->begin);
    anm_eval_token t = {.document = wr->document, .index = i, .token = tokens[i]};
    for (size_t m = 0; m < r->models; m++) {
        if (!r->sessions[m]) continue;
        if (i > w->first) ANM_TRY(anm_session_append(r->sessions[m], tokens[i - 1], r->err));
        else ANM_TRY(anm_session_sync(r->sessions[m], r->window, context, r->err));
    }
    ANM_TRY(score_token(r, &t, given));
    return report(r, i > w->first ? 1 : context);
}

/* The checkpoint's logits at a position tell of the token after it. */
static anm_status on_logits(void *context, size_t sequence, size_t position, const float *logits,
                            size_t vocab, anm_error *err) {
    const window_run *wr = context;
    return score_next(wr, wr->w->begin + position + 1 - wr->r->plan.prefix, logits);
}

/* A checkpoint computes the window at once and sets the pace. The last token predicts nothing. */
static anm_status score_by_forward(window_run *wr, const anm_forward *forward) {
    const anm_eval_window *w = wr->w;
    size_t prefix = wr->r->plan.prefix;
    anm_forward_sequence sequence = {wr->r->window, prefix + (w->end - w->begin) - 1,
                                     prefix + (w->first - w->begin) - 1};
    anm_forward_hooks hooks = {.context = wr, .logits = on_logits};
    return anm_forward_run(forward, &sequence, 1, &hooks, 0, wr->r->err);
}

static anm_status score_window(run *r, size_t index, const anm_eval_window *w) {
    const int32_t *tokens = r->text->documents.data[index].tokens;
    window_run wr = {r, w, index};
    memcpy(r->window, r->text->prefix, r->plan.prefix * sizeof *r->window);
    memcpy(r->window + r->plan.prefix, tokens + w->begin,
           (w->end - w->begin) * sizeof *r->window);
    for (size_t m = 0; m < r->models; m++)
        if (r->sessions[m]) anm_session_rewind(r->sessions[m], 0);
    for (size_t m = 0; m < r->models; m++)
        if (!r->sessions[m]) return score_by_forward(&wr, r->what[m]->forward);
    for (size_t i = w->first; i < w->end; i++) ANM_TRY(score_next(&wr, i, NULL));
    return ANM_OK;
}

static anm_status count_bytes(run *r, const int32_t *tokens, size_t count) {
    const anm_tokenizer *tokenizer = anm_eval_model_tokenizer(r->what[0]);
    char *text;
    size_t length;
    r->no_bytes = r->no_bytes || !tokenizer;
    if (r->no_bytes) return ANM_OK;
    /* The model's vocabulary may be padded beyond the tokenizer's. */
    for (size_t i = 0; i < count; i++)
        if (!anm_tokenizer_token_text(tokenizer, tokens[i])) {
            r->no_bytes = true;
            return ANM_OK;
        }
    ANM_TRY(anm_tokenizer_decode(tokenizer, tokens, count, true, &text, &length, r->err));
    anm_tokenizer_text_free(text);
    r->bytes += length;
    return ANM_OK;
}

static anm_status score_document(run *r, size_t index) {
    const anm_eval_document *d = &r->text->documents.data[index];
    anm_eval_window w = {0};
    size_t first = r->plan.prefix ? 0 : 1, end = first;
    while (next_window(r, d->count, r->progress.scored, &w)) {
        ANM_TRY(score_window(r, index, &w));
        end = w.end;
    }
    return end > first ? count_bytes(r, d->tokens + first, end - first) : ANM_OK;
}

static anm_status make_plan(run *r) {
    size_t most = anm_eval_model_context_length(r->what[0]), prefix = r->text->prefix_count;
    if (r->models == 2 && anm_eval_model_context_length(r->what[1]) < most)
        most = anm_eval_model_context_length(r->what[1]);
    size_t context = r->options->context ? r->options->context : most;
    size_t stride = r->options->stride ? r->options->stride : context / 2;
    if (context > most)
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, "context",
                        "%zu tokens are asked for, the model holds %zu", context, most);
    if (context < prefix + 2)
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, "context",
                        "a window of %zu tokens has no room for a token and its context", context);
    if (stride > context - prefix - 1)
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, "stride",
                        "windows of %zu tokens can advance by 1 to %zu, not by %zu: the first "
                        "token scored needs context",
                        context, context - prefix - 1, stride);
    r->plan = (anm_eval_plan){.prefix = prefix, .room = context - prefix, .stride = stride};
    return ANM_OK;
}

static anm_status prepare(run *r) {
    r->vocab = anm_eval_model_vocab_size(r->what[0]);
    r->limit = r->options->max_tokens ? r->options->max_tokens : UINT64_MAX;
    ANM_TRY(make_plan(r));
    count_work(r);
    if (!r->progress.to_score)
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, r->text->name,
                        "there is nothing to predict: a text needs two tokens at least");
    r->window = anm_calloc(r->plan.prefix + r->plan.room, sizeof *r->window);
    if (!r->window) return anm_fail_memory(r->err);
    for (size_t m = 0; m < r->models; m++) {
        const anm_llm *llm = r->what[m]->llm;
        if (!llm) continue;
        ANM_TRY(anm_llm_require_logits(llm, r->err));
        ANM_TRY(anm_session_create(llm, &r->sessions[m], r->err));
    }
    return ANM_OK;
}

static anm_status run_all(run *r) {
    ANM_TRY(prepare(r));
    r->started = anm_seconds();
    for (size_t i = 0; i < r->text->documents.len; i++) ANM_TRY(score_document(r, i));
    r->seconds = anm_seconds() - r->started;
    return ANM_OK;
}

static void release(run *r) {
    for (size_t m = 0; m < r->models; m++) anm_session_destroy(r->sessions[m]);
    anm_vec_free(&r->kls);
    anm_free(r->window);
}

static void fill_result(const run *r, const anm_eval_moments *m, anm_eval_result *out) {
    double error = anm_eval_standard_error(m), half = 1.96 * error;
    *out = (anm_eval_result){
        .score = {.nll = m->mean,
                  .standard_error = error,
                  .nll_low = m->mean - half,
                  .nll_high = m->mean + half,
                  .perplexity = exp(m->mean),
                  .perplexity_low = exp(m->mean - half),
                  .perplexity_high = exp(m->mean + half),
                  .bits_per_byte = NAN},
        .context = r->plan.prefix + r->plan.room,
        .stride = r->plan.stride,
        .documents = r->documents,
        .windows = r->windows,
        .tokens = r->progress.scored,
        .evaluated = r->progress.evaluated,
        .bytes = r->no_bytes ? 0 : r->bytes,
        .seconds = r->seconds,
    };
    if (out->bytes) out->score.bits_per_byte = m->mean * (double)m->n / log(2) / (double)out->bytes;
}

static const anm_eval_options *given_or_default(const anm_eval_options *options,
                                                anm_eval_options *defaults) {
    anm_eval_options_init(defaults);
    return options ? options : defaults;
}

anm_status anm_eval_model_perplexity(const anm_eval_model *model, const anm_eval_text *text,
                                     const anm_eval_options *options, anm_eval_result *result,
                                     anm_error *err) {
    anm_eval_options defaults;
    run r = {.what = {model},
             .models = 1,
             .text = text,
             .options = given_or_default(options, &defaults),
             .err = err};
    *result = (anm_eval_result){0};
    anm_status status = run_all(&r);
    if (status == ANM_OK) fill_result(&r, &r.nll[0], result);
    release(&r);
    return status;
}

anm_status anm_eval_perplexity(const anm_llm *llm, const anm_eval_text *text,
                               const anm_eval_options *options, anm_eval_result *result,
                               anm_error *err) {
    anm_eval_model model = {.llm = llm};
    return anm_eval_model_perplexity(&model, text, options, result, err);
}

static anm_status check_vocabularies(const anm_eval_model *a, const anm_eval_model *b,
                                     anm_error *err) {
    const anm_tokenizer *ta = anm_eval_model_tokenizer(a), *tb = anm_eval_model_tokenizer(b);
    size_t vocab = anm_eval_model_vocab_size(a);
    if (vocab != anm_eval_model_vocab_size(b))
        return anm_fail(err, ANM_ERROR_MISMATCH, anm_eval_model_name(b),
                        "it has %zu logits, the reference %zu: only models of one vocabulary can "
                        "be compared",
                        anm_eval_model_vocab_size(b), vocab);
    if (!ta || !tb) return ANM_OK;
    for (size_t i = 0; i < vocab; i++) {
        const char *x = anm_tokenizer_token_text(ta, (int32_t)i);
        const char *y = anm_tokenizer_token_text(tb, (int32_t)i);
        if (x && y ? strcmp(x, y) == 0 : x == y) continue;
        return anm_fail(err, ANM_ERROR_MISMATCH, anm_eval_model_name(b),
                        "token %zu is \"%s\" here and \"%s\" in the reference: only models of one "
                        "vocabulary can be compared",
                        i, y ? y : "", x ? x : "");
    }
    return ANM_OK;
}

/*
 * The variance of the mean of q b - p a, where p and q are the perplexities and a and b the tokens'
 * negative log-likelihoods: d exp(mean) = exp(mean) d mean. Written with the variance of b - a, so
 * that nothing cancels when the models are alike.
 */
static double perplexity_difference_error(const run *r, double p, double q) {
    double n = (double)r->difference.n;
    if (n < 2) return NAN;
    double squares =
        (q - p) * (q * r->nll[1].squares - p * r->nll[0].squares) + p * q * r->difference.squares;
    return sqrt(fmax(squares, 0) / (n * (n - 1)));
}

static void fill_comparison(run *r, anm_eval_comparison *out) {
    fill_result(r, &r->nll[0], &out->reference);
    fill_result(r, &r->nll[1], &out->other);
    double p = out->reference.score.perplexity, q = out->other.score.perplexity;
    out->kl = r->kl.mean;
    out->kl_standard_error = anm_eval_standard_error(&r->kl);
    out->kl_p99 = anm_eval_percentile(r->kls.data, r->kls.len, 0.99);
    out->kl_max = r->kls.data[r->kls.len - 1];
    out->top1_agreement = (double)r->agreed / (double)r->progress.scored;
    out->nll_difference = r->difference.mean;
    out->nll_difference_standard_error = anm_eval_standard_error(&r->difference);
    out->perplexity_difference = q - p;
    out->perplexity_difference_standard_error = perplexity_difference_error(r, p, q);
}

anm_status anm_eval_model_compare(const anm_eval_model *reference, const anm_eval_model *other,
                                  const anm_eval_text *text, const anm_eval_options *options,
                                  anm_eval_comparison *result, anm_error *err) {
    anm_eval_options defaults;
    run r = {.what = {reference, other},
             .models = 2,
             .text = text,
             .options = given_or_default(options, &defaults),
             .err = err};
    *result = (anm_eval_comparison){0};
    if (!reference->llm && !other->llm)
        return anm_fail(err, ANM_ERROR_ARGUMENT, anm_eval_model_name(other),
                        "both models are checkpoints: one of them has to be converted");
    ANM_TRY(check_vocabularies(reference, other, err));
    anm_status status = run_all(&r);
    if (status == ANM_OK) fill_comparison(&r, result);
    release(&r);
    return status;
}

anm_status anm_eval_compare(const anm_llm *reference, const anm_llm *other,
                            const anm_eval_text *text, const anm_eval_options *options,
                            anm_eval_comparison *result, anm_error *err) {
    anm_eval_model a = {.llm = reference}, b = {.llm = other};
    return anm_eval_model_compare(&a, &b, text, options, result, err);
}

/* SPDX-License-Identifier: MIT */
/*
 * The packages against their checkpoint: the same tokens through both, the checkpoint by its plain
 * forward pass, and a verdict on the KL divergence.
 */
#include <math.h>
#include <stdio.h>

#include "src/llm/eval.h"
#include "src/llm/llm.h"
#include "src/mil/ops.h"
#include "src/verify/verify_internal.h"

enum { TOKENS = 256, CONTEXT = 128, FP16_BITS = 16 };

/*
 * Mean KL divergence, in nats, that a sound conversion stays below. These are alarms for broken
 * models, not measures of quality: docs/verify.md has what was measured.
 */
static const struct limit {
    int bits;
    double max_kl, min_top1; /* the share of equal winners: where there are no logits */
} limits[] = {{FP16_BITS, 0.002, 0.97}, {8, 0.01, 0.94}, {6, 0.1, 0.8}, {4, 0.8, 0.4},
              {3, 2, 0.2},              {2, 6, 0.02},    {1, 8, 0.02}};

static const struct limit *default_limit(int bits) {
    size_t i = 0, last = sizeof limits / sizeof limits[0] - 1;
    while (i < last && limits[i].bits > bits) i++;
    return &limits[i];
}

/* "fp16", "4 bits" */
static const char *name_bits(int bits, char *buffer, size_t size) {
    if (bits == FP16_BITS) return "fp16";
    snprintf(buffer, size, "%d bits", bits);
    return buffer;
}

/* ---- bits ---- */

/* Values held by tables of each size, by bits. */
typedef struct census {
    int64_t values[FP16_BITS + 1], all;
} census;

static int bits_of(const anm_mil_type *lut, const anm_mil_type *indices) {
    int bits = anm_dtype_bits(indices->dtype);
    /* An old form keeps packed bytes: the table's length tells. */
    if (lut->rank == 1)
        for (bits = 0; (INT64_C(1) << bits) < lut->shape[0];) bits++;
    return bits;
}

static bool count_op(void *context, anm_mil_op *op) {
    census *c = context;
    if (strcmp(op->type, "constexpr_lut_to_dense") != 0 || !op->output_count) return true;
    const anm_mil_type *lut = anm_mil_operand_type(anm_mil_op_operand(op, "lut"));
    const anm_mil_type *indices = anm_mil_operand_type(anm_mil_op_operand(op, "indices"));
    const anm_mil_type *out = op->outputs[0]->type;
    if (!lut || !indices || !out || out->rank < 0) return true;
    int bits = bits_of(lut, indices);
    int64_t n = anm_shape_elements(out->shape, out->rank);
    if (bits >= 1 && bits <= 8 && n > 0) c->values[bits] += n;
    return true;
}

/* The smallest that holds a twentieth of the palettized values at least. */
int anm_verify_bits(const anm_verifier *v) {
    census c = {0};
    for (size_t i = 0; i < v->llm->program_count; i++) {
        const anm_mil_program *p = v->llm->programs[i]->package->program;
        for (size_t k = 0; k < p->function_count; k++)
            anm_mil_block_walk(p->functions[k]->body, count_op, &c);
    }
    for (int bits = 1; bits <= 8; bits++) c.all += c.values[bits];
    for (int bits = 1; bits <= 8; bits++)
        if (c.values[bits] && c.values[bits] >= c.all / 20) return bits;
    return FP16_BITS;
}

/* ---- what is read ---- */

/* Without a tokenizer: ids that look like nothing, the same ones everywhere. */
static anm_status make_ids(anm_verifier *v, size_t vocab, anm_eval_text **out) {
    int32_t ids[TOKENS + 1];
    uint32_t seed = 12345;
    for (size_t i = 0; i <= TOKENS; i++) {
        seed = seed * 1664525 + 1013904223;
        ids[i] = (int32_t)((seed >> 8) % vocab);
    }
    ANM_TRY(anm_eval_text_create(NULL, 0, out, v->err));
    return anm_eval_text_add(*out, ids, TOKENS + 1, v->err);
}

static anm_status read_builtin(anm_verifier *v, const anm_tokenizer *tokenizer,
                               anm_eval_text **out) {
    anm_token_list tokens = {0};
    ANM_TRY(anm_eval_text_create_for(tokenizer, out, v->err));
    anm_status status = anm_eval_encode(tokenizer, anm_verify_text, strlen(anm_verify_text), false,
                                        &tokens, v->err);
    if (status == ANM_OK) status = anm_eval_text_add(*out, tokens.ids, tokens.len, v->err);
    anm_token_list_free(&tokens);
    return status;
}

static anm_status open_text(anm_verifier *v, const anm_eval_model *model, anm_eval_text **out) {
    const anm_tokenizer *tokenizer = anm_eval_model_tokenizer(model);
    const char **name = &v->report->comparison.text;
    if (!tokenizer && v->options->text)
        return anm_fail(v->err, ANM_ERROR_NOT_FOUND, v->dir,
                        "there is no tokenizer.json to read a text with, neither here nor in the "
                        "checkpoint's directory");
    if (v->options->text) {
        *name = anm_arena_strdup(v->arena, v->options->text);
        if (!*name) return anm_fail_memory(v->err);
        return anm_eval_text_read(tokenizer, v->options->text, 0, out, v->err);
    }
    *name = tokenizer ? "built-in text" : "token ids";
    return tokenizer ? read_builtin(v, tokenizer, out)
                     : make_ids(v, anm_eval_model_vocab_size(model), out);
}

/* ---- the comparison ---- */

typedef struct against {
    anm_verifier *v;
    double worst;
} against;

static void keep_worst(void *context, const anm_eval_token *t) {
    against *a = context;
    if (t->kl < a->worst) return;
    a->worst = t->kl;
    a->v->report->comparison.worst_document = t->document;
    a->v->report->comparison.worst_index = t->index;
}

static int pass_progress(void *context, const anm_eval_progress *progress) {
    const against *a = context;
    const anm_verify_options *o = a->v->options;
    return o->progress ? o->progress(o->callback_context, progress) : 0;
}

/* Short windows that overlap: so that prefill fills the cache before single steps read it. */
static anm_eval_options comparison_options(against *a) {
    const anm_verify_options *o = a->v->options;
    size_t context = anm_llm_context_length(a->v->llm);
    anm_eval_options e;
    anm_eval_options_init(&e);
    e.context = context < CONTEXT ? context : CONTEXT;
    e.max_tokens = o->max_tokens ? o->max_tokens : TOKENS;
    e.progress = pass_progress;
    e.on_token = keep_worst;
    e.callback_context = a;
    return e;
}

static anm_status note_verdict(anm_verifier *v) {
    anm_verify_comparison *c = &v->report->comparison;
    const anm_eval_comparison *f = &c->figures;
    bool fine = f->kl <= c->max_kl;
    char form[32];
    return anm_verify_note(
        v, fine ? ANM_VERIFY_OK : ANM_VERIFY_FAILED, "logits", v->options->against,
        "KL %.3g on average (99 %% below %.3g, largest %.3g at token %zu), %s %.3g for %s; same "
        "top-1 %.1f %%; perplexity %.4g, of the checkpoint %.4g (difference %+.3g); %llu tokens of "
        "%s%s",
        f->kl, f->kl_p99, f->kl_max, c->worst_index, fine ? "within" : "above", c->max_kl,
        name_bits(c->bits, form, sizeof form),
        100 * f->top1_agreement, f->other.score.perplexity, f->reference.score.perplexity,
        f->perplexity_difference, (unsigned long long)f->other.tokens, c->text,
        fine ? "" : ": the packages are not this checkpoint, or are damaged; convert it again, or "
                    "allow more (--max-kl)");
}

static anm_status compare(anm_verifier *v, const anm_eval_model *checkpoint,
                          const anm_eval_text *text) {
    anm_verify_comparison *c = &v->report->comparison;
    const anm_eval_model packages = {.llm = v->llm};
    against a = {.v = v, .worst = -1};
    anm_eval_options options = comparison_options(&a);
    anm_error error;
    c->bits = anm_verify_bits(v);
    c->max_kl = v->options->max_kl > 0 ? v->options->max_kl : default_limit(c->bits)->max_kl;
    if (anm_eval_model_compare(checkpoint, &packages, text, &options, &c->figures, &error) !=
        ANM_OK)
        return anm_verify_note_error(v, "logits", v->options->against, &error,
                                     "the packages are not this checkpoint, or are damaged");
    v->report->compared = true;
    return note_verdict(v);
}

/* ---- heads that give winners and no logits (--argmax) ---- */

typedef struct winners {
    anm_verifier *v;
    anm_session *session;
    const int32_t *tokens;
    size_t first, compared, same;
} winners;

/* The first position by prefill, the others one step at a time. */
static anm_status compare_winner(void *context, size_t sequence, size_t position,
                                 const float *logits, size_t vocab, anm_error *err) {
    winners *w = context;
    if (position == w->first) ANM_TRY(anm_session_sync(w->session, w->tokens, position + 1, err));
    else ANM_TRY(anm_session_append(w->session, w->tokens[position], err));
    w->compared++;
    w->same += anm_session_greedy(w->session) == (int32_t)anm_eval_argmax(logits, vocab);
    return ANM_OK;
}

static anm_status run_winners(winners *w, const anm_forward *forward, const anm_eval_text *text) {
    const anm_verify_options *o = w->v->options;
    const anm_eval_document *d = &text->documents.data[0];
    size_t most = o->max_tokens ? (size_t)o->max_tokens : TOKENS;
    size_t context = anm_llm_context_length(w->v->llm), prefix = text->prefix_count;
    size_t count = prefix + d->count < context ? prefix + d->count : context;
    if (count > most) count = most;
    int32_t *tokens = ANM_ARENA_ARRAY(w->v->arena, int32_t, count);
    if (!tokens) return anm_fail_memory(w->v->err);
    for (size_t i = 0; i < count; i++)
        tokens[i] = i < prefix ? text->prefix[i] : d->tokens[i - prefix];
    w->tokens = tokens;
    w->first = count / 2;
    anm_forward_sequence sequence = {tokens, count, w->first};
    anm_forward_hooks hooks = {.context = w, .logits = compare_winner};
    ANM_TRY(anm_session_create(w->v->llm, &w->session, w->v->err));
    return anm_forward_run(forward, &sequence, 1, &hooks, 0, w->v->err);
}

static anm_status note_winners(anm_verifier *v, const winners *w) {
    char form[32];
    int bits = anm_verify_bits(v);
    double share = w->compared ? (double)w->same / (double)w->compared : 0;
    bool fine = share >= default_limit(bits)->min_top1;
    return anm_verify_note(v, fine ? ANM_VERIFY_OK : ANM_VERIFY_FAILED, "winners",
                           v->options->against,
                           "same top-1 at %.1f %% of %zu tokens of %s, %s %.0f %% for %s%s",
                           100 * share, w->compared, v->report->comparison.text,
                           fine ? "not below" : "below", 100 * default_limit(bits)->min_top1,
                           name_bits(bits, form, sizeof form),
                           fine ? "" : ": the packages are not this checkpoint, or are damaged; "
                                       "convert it again");
}

static anm_status compare_winners(anm_verifier *v, const anm_eval_model *checkpoint,
                                  const anm_eval_text *text) {
    winners w = {.v = v};
    anm_status status;
    if (anm_eval_model_vocab_size(checkpoint) != anm_llm_vocab_size(v->llm))
        return anm_verify_note(v, ANM_VERIFY_FAILED, "winners", v->options->against,
                               "its vocabulary is not that of the packages: they were made of "
                               "another checkpoint");
    status = run_winners(&w, checkpoint->forward, text);
    if (status == ANM_OK) status = note_winners(v, &w);
    anm_session_destroy(w.session);
    return status;
}

anm_status anm_verify_against(anm_verifier *v) {
    anm_eval_model *checkpoint;
    anm_eval_text *text = NULL;
    ANM_TRY(anm_eval_model_open(v->options->against, NULL, &checkpoint, v->err));
    anm_status status = ANM_OK;
    if (anm_eval_model_llm(checkpoint))
        status = anm_fail(v->err, ANM_ERROR_ARGUMENT, v->options->against,
                          "these are packages, not a checkpoint: `anemone eval compare` holds two "
                          "converted models against each other");
    else if (!v->llm)
        status = anm_verify_note(v, ANM_VERIFY_SKIPPED, "logits", v->options->against,
                                 "the packages do not make a model that runs");
    else {
        status = anm_verify_config(v, v->options->against);
        if (status == ANM_OK) status = open_text(v, checkpoint, &text);
        if (status == ANM_OK)
            status = anm_llm_gives_logits(v->llm) ? compare(v, checkpoint, text)
                                                  : compare_winners(v, checkpoint, text);
    }
    anm_eval_text_free(text);
    anm_eval_model_close(checkpoint);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Measuring a language model: perplexity on text, the distance between two models, and multiple
 * choice.
 *
 *     anm_eval_text *text;
 *     anm_eval_result result;
 *     if (anm_eval_text_read(anm_llm_tokenizer(llm), "wiki.txt", 0, &text, &error)) ...
 *     if (anm_eval_perplexity(llm, text, NULL, &result, &error)) ...
 *
 * docs/evaluation.md has the definitions.
 */
#ifndef ANEMONE_EVAL_H
#define ANEMONE_EVAL_H

#include "anemone/llm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Token ids of one or more documents, each of which is scored from an empty timeline, and the
 * tokens that go before every window: what the tokenizer's post-processor puts before a text (BOS).
 */
typedef struct anm_eval_text anm_eval_text;

/*
 * Tokenizes a file, once and whole, special tokens in the text being read as such. With
 * `documents` it is cut after every "<|endoftext|>", which stays as the last token of its document
 * if the tokenizer has it as a token and is dropped if not; one newline after it is dropped.
 * ANM_ERROR_ARGUMENT if there are not two tokens, prefix included, in any document.
 */
ANM_API ANM_MUST_CHECK anm_status anm_eval_text_read(const anm_tokenizer *tokenizer,
                                                     const char *path, int documents,
                                                     anm_eval_text **out, anm_error *err);
/* Without documents; the ids are copied. */
ANM_API ANM_MUST_CHECK anm_status anm_eval_text_create(const int32_t *prefix, size_t prefix_count,
                                                       anm_eval_text **out, anm_error *err);
ANM_API ANM_MUST_CHECK anm_status anm_eval_text_add(anm_eval_text *text, const int32_t *tokens,
                                                    size_t count, anm_error *err);
ANM_API size_t anm_eval_text_document_count(const anm_eval_text *text);
ANM_API size_t anm_eval_text_token_count(const anm_eval_text *text); /* without prefixes */
ANM_API void anm_eval_text_free(anm_eval_text *text);                /* NULL is fine */

/*
 * What is measured: a directory of packages, or a checkpoint, computed in fp32 from its weights by
 * code that shares nothing with the converter. Immutable.
 */
typedef struct anm_eval_model anm_eval_model;
/*
 * A directory with an .mlpackage or .mlmodelc is opened by anm_llm_open() with `options` (may be
 * NULL), any other one as a Hugging Face checkpoint: config.json, weights, tokenizer.json if it is
 * there. ANM_ERROR_UNSUPPORTED for a model family without a forward pass of its own.
 */
ANM_API ANM_MUST_CHECK anm_status anm_eval_model_open(const char *dir,
                                                      const anm_llm_options *options,
                                                      anm_eval_model **out, anm_error *err);
ANM_API void anm_eval_model_close(anm_eval_model *model); /* NULL is fine */
ANM_API const char *anm_eval_model_name(const anm_eval_model *model);
ANM_API const anm_tokenizer *anm_eval_model_tokenizer(const anm_eval_model *model); /* or NULL */
ANM_API const anm_llm *anm_eval_model_llm(const anm_eval_model *model); /* NULL: a checkpoint */
ANM_API size_t anm_eval_model_vocab_size(const anm_eval_model *model);
/* Tokens that fit into a window. */
ANM_API size_t anm_eval_model_context_length(const anm_eval_model *model);

typedef struct anm_eval_progress {
    uint64_t scored, to_score;    /* tokens */
    uint64_t evaluated, to_evaluate; /* the same with context that is evaluated again */
    double nll;                   /* mean so far; of the second model when comparing */
    double seconds, seconds_left; /* an estimate from the share of tokens evaluated */
} anm_eval_progress;
/* Called after every token, on the caller's thread. Non-zero cancels the evaluation. */
typedef int (*anm_eval_progress_fn)(void *context, const anm_eval_progress *progress);

/* A token that was scored. */
typedef struct anm_eval_token {
    size_t document, index; /* index in the document's tokens, prefix not counted */
    int32_t token;
    double nll[2]; /* -ln p(token); [1]: of the second model when comparing, else 0 */
    double kl;     /* when comparing, else 0 */
} anm_eval_token;
typedef void (*anm_eval_token_fn)(void *context, const anm_eval_token *token);

typedef struct anm_eval_options {
    size_t struct_size;
    size_t context;      /* tokens of a window, prefix included; 0: what the models hold */
    size_t stride;       /* by which windows advance; 0: half the context */
    uint64_t max_tokens; /* to score; 0: all */
    anm_eval_progress_fn progress; /* may be NULL */
    anm_eval_token_fn on_token;    /* may be NULL */
    void *callback_context;
} anm_eval_options;
ANM_API void anm_eval_options_init(anm_eval_options *options);

/*
 * x is -ln p of each token scored. The intervals hold 95 %, taking tokens as independent: mean
 * +- 1.96 standard errors, and exp of its ends. With one token all of that is NaN.
 */
typedef struct anm_eval_score {
    double nll;            /* mean of x, in nats */
    double standard_error; /* sqrt(sum((x - nll)^2) / (n (n - 1))) */
    double nll_low, nll_high;
    double perplexity, perplexity_low, perplexity_high; /* exp */
    double bits_per_byte; /* sum of x / ln 2 / bytes; NaN without a tokenizer or without text */
} anm_eval_score;

typedef struct anm_eval_result {
    anm_eval_score score;
    size_t context, stride;     /* as used */
    uint64_t documents;         /* in which something was scored */
    uint64_t windows;
    uint64_t tokens;            /* scored, n */
    uint64_t evaluated;         /* tokens that the model had to run */
    uint64_t bytes;             /* UTF-8 of the scored tokens but for special ones */
    double seconds;
} anm_eval_result;

/*
 * Windows of options->context tokens advance by options->stride. Every token of a document but the
 * first (with a prefix: that one too) is scored once: by the first window, or later with at least
 * context - stride tokens before it. `options` may be NULL.
 *
 * ANM_ERROR_ARGUMENT for a context beyond the models', a stride that leaves less than one token
 * of context, and a text with nothing to score; ANM_ERROR_FORMAT for logits that are not numbers;
 * ANM_ERROR_CANCELLED.
 */
ANM_API ANM_MUST_CHECK anm_status anm_eval_perplexity(const anm_llm *llm, const anm_eval_text *text,
                                                      const anm_eval_options *options,
                                                      anm_eval_result *result, anm_error *err);

/* The same of a model of either kind. */
ANM_API ANM_MUST_CHECK anm_status anm_eval_model_perplexity(const anm_eval_model *model,
                                                            const anm_eval_text *text,
                                                            const anm_eval_options *options,
                                                            anm_eval_result *result,
                                                            anm_error *err);

typedef struct anm_eval_comparison {
    anm_eval_result reference, other; /* seconds: of both together */
    /* KL(reference || other) at the tokens scored, in nats */
    double kl, kl_standard_error, kl_p99, kl_max; /* mean; p99 by nearest rank */
    double top1_agreement; /* share of tokens at which both have the same likeliest (lowest id) */
    double nll_difference; /* other - reference, mean over tokens */
    double nll_difference_standard_error; /* of the paired differences */
    double perplexity_difference;
    double perplexity_difference_standard_error; /* paired, by the delta method */
} anm_eval_comparison;

/*
 * The same tokens through two models. ANM_ERROR_MISMATCH unless both have as many logits and, where
 * both have a tokenizer, the same tokens.
 */
ANM_API ANM_MUST_CHECK anm_status anm_eval_compare(const anm_llm *reference, const anm_llm *other,
                                                   const anm_eval_text *text,
                                                   const anm_eval_options *options,
                                                   anm_eval_comparison *result, anm_error *err);

/* The same of models of either kind. ANM_ERROR_ARGUMENT if both are checkpoints. */
ANM_API ANM_MUST_CHECK anm_status anm_eval_model_compare(const anm_eval_model *reference,
                                                         const anm_eval_model *other,
                                                         const anm_eval_text *text,
                                                         const anm_eval_options *options,
                                                         anm_eval_comparison *result,
                                                         anm_error *err);

/* A share of `count` questions, its standard error, and Wilson's 95 % interval. */
typedef struct anm_eval_share {
    double value;          /* p; all NaN for a count of 0 */
    double standard_error; /* sqrt(p (1 - p) / (count - 1)); NaN for a count of 1 */
    double low, high;
} anm_eval_share;
ANM_API anm_eval_share anm_eval_proportion(uint64_t correct, uint64_t count);

/* A question that was answered. Everything lives until the callback returns. */
typedef struct anm_eval_item {
    size_t line;       /* of the file, from 1 */
    const char *group; /* "" if it has none */
    size_t choice_count, answer;
    size_t picked;            /* highest log-likelihood; ties: the first */
    size_t picked_normalised; /* highest log-likelihood a character of the choice */
    const double *log_likelihoods;
    int truncated; /* the start of its context did not fit */
} anm_eval_item;
typedef void (*anm_eval_item_fn)(void *context, const anm_eval_item *item);
/* After every question. Non-zero cancels. */
typedef int (*anm_eval_tasks_progress_fn)(void *context, uint64_t done, uint64_t total,
                                          double seconds_left);

typedef struct anm_eval_tasks_options {
    size_t struct_size;
    uint64_t max_items;                  /* 0: all */
    anm_eval_tasks_progress_fn progress; /* may be NULL */
    anm_eval_item_fn on_item;            /* may be NULL */
    void *callback_context;
} anm_eval_tasks_options;
ANM_API void anm_eval_tasks_options_init(anm_eval_tasks_options *options);

typedef struct anm_eval_tasks_result {
    uint64_t items, correct, correct_normalised, truncated;
    anm_eval_share accuracy, accuracy_normalised;
    double seconds;
} anm_eval_tasks_result;

/*
 * Multiple choice by log-likelihood. Each line of the file that is not blank is a JSON object:
 * "context" (text), "choices" (2 to 64 texts), "answer" (index from 0), and optionally "group" and
 * "delimiter" (between context and choice; default one space). A choice's log-likelihood is the
 * sum over the tokens that it adds to the context's; a context that is too long loses its start.
 *
 * ANM_ERROR_FORMAT with "file:line" for a line that is not so, and for logits that are not
 * numbers; ANM_ERROR_LIMIT for a choice longer than the model's context; ANM_ERROR_NOT_FOUND for a
 * model without a tokenizer; ANM_ERROR_ARGUMENT for a file without questions; ANM_ERROR_CANCELLED.
 */
ANM_API ANM_MUST_CHECK anm_status anm_eval_tasks(const anm_llm *llm, const char *path,
                                                 const anm_eval_tasks_options *options,
                                                 anm_eval_tasks_result *result, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif

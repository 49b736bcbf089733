/* SPDX-License-Identifier: MIT */
/* What the files of the evaluation share: texts, windows, statistics. */
#ifndef ANM_LLM_EVAL_H
#define ANM_LLM_EVAL_H

#include <stdbool.h>

#include "anemone/eval.h"
#include "src/base/arena.h"
#include "src/base/vec.h"
#include "src/forward/forward_model.h"

typedef struct anm_eval_document {
    const int32_t *tokens;
    size_t count;
} anm_eval_document;

struct anm_eval_text {
    anm_arena *arena;
    const char *name; /* for messages */
    int32_t *prefix;
    size_t prefix_count;
    ANM_VEC(anm_eval_document) documents;
    size_t tokens;
};

/* Packages, whose sessions compute one token at a time, or a checkpoint: whole windows at once. */
struct anm_eval_model {
    const anm_llm *llm;   /* NULL: a checkpoint */
    anm_llm *owned;       /* llm, if it was opened here */
    anm_forward *forward; /* NULL: packages */
    anm_tokenizer *tokenizer; /* of a checkpoint */
    char *name;               /* of a checkpoint */
};

/* Special tokens in the text are read as such; `special`: the post-processor's tokens too. */
ANM_MUST_CHECK anm_status anm_eval_encode(const anm_tokenizer *tokenizer, const char *data,
                                          size_t size, bool special, anm_token_list *out,
                                          anm_error *err);
/* An empty text with the tokenizer's prefix. */
ANM_MUST_CHECK anm_status anm_eval_text_create_for(const anm_tokenizer *tokenizer,
                                                   anm_eval_text **out, anm_error *err);

/* How documents are cut. 1 <= stride < room: a window never begins with a token to be scored. */
typedef struct anm_eval_plan {
    size_t prefix; /* tokens before every window */
    size_t room;   /* tokens of the document in a window */
    size_t stride;
} anm_eval_plan;

/* Tokens begin .. end - 1 of a document, of which first .. end - 1 are scored. */
typedef struct anm_eval_window {
    size_t begin, first, end;
} anm_eval_window;

/* From a zeroed window to the first, and from one to the next; false when all is scored. */
bool anm_eval_next_window(const anm_eval_plan *plan, size_t count, anm_eval_window *w);

/* Mean and sum of squared deviations (Welford). */
typedef struct anm_eval_moments {
    uint64_t n;
    double mean, squares;
} anm_eval_moments;

void anm_eval_moments_add(anm_eval_moments *m, double x);
double anm_eval_standard_error(const anm_eval_moments *m); /* of the mean; NaN if n < 2 */

/* ln(sum(exp(x))), in double; NaN if a logit is NaN or +infinity, or all are -infinity. */
double anm_eval_log_sum_exp(const float *x, size_t count);
/* KL(a || b) of two rows of logits whose log-sum-exps are known. */
double anm_eval_kl(const float *a, double lse_a, const float *b, double lse_b, size_t count);
size_t anm_eval_argmax(const float *x, size_t count); /* ties: the lowest */
/* The smallest value that at least this share of all do not exceed. Sorts in place. */
double anm_eval_percentile(double *values, size_t count, double share);

#endif

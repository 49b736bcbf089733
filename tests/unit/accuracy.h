/* SPDX-License-Identifier: MIT */
/*
 * How far the engine's logits are from those of the interpreter's fp32 arithmetic, of the same
 * packages: used by test_accuracy.c and bench/engine_accuracy.c.
 */
#ifndef ANM_TESTS_ACCURACY_H
#define ANM_TESTS_ACCURACY_H

#include <stdbool.h>

#include "anemone/llm.h"

/* Logits after tokens first .. count - 1 of a text. */
typedef struct accuracy_logits {
    float *values; /* [rows, vocab] */
    size_t rows, vocab;
} accuracy_logits;

/*
 * Runs `tokens`: the first `prompt` of them by prefill (0: none), the others one by one, and keeps
 * the logits of the prompt's last token and of all that follow. free() the values.
 */
ANM_MUST_CHECK anm_status accuracy_run(const char *dir, const anm_llm_options *options,
                                       const int32_t *tokens, size_t count, size_t prompt,
                                       accuracy_logits *out, anm_error *err);

typedef struct accuracy_figures {
    double kl, kl_max;  /* KL(reference || engine) in nats: mean and largest of the rows */
    double rms;         /* of the differences of logits, each row's mean taken off */
    double top1;        /* share of rows with the same greatest logit */
    double margin_lost; /* the widest margin, in units of rms, at which the greatest differs */
} accuracy_figures;

/* Of as many rows. NaN logits give NaN figures, which hold no bar. */
accuracy_figures accuracy_compare(const accuracy_logits *wanted, const accuracy_logits *got);

/*
 * The bars: KL per token, and margins that rounding may turn. Differences of two logits have
 * sqrt(2) rms; four standard deviations of that.
 */
#define ACCURACY_KL_DECODE 1e-4
#define ACCURACY_KL_PREFILL 5e-4
#define ACCURACY_NOISE 5.7
/* Of the demo model after a prefill in 8-bit integers; ten times what is measured. */
#define ACCURACY_KL_MEDIUM 5e-5
bool accuracy_holds(const accuracy_figures *f, bool prefill);

#endif

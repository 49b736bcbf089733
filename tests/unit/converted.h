/* SPDX-License-Identifier: MIT */
/* Running a converted model through the program tier, as ANEMLL's runners do it. */
#ifndef ANM_TESTS_CONVERTED_H
#define ANM_TESTS_CONVERTED_H

#include <stdint.h>

#include "anemone/program.h"

typedef struct converted {
    anm_program *embeddings, *decoder, *head;
    anm_state *state;
    anm_precision precision;
    int64_t context, batch, hidden, vocab;
    int64_t window; /* from this position on the functions *_rotate run; 0: there are none */
} converted;

/* Opens DIR/PREFIX_*.mlpackage; fails the running test if it cannot. */
void converted_open(converted *m, const char *dir, const char *prefix, anm_precision precision);
void converted_close(converted *m);
/* Forgets the cache. */
void converted_reset(converted *m);
/* One token at `position`; logits [vocab] of what follows. */
void converted_decode(converted *m, int32_t token, int64_t position, double *logits);
/*
 * The tokens from position 0 on in batches. The last batch is padded with token 0, whose positions
 * repeat the last one; then `logits` [vocab] is what follows the last token, from the output of
 * prefill itself. With `logits` NULL the positions count on and the output is not used: ANEMLL.
 */
void converted_prefill(converted *m, const int32_t *tokens, int64_t count, double *logits);

/* The index of the largest, and how far the second is below it. */
int64_t top_logit(const double *x, int64_t n, double *gap);

/* How far logits are from the truth, in units of the truth's standard deviation. */
typedef struct logit_error {
    double worst, rms;
    int64_t argmax_wrong; /* rows with another top, though the truth's lead is above `margin` */
} logit_error;
logit_error compare_logits(const double *got, const double *truth, int64_t rows, int64_t vocab,
                           double margin);

#endif

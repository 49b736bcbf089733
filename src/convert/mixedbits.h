/* SPDX-License-Identifier: MIT */
/* Bits matrix by matrix, so that all weights together fit into a budget of bytes. */
#ifndef ANM_CONVERT_MIXEDBITS_H
#define ANM_CONVERT_MIXEDBITS_H

#include "src/convert/job.h"

/*
 * Fills recipe.lut_bits if the options name a budget; the job has been calibrated. Matrices of
 * components whose bits are given keep these. ANM_ERROR_LIMIT if the least that there can be does
 * not fit.
 */
ANM_MUST_CHECK anm_status anm_job_choose_bits(anm_job *job, anm_error *err);

/* A choice for one matrix: what it costs, and what it spoils. */
typedef struct anm_bits_option {
    int bits; /* 16: fp16 */
    uint64_t bytes;
    double noise;
} anm_bits_option;

enum { ANM_BITS_OPTIONS = 7 };

typedef struct anm_bits_choice {
    anm_bits_option options[ANM_BITS_OPTIONS]; /* by bits, ascending */
    int count, chosen;
} anm_bits_choice;

/*
 * Chooses for each so that the bytes in sum are at most `budget` and the noise is small: from the
 * least bytes on, always the step that saves most noise for its bytes and still fits. Gives the
 * bytes; more than the budget if there is no way.
 */
uint64_t anm_bits_choose(anm_bits_choice *choices, size_t count, uint64_t budget);

#endif

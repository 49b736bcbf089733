/* SPDX-License-Identifier: MIT */
/*
 * Rounding with error feedback: weights of a row are rounded one after the other, each to the
 * entry nearest to where the errors before it want it, so that the error of the layer's output is
 * small rather than that of the weights.
 */
#ifndef ANM_CONVERT_FEEDBACK_H
#define ANM_CONVERT_FEEDBACK_H

#include "src/convert/hessian.h"

typedef struct anm_feedback {
    const anm_hessian *hessian; /* factored; n: the columns */
    const uint16_t *values;     /* fp16 [rows, columns] */
    int64_t first, rows;        /* the number of the first row in its matrix */
    const uint16_t *tables;     /* fp16 [groups, 2^bits] of the matrix, each ascending */
    int bits, axis;             /* groups of rows (0) or columns (1) */
    int64_t group;
} anm_feedback;

/* indices: [rows, columns]. The answer does not depend on the number of threads. */
ANM_MUST_CHECK anm_status anm_feedback_assign(const anm_feedback *f, uint8_t *indices,
                                              anm_error *err);

/* out[r] = the sum of a[i] * rows[r * stride + i] over i < n, for r < 4. */
void anm_feedback_dots(const float *a, const float *rows, size_t stride, size_t n, float out[4]);
void anm_feedback_dots_ref(const float *a, const float *rows, size_t stride, size_t n,
                           float out[4]);

#endif

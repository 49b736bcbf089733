/* SPDX-License-Identifier: MIT */
/*
 * What a linear layer's inputs are together: H = X'X, of which the error of the layer's output is a
 * quadratic form, (w - q)' H (w - q) for each row. Its factor says how the error of one weight is
 * best made up for by those that are not rounded yet.
 */
#ifndef ANM_CONVERT_HESSIAN_H
#define ANM_CONVERT_HESSIAN_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct anm_hessian {
    int64_t n, rows; /* inputs; tokens that were added */
    /*
     * [n, n]. Above the diagonal H, in the order of the inputs. Below it the factor in the order of
     * work: row k holds what the errors of inputs 0 .. k - 1 are multiplied with.
     */
    float *matrix;
    float *diagonal; /* of H, damped, in the order of the inputs */
    int32_t *order;  /* input number k of the order of work */
    double *weights; /* of each input: what its error counts after those before it made up for it */
} anm_hessian;

/* Free it in any case. */
ANM_MUST_CHECK anm_status anm_hessian_init(anm_hessian *h, int64_t inputs, anm_error *err);
void anm_hessian_free(anm_hessian *h);
/* Adds rows of x, [rows, n]. The sums do not depend on the number of threads. */
ANM_MUST_CHECK anm_status anm_hessian_add(anm_hessian *h, const float *x, int64_t rows,
                                          anm_error *err);
/*
 * Damps the diagonal by a hundredth of its mean, orders the inputs by how much they carry, the
 * greatest first, and factors. Done once, when all rows are added.
 */
ANM_MUST_CHECK anm_status anm_hessian_factor(anm_hessian *h, anm_error *err);

#endif

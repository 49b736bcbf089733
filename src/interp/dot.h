/* SPDX-License-Identifier: MIT */
/*
 * The inner product behind matmul, linear, conv, attention and recurrent ops.
 *
 * Specification: 16 partial sums in fp32, element i going to sum i mod 16; they are added
 * pairwise at distance 8, 4, 2, 1. The order is the same on every machine and lets compilers
 * vectorise.
 */
#ifndef ANM_INTERP_DOT_H
#define ANM_INTERP_DOT_H

#include "src/interp/kernels.h"

float anm_dot(const float *a, const float *b, int64_t n);

/* Rows of a matrix, converted one at a time where they are not floats. */
typedef struct anm_rows {
    const anm_rvalue *value;
    int64_t start, length; /* of row 0, of each row */
    float *scratch;        /* length elements */
} anm_rows;

bool anm_rows_init(anm_kcall *k, anm_rows *rows, const anm_rvalue *value, int64_t length);

/*
 * out[m * out_m + n * out_n] = dot(x row m, row n) + bias[n] for m < M, n < N. `bias` may be
 * NULL. Rows of x are dense, `rows->length` apart.
 */
void anm_product(const float *x, int64_t M, const anm_rows *rows, int64_t N, const float *bias,
                 float *out, int64_t out_m, int64_t out_n);

#endif

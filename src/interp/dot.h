/* SPDX-License-Identifier: MIT */
/*
 * Inner products, behind matmul, linear, conv, attention and recurrent ops.
 *
 * Specification: products and sum in fp32, each rounded, one sum per output, elements in order.
 * (Products of two halves are exact in fp32, so that fused multiply-add would change nothing.)
 * Speed comes from working on several outputs at once, which leaves each one's order alone.
 */
#ifndef ANM_INTERP_DOT_H
#define ANM_INTERP_DOT_H

#include "src/interp/kernels.h"

float anm_dot(const float *a, const float *b, int64_t n);

/* Rows of a matrix, converted a few at a time where they are not floats. */
typedef struct anm_rows {
    const anm_rvalue *value;
    int64_t start, length; /* of row 0, of each row */
    float *scratch;        /* for converted rows */
    float *lanes;          /* for the left side, when it has many rows */
} anm_rows;

/* `most`: the largest M that anm_product will be called with. */
bool anm_rows_init(anm_kcall *k, anm_rows *rows, const anm_rvalue *value, int64_t length,
                   int64_t most);

/*
 * out[m * out_m + n * out_n] = dot(x row m, row n) + bias[n] for m < M, n < N. `bias` may be
 * NULL. Rows of x are dense, `rows->length` apart.
 */
void anm_product(const float *x, int64_t M, const anm_rows *rows, int64_t N, const float *bias,
                 float *out, int64_t out_m, int64_t out_n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The input of matrix products in the form that a kernel reads, made once for all the steps that
 * multiply the same values by kernels with the same form.
 */
#ifndef ANM_CPU_PRODUCT_INPUT_H
#define ANM_CPU_PRODUCT_INPUT_H

#include "src/cpu/kernels/gemm.h"
#include "src/cpu/kernels/gemv.h"
#include "src/cpu/planner.h"

typedef struct anm_product_input {
    anm_lie x; /* [tokens, columns] */
    anm_lie to;
    int64_t tokens, columns, ldx;
    const anm_gemv_kernel *gemv; /* of one token */
    const anm_gemm_kernel *gemm; /* of several */
} anm_product_input;

/* The op's argument x, with contiguous rows of `columns`; false after a failure or for others. */
bool anm_product_input_read(anm_planner *p, const anm_mil_op *op, int64_t columns,
                            anm_product_input *in);
/* Plans the step that makes it for the kernel of `wanted`, if none did; NULL after a failure. */
const anm_product_input *anm_product_input_add(anm_planner *p, const anm_product_input *wanted);

static inline void anm_gemv_multiply(const anm_gemv_kernel *k, const anm_matrix *w,
                                     const void *input, int64_t from, int64_t to, float *y,
                                     anm_ahead *ahead) {
    if (k->run_ahead) k->run_ahead(w, input, from, to, y, ahead);
    else k->run(w, input, from, to, y);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Y = X W^T for several tokens: prefill. Limited by arithmetic: the weights are decoded once a
 * call for all tokens together.
 */
#ifndef ANM_CPU_GEMM_H
#define ANM_CPU_GEMM_H

#include "src/cpu/isa.h"
#include "src/cpu/kernels/matrix.h"

typedef struct anm_gemm_kernel {
    const char *name; /* "gemm_lut4_amx" */
    anm_isa isa;
    bool (*accepts)(const anm_matrix *w);
    int64_t row_step; /* row0 and row1 are multiples of it (row1 may be the end) */
    size_t (*input_bytes)(int64_t columns, int64_t tokens); /* of the prepared input */
    /*
     * Brings X (fp32, token t at x + t * ldx) into the kernel's form; `parts` threads call it with
     * part 0 .. parts - 1, each doing its share. Kernels with the same `prepare` share the result.
     */
    void (*prepare)(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts);
    size_t (*scratch_bytes)(const anm_matrix *w, int64_t tokens); /* each thread its own */
    /* Writes y[t * ldy + row] for all tokens and row0 <= row < row1. */
    void (*run)(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch);
} anm_gemm_kernel;

/*
 * The best kernel at `isa` or below that accepts the matrix; never NULL. With `int8` also one that
 * rounds both factors to 8 bits, where a level has it.
 */
const anm_gemm_kernel *anm_gemm_find(const anm_matrix *w, anm_isa isa, bool int8);
const anm_gemm_kernel *anm_gemm_at(size_t index); /* NULL past the end */

#endif

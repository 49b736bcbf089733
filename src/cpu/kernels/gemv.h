/* SPDX-License-Identifier: MIT */
/*
 * y = W x for one vector: what decoding one token spends its time on. The kernel is limited by the
 * rate at which W streams from memory.
 */
#ifndef ANM_CPU_GEMV_H
#define ANM_CPU_GEMV_H

#include "src/cpu/isa.h"
#include "src/cpu/kernels/ahead.h"
#include "src/cpu/kernels/matrix.h"

/*
 * What is rounded on the way, which bounds a kernel's error (docs/kernels.md). Integers: x has a
 * scale for each ANM_GEMV_BLOCK columns, a table has one; products and sums are exact within a
 * block, in fp32 between blocks.
 */
typedef enum anm_gemv_arithmetic {
    ANM_GEMV_FP32,  /* weights and x as they are; products and sums in fp32 or wider */
    ANM_GEMV_INT14, /* x to +-16383, tables to +-8191 */
    ANM_GEMV_LINES, /* x to +-16383, entries as points near lines, or as in INT14 */
    ANM_GEMV_INT16  /* x and tables to +-ANM_GEMV_Q at least */
} anm_gemv_arithmetic;

enum { ANM_GEMV_BLOCK = 256, ANM_GEMV_Q = 32512 };

/*
 * x is first brought into the form that the kernel reads (quantised, split, rounded), once, by one
 * thread; then threads compute disjoint ranges of rows. Kernels whose `prepare` is the same
 * function share a prepared input for matrices with as many columns.
 */
typedef struct anm_gemv_kernel {
    const char *name; /* "gemv_lut4_avx512vnni" */
    anm_isa isa;
    anm_gemv_arithmetic arithmetic;
    bool (*accepts)(const anm_matrix *w);
    int64_t row_step; /* row0 and row1 are multiples of it (row1 may be the end) */
    size_t (*input_bytes)(int64_t columns); /* of the prepared input, aligned to 64 */
    void (*prepare)(const float *x, int64_t columns, void *input);
    /* Writes y[row0 .. row1), the row's sum in fp32 or wider. */
    void (*run)(const anm_matrix *w, const void *input, int64_t row0, int64_t row1, float *y);
    /*
     * The same, asking for what `ahead` says instead of the matrix's own rows, which were part of
     * it: at the pace at which it reads (anm_gemv_range). NULL: the kernel has none.
     */
    void (*run_ahead)(const anm_matrix *w, const void *input, int64_t row0, int64_t row1, float *y,
                      anm_ahead *ahead);
} anm_gemv_kernel;

/* The best kernel at `isa` or below that accepts the matrix; never NULL: the reference takes all */
const anm_gemv_kernel *anm_gemv_find(const anm_matrix *w, anm_isa isa);
/* The same, but none of ANM_GEMV_LINES. */
const anm_gemv_kernel *anm_gemv_find_exact(const anm_matrix *w, anm_isa isa);
/* All kernels, for kcheck; NULL past the end. */
const anm_gemv_kernel *anm_gemv_at(size_t index);
/* What run_ahead() reads of these rows. */
anm_ahead_range anm_gemv_range(const anm_matrix *w, int64_t row0, int64_t row1);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Kernels over contiguous rows of floats: what stands between matrix products. One template
 * (rows_template.h) is compiled for each level; sums are made in 16 partial sums at every level, so
 * that all give the same bits.
 */
#ifndef ANM_CPU_ROWS_H
#define ANM_CPU_ROWS_H

#include <stdint.h>

#include "src/cpu/isa.h"

typedef enum anm_unary_kind {
    ANM_UNARY_SILU,
    ANM_UNARY_SIGMOID,
    ANM_UNARY_EXP,
    ANM_UNARY_RELU,
    ANM_UNARY_SQUARE,
    ANM_UNARY_TANH,
    ANM_UNARY_GELU,
    ANM_UNARY_GELU_TANH,
    ANM_UNARY_KINDS
} anm_unary_kind;

typedef enum anm_binary_kind {
    ANM_BINARY_ADD,
    ANM_BINARY_SUB,
    ANM_BINARY_MUL,
    ANM_BINARY_DIV,
    ANM_BINARY_MAX,
    ANM_BINARY_MIN,
    ANM_BINARY_KINDS
} anm_binary_kind;

typedef struct anm_row_kernels {
    anm_isa isa;
    /* y = x / sqrt(mean(x^2) + epsilon) * gamma; gamma may be NULL. y may be x. */
    void (*rms_norm)(const float *x, const float *gamma, float epsilon, int64_t n, float *y);
    /* The halves x1, x2 turned: y1 = x1 c1 - x2 s1, y2 = x2 c2 + x1 s2. y may be x. */
    void (*rope)(const float *x, const float *c1, const float *s1, const float *c2,
                 const float *s2, int64_t half, float *y);
    void (*unary)(anm_unary_kind kind, const float *x, int64_t n, float *y);
    /* Elements of an operand are that many apart; 0 repeats one. */
    void (*binary)(anm_binary_kind kind, const float *a, int a_step, const float *b, int b_step,
                   int64_t n, float *y);
    /* y = activation(gate) * up; y may be either. */
    void (*gated)(anm_unary_kind kind, const float *gate, const float *up, int64_t n, float *y);
    void (*softmax)(const float *x, int64_t n, float *y);
    void (*half_to_float)(const uint16_t *x, int64_t n, float *y);
    void (*float_to_half)(const float *x, int64_t n, uint16_t *y); /* to nearest even */
} anm_row_kernels;

/* The set of the highest level at or below `isa`. */
const anm_row_kernels *anm_row_kernels_find(anm_isa isa);

#endif

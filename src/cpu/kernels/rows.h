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
    ANM_UNARY_GELU_SIGMOID, /* x sigmoid(1.702 x) */
    ANM_UNARY_ERF,
    ANM_UNARY_ABS,
    ANM_UNARY_SQRT,
    ANM_UNARY_FLOOR,
    ANM_UNARY_CEIL,
    ANM_UNARY_ROUND, /* to nearest even */
    ANM_UNARY_SIGN,
    ANM_UNARY_SOFTSIGN,
    ANM_UNARY_SOFTPLUS,
    ANM_UNARY_SIN,
    ANM_UNARY_COS,
    /* With parameters a and b, which the others do not look at. */
    ANM_UNARY_CLIP,        /* to a .. b */
    ANM_UNARY_LINEAR,      /* a x + b */
    ANM_UNARY_LEAKY,       /* a x below 0 */
    ANM_UNARY_HARD,        /* a x + b within 0 .. 1 */
    ANM_UNARY_THRESHOLDED, /* 0 below a */
    ANM_UNARY_CLAMPED,     /* a x below 0, at most b */
    ANM_UNARY_ELU,         /* a (exp(x) - 1) below 0 */
    ANM_UNARY_SCALED_TANH, /* a tanh(b x) */
    ANM_UNARY_LOG,         /* of x + a */
    ANM_UNARY_RSQRT,       /* of x + a */
    ANM_UNARY_INVERSE,     /* of x + a */
    ANM_UNARY_KINDS
} anm_unary_kind;

typedef enum anm_reduce_kind {
    ANM_REDUCE_SUM,
    ANM_REDUCE_MAX, /* NaN if there is one; of none, minus infinity */
    ANM_REDUCE_MIN,
    ANM_REDUCE_PROD,
    ANM_REDUCE_SUM_SQUARE,
    ANM_REDUCE_SUM_ABS,
    ANM_REDUCE_LOG_SUM_EXP,
    ANM_REDUCE_KINDS
} anm_reduce_kind;

/* c = a b: a is [m, k] with any strides; rows of b, [k, n], and of c, [m, n], are contiguous. */
typedef struct anm_product {
    const float *a, *b;
    float *c;
    int64_t m, n, k;
    int64_t a_row, a_step, b_row, c_row; /* strides */
} anm_product;

typedef enum anm_binary_kind {
    ANM_BINARY_ADD,
    ANM_BINARY_SUB,
    ANM_BINARY_MUL,
    ANM_BINARY_DIV,
    ANM_BINARY_MAX,
    ANM_BINARY_MIN,
    ANM_BINARY_FLOOR_DIV,
    ANM_BINARY_MOD, /* with the sign of the divisor */
    ANM_BINARY_POW,
    ANM_BINARY_KINDS
} anm_binary_kind;

typedef struct anm_row_kernels {
    anm_isa isa;
    /* y = x / sqrt(mean(x^2) + epsilon) * gamma; gamma may be NULL. y may be x. */
    void (*rms_norm)(const float *x, const float *gamma, float epsilon, int64_t n, float *y);
    /* The halves x1, x2 turned: y1 = x1 c1 - x2 s1, y2 = x2 c2 + x1 s2. y may be x. */
    void (*rope)(const float *x, const float *c1, const float *s1, const float *c2,
                 const float *s2, int64_t half, float *y);
    /* y = (x - mean) / sqrt(variance + epsilon) * gamma + beta; these may be NULL. y may be x. */
    void (*layer_norm)(const float *x, const float *gamma, const float *beta, float epsilon,
                       int64_t n, float *y);
    float (*reduce)(anm_reduce_kind kind, const float *x, int64_t n);
    /* Sums in the order of k, in fp32: |error| <= k u sum |a b|. */
    void (*product)(const anm_product *p);
    void (*unary)(anm_unary_kind kind, const float *x, int64_t n, float *y); /* without a and b */
    void (*parametric)(anm_unary_kind kind, float a, float b, const float *x, int64_t n, float *y);
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

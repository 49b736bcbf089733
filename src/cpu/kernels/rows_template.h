/* SPDX-License-Identifier: MIT */
/*
 * The row kernels, written so that compilers make vectors of them. Included once for each level
 * with ANM_ROWS(name) naming the functions and ANM_ROWS_HALF the conversions at hand.
 */
#include <math.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/rows.h"

enum { LANES = 16 };

/*
 * exp by 2^n * p(r), |r| <= ln 2 / 2, p the polynomial of degree 6 of the Taylor series; within
 * 2 units in the last place from -87 to 88, 0 below, infinite above. Plain multiplications and
 * additions: the same bits at every level.
 */
static inline float exp_approximate(float x) {
    const float log2e = 1.44269504f, high = 0.693359375f, low = -2.12194440e-4f;
    float clamped = x < -87.3f ? -87.3f : x > 88.7f ? 88.7f : x;
    float n = nearbyintf(clamped * log2e);
    float r = clamped - n * high;
    r = r - n * low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    /* In two steps, so that neither power is out of range. */
    int32_t whole = (int32_t)n, half = whole / 2;
    float a = anm_float_from_bits((uint32_t)(half + 127) << 23);
    float b = anm_float_from_bits((uint32_t)(whole - half + 127) << 23);
    float y = p * a * b;
    y = x < -87.3f ? 0.0f : y;
    y = x > 88.7f ? INFINITY : y;
    return x != x ? x : y;
}

static inline float sum_lanes(const float *lane) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += lane[i];
    return sum;
}

static void ANM_ROWS(rms_norm)(const float *x, const float *gamma, float epsilon, int64_t n,
                               float *y) {
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l] * x[i + l];
    for (int l = 0; i + l < n; l++) lane[l] += x[i + l] * x[i + l];
    float scale = 1.0f / sqrtf(sum_lanes(lane) / (float)n + epsilon);
    if (gamma)
        for (i = 0; i < n; i++) y[i] = x[i] * scale * gamma[i];
    else
        for (i = 0; i < n; i++) y[i] = x[i] * scale;
}

static void ANM_ROWS(rope)(const float *x, const float *c1, const float *s1, const float *c2,
                           const float *s2, int64_t half, float *y) {
    for (int64_t i = 0; i < half; i++) {
        float a = x[i], b = x[half + i];
        y[i] = a * c1[i] - b * s1[i];
        y[half + i] = b * c2[i] + a * s2[i];
    }
}

static inline float sigmoid(float x) {
    return 1.0f / (1.0f + exp_approximate(-x));
}

/* The halves of gelu as 0.5 x (1 + tanh(u)) = x sigmoid(2 u). */
static inline float gelu_tanh(float x) {
    return x * sigmoid(1.5957691216f * (x + 0.044715f * x * x * x));
}

static inline float tanh_by_exp(float x) {
    float e = exp_approximate(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

static void ANM_ROWS(unary)(anm_unary_kind kind, const float *x, int64_t n, float *y) {
    switch (kind) {
    case ANM_UNARY_SILU:
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * sigmoid(x[i]);
        break;
    case ANM_UNARY_SIGMOID:
        for (int64_t i = 0; i < n; i++) y[i] = sigmoid(x[i]);
        break;
    case ANM_UNARY_EXP:
        for (int64_t i = 0; i < n; i++) y[i] = exp_approximate(x[i]);
        break;
    case ANM_UNARY_RELU:
        for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0 * x[i];
        break;
    case ANM_UNARY_SQUARE:
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * x[i];
        break;
    case ANM_UNARY_TANH:
        for (int64_t i = 0; i < n; i++) y[i] = tanh_by_exp(x[i]);
        break;
    case ANM_UNARY_GELU:
        for (int64_t i = 0; i < n; i++) y[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
        break;
    case ANM_UNARY_GELU_TANH:
        for (int64_t i = 0; i < n; i++) y[i] = gelu_tanh(x[i]);
        break;
    case ANM_UNARY_KINDS: break;
    }
}

static void ANM_ROWS(gated)(anm_unary_kind kind, const float *gate, const float *up, int64_t n,
                            float *y) {
    enum { PIECE = 256 };
    float active[PIECE];
    if (kind == ANM_UNARY_SILU) {
        for (int64_t i = 0; i < n; i++) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
        return;
    }
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        ANM_ROWS(unary)(kind, gate + at, count, active);
        for (int64_t i = 0; i < count; i++) y[at + i] = active[i] * up[at + i];
    }
}

#define BINARY_LOOP(expression)                                                                    \
    if (a_step == 1 && b_step == 1)                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            float p = a[i], q = b[i];                                                              \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    else                                                                                           \
        for (int64_t i = 0; i < n; i++) {                                                          \
            float p = a[i * a_step], q = b[i * b_step];                                            \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    break

static void ANM_ROWS(binary)(anm_binary_kind kind, const float *a, int a_step, const float *b,
                             int b_step, int64_t n, float *y) {
    switch (kind) {
    case ANM_BINARY_ADD: BINARY_LOOP(p + q);
    case ANM_BINARY_SUB: BINARY_LOOP(p - q);
    case ANM_BINARY_MUL: BINARY_LOOP(p * q);
    case ANM_BINARY_DIV: BINARY_LOOP(p / q);
    case ANM_BINARY_MAX: BINARY_LOOP(p > q ? p : q);
    case ANM_BINARY_MIN: BINARY_LOOP(p < q ? p : q);
    case ANM_BINARY_KINDS: break;
    }
}

static void ANM_ROWS(softmax)(const float *x, int64_t n, float *y) {
    float top = -INFINITY, lane[LANES] = {0};
    for (int64_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int64_t i = 0; i < n; i++) y[i] = exp_approximate(x[i] - top);
    for (int64_t i = 0; i < n; i++) lane[i % LANES] += y[i];
    float scale = 1.0f / sum_lanes(lane);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

static void ANM_ROWS(half_to_float)(const uint16_t *x, int64_t n, float *y) {
    anm_half_to_float_n(y, x, (size_t)n);
}

static void ANM_ROWS(float_to_half)(const float *x, int64_t n, uint16_t *y) {
    anm_half_from_float_n(y, x, (size_t)n);
}

#define ANM_ROWS_TABLE(level)                                                                      \
    {level,           ANM_ROWS(rms_norm), ANM_ROWS(rope),          ANM_ROWS(unary),               \
     ANM_ROWS(binary), ANM_ROWS(gated),    ANM_ROWS(softmax), ANM_ROWS(half_to_float),          \
     ANM_ROWS(float_to_half)}

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

/* The squares are those of the differences from the mean. */
static void ANM_ROWS(layer_norm)(const float *x, const float *gamma, const float *beta,
                                 float epsilon, int64_t n, float *y) {
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l];
    for (int l = 0; i + l < n; l++) lane[l] += x[i + l];
    float mean = sum_lanes(lane) / (float)n;
    for (i = 0; i < n; i++) y[i] = x[i] - mean;
    ANM_ROWS(rms_norm)(y, gamma, epsilon, n, y);
    for (i = 0; beta && i < n; i++) y[i] += beta[i];
}

/* Results of a few elements apart from y, as compilers cannot see that tables do not lie there. */
static void ANM_ROWS(rope)(const float *x, const float *c1, const float *s1, const float *c2,
                           const float *s2, int64_t half, float *y) {
    float first[LANES], second[LANES];
    int64_t i = 0;
    for (; i + LANES <= half; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            float a = x[i + l], b = x[half + i + l];
            first[l] = a * c1[i + l] - b * s1[i + l];
            second[l] = b * c2[i + l] + a * s2[i + l];
        }
        memcpy(y + i, first, sizeof first);
        memcpy(y + half + i, second, sizeof second);
    }
    for (; i < half; i++) {
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

/*
 * erf: x p(x^2) up to 1, and 1 - exp(-q(x)) from there to 4, where it is 1 to the last place;
 * tools/fit_erf.py found p and q. Off by less than 1.5e-7.
 */
static inline float erf_approximate(float x) {
    float t = fabsf(x), s = x * x;
    t = t > 4.0f ? 4.0f : t;
    float p = 7.87587487e-05f * s - 0.00080168643f;
    p = (p * s + 0.00518908724f) * s - 0.0268542115f;
    p = (p * s + 0.112835944f) * s - 0.37612626f;
    p = p * s + 1.12837911f;
    float q = -1.6371514e-06f * t + 4.60580413e-05f;
    q = (q * t - 0.00059680565f) * t + 0.0047595962f;
    q = (q * t - 0.0264211353f) * t + 0.110080086f;
    q = (q * t + 0.631826043f) * t + 1.13023341f;
    q = q * t - 0.00032013806f;
    float y = t <= 1.0f ? x * p : copysignf(1.0f - exp_approximate(-q), x);
    return x != x ? x : y;
}

/* ln(1 + exp(x)), without overflow. */
static inline float softplus(float x) {
    return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x)));
}

static inline float sign(float x) {
    return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
}

#define UNARY_LOOP(expression)                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                              \
        float v = x[i];                                                                            \
        y[i] = (expression);                                                                       \
    }                                                                                              \
    break

static void ANM_ROWS(unary)(anm_unary_kind kind, const float *x, int64_t n, float *y) {
    switch (kind) {
    case ANM_UNARY_SILU: UNARY_LOOP(v * sigmoid(v));
    case ANM_UNARY_SIGMOID: UNARY_LOOP(sigmoid(v));
    case ANM_UNARY_EXP: UNARY_LOOP(exp_approximate(v));
    case ANM_UNARY_RELU: UNARY_LOOP(v > 0 ? v : 0 * v);
    case ANM_UNARY_SQUARE: UNARY_LOOP(v * v);
    case ANM_UNARY_TANH: UNARY_LOOP(tanh_by_exp(v));
    case ANM_UNARY_GELU: UNARY_LOOP(0.5f * v * (1.0f + erf_approximate(v * 0.70710678f)));
    case ANM_UNARY_GELU_TANH: UNARY_LOOP(gelu_tanh(v));
    case ANM_UNARY_GELU_SIGMOID: UNARY_LOOP(v * sigmoid(1.702f * v));
    case ANM_UNARY_ERF: UNARY_LOOP(erf_approximate(v));
    case ANM_UNARY_ABS: UNARY_LOOP(fabsf(v));
    case ANM_UNARY_SQRT: UNARY_LOOP(sqrtf(v));
    case ANM_UNARY_FLOOR: UNARY_LOOP(floorf(v));
    case ANM_UNARY_CEIL: UNARY_LOOP(ceilf(v));
    case ANM_UNARY_ROUND: UNARY_LOOP(nearbyintf(v));
    case ANM_UNARY_SIGN: UNARY_LOOP(sign(v));
    case ANM_UNARY_SOFTSIGN: UNARY_LOOP(v / (1.0f + fabsf(v)));
    case ANM_UNARY_SOFTPLUS: UNARY_LOOP(softplus(v));
    case ANM_UNARY_SIN: UNARY_LOOP(sinf(v));
    case ANM_UNARY_COS: UNARY_LOOP(cosf(v));
    default: break;
    }
}

/* Comparisons are such that NaN stays. */
static void ANM_ROWS(parametric)(anm_unary_kind kind, float a, float b, const float *x, int64_t n,
                                 float *y) {
    switch (kind) {
    case ANM_UNARY_CLIP: UNARY_LOOP(v < a ? a : v > b ? b : v);
    case ANM_UNARY_LINEAR: UNARY_LOOP(a * v + b);
    case ANM_UNARY_LEAKY: UNARY_LOOP(v < 0 ? a * v : v);
    case ANM_UNARY_HARD: UNARY_LOOP(a * v + b < 0 ? 0 : a * v + b > 1 ? 1 : a * v + b);
    case ANM_UNARY_THRESHOLDED: UNARY_LOOP(v < a ? 0 : v);
    case ANM_UNARY_CLAMPED: UNARY_LOOP((v < 0 ? a * v : v) > b ? b : v < 0 ? a * v : v);
    case ANM_UNARY_ELU: UNARY_LOOP(v > 0 ? v : a * expm1f(v));
    case ANM_UNARY_SCALED_TANH: UNARY_LOOP(a * tanh_by_exp(b * v));
    case ANM_UNARY_LOG: UNARY_LOOP(logf(v + a));
    case ANM_UNARY_RSQRT: UNARY_LOOP(1.0f / sqrtf(v + a));
    case ANM_UNARY_INVERSE: UNARY_LOOP(1.0f / (v + a));
    default: ANM_ROWS(unary)(kind, x, n, y);
    }
}

/* A NaN, once it is in a lane, stays: every comparison with it is false. */
static float ANM_ROWS(extreme)(const float *x, int64_t n, float sign_of) {
    float lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = -INFINITY;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float v = sign_of * x[i + l];
            lane[l] = v <= lane[l] ? lane[l] : lane[l] != lane[l] ? lane[l] : v;
        }
    for (; i < n; i++) {
        float v = sign_of * x[i];
        lane[0] = v <= lane[0] ? lane[0] : lane[0] != lane[0] ? lane[0] : v;
    }
    float top = lane[0];
    for (int l = 1; l < LANES; l++)
        top = lane[l] <= top ? top : top != top ? top : lane[l];
    return sign_of * top;
}

#define REDUCE_LOOP(start, combine)                                                                \
    do {                                                                                           \
        for (int l = 0; l < LANES; l++) lane[l] = (start);                                         \
        for (; i + LANES <= n; i += LANES)                                                         \
            for (int l = 0; l < LANES; l++) {                                                      \
                float v = x[i + l];                                                                \
                lane[l] = (combine);                                                               \
            }                                                                                      \
        for (int l = 0; i + l < n; l++) {                                                          \
            float v = x[i + l];                                                                    \
            lane[l] = (combine);                                                                   \
        }                                                                                          \
    } while (0)

/* exp of differences from the greatest, so that nothing overflows. */
static float ANM_ROWS(log_sum_exp)(const float *x, int64_t n) {
    float lane[LANES], top = ANM_ROWS(extreme)(x, n, 1);
    int64_t i = 0;
    if (top - top != 0) top = top != top ? top : 0;
    REDUCE_LOOP(0, lane[l] + exp_approximate(v - top));
    return logf(sum_lanes(lane)) + top;
}

static float ANM_ROWS(reduce)(anm_reduce_kind kind, const float *x, int64_t n) {
    float lane[LANES], all = 1;
    int64_t i = 0;
    switch (kind) {
    case ANM_REDUCE_MAX: return ANM_ROWS(extreme)(x, n, 1);
    case ANM_REDUCE_MIN: return ANM_ROWS(extreme)(x, n, -1);
    case ANM_REDUCE_LOG_SUM_EXP: return ANM_ROWS(log_sum_exp)(x, n);
    case ANM_REDUCE_PROD:
        REDUCE_LOOP(1, lane[l] * v);
        for (int l = 0; l < LANES; l++) all *= lane[l];
        return all;
    case ANM_REDUCE_SUM_SQUARE: REDUCE_LOOP(0, lane[l] + v * v); break;
    case ANM_REDUCE_SUM_ABS: REDUCE_LOOP(0, lane[l] + fabsf(v)); break;
    default: REDUCE_LOOP(0, lane[l] + v); break;
    }
    return sum_lanes(lane);
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

static inline float modulo(float a, float b) {
    float r = fmodf(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
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
    case ANM_BINARY_FLOOR_DIV: BINARY_LOOP(floorf(p / q));
    case ANM_BINARY_MOD: BINARY_LOOP(modulo(p, q));
    case ANM_BINARY_POW: BINARY_LOOP(powf(p, q));
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
    {.isa = level,                                                                                 \
     .rms_norm = ANM_ROWS(rms_norm),                                                               \
     .layer_norm = ANM_ROWS(layer_norm),                                                           \
     .reduce = ANM_ROWS(reduce),                                                                   \
     .product = ANM_ROWS(product),                                                                 \
     .rope = ANM_ROWS(rope),                                                                       \
     .unary = ANM_ROWS(unary),                                                                     \
     .parametric = ANM_ROWS(parametric),                                                           \
     .binary = ANM_ROWS(binary),                                                                   \
     .gated = ANM_ROWS(gated),                                                                     \
     .softmax = ANM_ROWS(softmax),                                                                 \
     .half_to_float = ANM_ROWS(half_to_float),                                                     \
     .float_to_half = ANM_ROWS(float_to_half)}

/* SPDX-License-Identifier: MIT */
#include "src/base/half.h"

#include <math.h>

uint16_t anm_half_from_double(double d) {
    float f = (float)d;
    /* Round to odd: an inexact float gets a last bit of 1, so that the second rounding is right. */
    if (isfinite(d) && isfinite(f) && (double)f != d) {
        uint32_t u = anm_float_bits(f);
        if (fabs((double)f) > fabs(d)) u--; /* towards zero first */
        f = anm_float_from_bits(u | 1);
    }
    return anm_half_from_float(f);
}

/* A machine's conversion instruction is exact here, so the fast form equals the portable one. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

/* Clang before 16 does not know the feature name "f16c"; avx2 implies that the OS saves ymm. */
static int detect_f16c(void) {
    unsigned eax, ebx, ecx, edx;
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
           (ecx & bit_F16C);
}

/* Asked once: in a virtual machine cpuid traps and takes tens of microseconds. */
static int has_fast(void) {
    static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
    int state = atomic_load_explicit(&known, memory_order_relaxed);
    if (!state) {
        state = 1 + (detect_f16c() != 0);
        atomic_store_explicit(&known, state, memory_order_relaxed);
    }
    return state == 2;
}

__attribute__((target("avx2,f16c"))) static size_t to_float_fast(float *out, const uint16_t *in,
                                                                 size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    return i;
}

__attribute__((target("avx2,f16c"))) static size_t from_float_fast(uint16_t *out, const float *in,
                                                                   size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}
#elif defined(__aarch64__)
#include <arm_neon.h>

/* Part of the architecture. */
static int has_fast(void) {
    return 1;
}

static size_t to_float_fast(float *out, const uint16_t *in, size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(in + i));
        vst1q_f32(out + i, vcvt_f32_f16(vget_low_f16(halves)));
        vst1q_f32(out + i + 4, vcvt_high_f32_f16(halves));
    }
    return i;
}

static size_t from_float_fast(uint16_t *out, const float *in, size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        float16x8_t halves = vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(in + i)),
                                               vld1q_f32(in + i + 4));
        vst1q_u16(out + i, vreinterpretq_u16_f16(halves));
    }
    return i;
}
#else
static int has_fast(void) {
    return 0;
}
static size_t to_float_fast(float *out, const uint16_t *in, size_t n) {
    (void)out, (void)in, (void)n;
    return 0;
}
static size_t from_float_fast(uint16_t *out, const float *in, size_t n) {
    (void)out, (void)in, (void)n;
    return 0;
}
#endif

void anm_half_to_float_n(float *out, const uint16_t *in, size_t n) {
    size_t i = has_fast() ? to_float_fast(out, in, n) : 0;
    for (; i < n; i++) out[i] = anm_half_to_float(in[i]);
}

void anm_half_from_float_n(uint16_t *out, const float *in, size_t n) {
    size_t i = has_fast() ? from_float_fast(out, in, n) : 0;
    for (; i < n; i++) out[i] = anm_half_from_float(in[i]);
}

static size_t count_overflow(const uint16_t *out, const float *in, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += (out[i] & 0x7fff) == 0x7c00 && isfinite(in[i]);
    return count;
}

size_t anm_half_from_float_checked_n(uint16_t *out, const float *in, size_t n) {
    anm_half_from_float_n(out, in, n);
    return count_overflow(out, in, n);
}

size_t anm_half_from_bf16_n(uint16_t *out, const uint16_t *in, size_t n) {
    enum { STEP = 1024 };
    float wide[STEP];
    size_t overflow = 0;
    for (size_t i = 0; i < n; i += STEP) {
        size_t m = n - i < STEP ? n - i : STEP;
        for (size_t k = 0; k < m; k++) wide[k] = anm_bf16_to_float(in[i + k]);
        overflow += anm_half_from_float_checked_n(out + i, wide, m);
    }
    return overflow;
}

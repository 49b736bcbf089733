/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/avx512vnni/gemv_input_avx512vnni.h"

#include <immintrin.h>

/* Below this a block counts as zero: the quotient by it could be infinite. */
#define SMALLEST 1e-30f

typedef struct block {
    float scale, inverse;
} block;

size_t anm_gemv_input_bytes_avx512vnni(int64_t columns) {
    int64_t blocks = gemv_blocks(columns);
    return (size_t)(3 * 4 * anm_gemv_padded(blocks) + blocks * ANM_GEMV_BLOCK_BYTES);
}

/* Columns i .. i + 15 of n; zeros past the end. */
static inline __m512 load16(const float *x, int64_t i, int64_t n) {
    int64_t left = n - i;
    __mmask16 mask = left >= 16 ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
    return _mm512_maskz_loadu_ps(mask, x + i);
}

static inline block block_scale(const float *x, int64_t n) {
    __m512 max = _mm512_setzero_ps(), probe = _mm512_setzero_ps();
    for (int64_t i = 0; i < n; i += 16) {
        __m512 v = load16(x, i, n);
        max = _mm512_max_ps(max, _mm512_abs_ps(v));
        /* Infinities and NaN give NaN, which the scale hands on to every result. */
        probe = _mm512_add_ps(probe, _mm512_mul_ps(v, _mm512_setzero_ps()));
    }
    float largest = _mm512_reduce_max_ps(max), bad = _mm512_reduce_add_ps(probe);
    if (largest < SMALLEST) return (block){bad, 0};
    return (block){largest / ANM_GEMV_Q + bad, ANM_GEMV_Q / largest};
}

typedef struct totals {
    __m512i q, low;
} totals;

static inline void store_natural(int8_t *to, int64_t i, __m128i digits) {
    _mm_storeu_si128((__m128i *)(to + i), digits);
}

/* `digits`: those of 8 even columns, then of 8 odd ones. */
static inline void store_nibbles(int8_t *to, int64_t i, __m128i digits) {
    int8_t *at = to + i / 128 * 128 + i % 128 / 2;
    _mm_storel_epi64((__m128i *)at, digits);
    _mm_storel_epi64((__m128i *)(at + 64), _mm_unpackhi_epi64(digits, digits));
}

static inline void quantise16(__m512 v, float inverse, bool nibbles, int8_t *to, int64_t i,
                              totals *t) {
    const __m512i even_odd =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v, _mm512_set1_ps(inverse)));
    __m512i low = _mm512_srai_epi32(_mm512_slli_epi32(q, 24), 24);
    t->q = _mm512_add_epi32(t->q, q);
    t->low = _mm512_add_epi32(t->low, low);
    __m512i high = _mm512_srai_epi32(_mm512_sub_epi32(q, low), 8);
    if (nibbles) {
        store_nibbles(to, i, _mm512_cvtepi32_epi8(_mm512_permutexvar_epi32(even_odd, high)));
        store_nibbles(to + ANM_GEMV_BLOCK, i,
                      _mm512_cvtepi32_epi8(_mm512_permutexvar_epi32(even_odd, low)));
    } else {
        store_natural(to, i, _mm512_cvtepi32_epi8(high));
        store_natural(to + ANM_GEMV_BLOCK, i, _mm512_cvtepi32_epi8(low));
    }
}

static inline void prepare(const float *x, int64_t columns, bool nibbles, void *input) {
    anm_gemv_input in = anm_gemv_input_at(input, columns);
    float *scale = input, *shift = scale + (in.shift - in.scale);
    float *sum = scale + (in.sum - in.scale);
    int8_t *digits = (int8_t *)input + (in.digits - (const int8_t *)input);
    for (int64_t b = 0; b < in.blocks; b++) {
        int64_t from = b * ANM_GEMV_BLOCK, left = columns - from;
        int64_t n = left < ANM_GEMV_BLOCK ? left : ANM_GEMV_BLOCK;
        block s = block_scale(x + from, n);
        totals t = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        for (int64_t i = 0; i < ANM_GEMV_BLOCK; i += 16)
            quantise16(load16(x + from, i, n), s.inverse, nibbles,
                       digits + b * ANM_GEMV_BLOCK_BYTES, i, &t);
        float q = (float)_mm512_reduce_add_epi32(t.q);
        scale[b] = s.scale;
        sum[b] = s.scale * q;
        shift[b] = s.scale * (128 * (float)_mm512_reduce_add_epi32(t.low) - 32768 * q);
    }
}

void anm_gemv_prepare_avx512vnni(const float *x, int64_t columns, void *input) {
    prepare(x, columns, false, input);
}

void anm_gemv_prepare_nibbles_avx512vnni(const float *x, int64_t columns, void *input) {
    prepare(x, columns, true, input);
}

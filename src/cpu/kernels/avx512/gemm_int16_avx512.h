/* SPDX-License-Identifier: MIT */
/*
 * What the 16-bit integer GEMMs of AVX-512 share, with and without VNNI. Weights and inputs lie in
 * the order of order_avx512.h.
 */
#ifndef ANM_CPU_GEMM_INT16_AVX512_H
#define ANM_CPU_GEMM_INT16_AVX512_H

#include "src/cpu/kernels/avx512/order_avx512.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"
#include "src/cpu/kernels/gemm_levels.h"
#include "src/cpu/kernels/gemm_int16.h"

#include "src/cpu/kernels/gemm_decoder.h"

typedef __m512i va;

static inline vf sum_float(va sum) { return _mm512_cvtepi32_ps(sum); }

static inline __m512i round_pair(vf low, vf high) {
    __m256i a = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(low));
    __m256i b = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(high));
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

static inline vf pack(const float *x, int64_t n, vf factor) {
    vf low = v_mul(v_load_part(x, n), factor);
    vf high = n > VN ? v_mul(v_load_part(x + VN, n - VN), factor) : v_zero();
    return _mm512_castsi512_ps(place(round_pair(low, high)));
}

/* Entries in units, those of short tables repeated to 32. */
static inline float convert_table_words(const uint16_t *halves, int bits, weight *table) {
    int64_t n = 1 << bits;
    vf largest = v_zero();
    for (int64_t i = 0; i < n; i += VN)
        largest = v_max(largest, v_abs(v_load_half_part(halves + i, n - i)));
    float units = weight_units(v_largest(largest));
    for (int64_t i = 0; i < n; i += VN) {
        vf x = v_mul(v_load_half_part(halves + i, n - i), v_set(units));
        _mm256_storeu_si256((__m256i *)(table + i),
                            _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x)));
    }
    for (int64_t i = n; i < 32; i++) table[i] = table[i - n];
    return inverse(units);
}

static inline float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    vf largest = v_zero();
    for (int64_t i = 0; i < n; i += VN) largest = v_max(largest, v_abs(v_load(row + i)));
    float units = weight_units(v_largest(largest));
    for (int64_t i = 0; i < n; i += 2 * VN, out += step) {
        vf low = v_mul(v_load(row + i), v_set(units));
        vf high = v_mul(v_load(row + i + VN), v_set(units));
        _mm512_storeu_si512(out, place(round_pair(low, high)));
    }
    return inverse(units);
}

/* The largest magnitude is that of the largest bits. */
static float convert_halves(const uint16_t *halves, int64_t n, weight *out, ptrdiff_t step) {
    __m512i largest = _mm512_setzero_si512(), magnitude = _mm512_set1_epi16(0x7fff);
    for (int64_t i = 0; i < n; i += 2 * VN)
        largest = _mm512_max_epu16(
            largest, _mm512_and_si512(_mm512_loadu_si512(halves + i), magnitude));
    __m256i half = _mm256_max_epu16(_mm512_castsi512_si256(largest),
                                    _mm512_extracti64x4_epi64(largest, 1));
    float units = weight_units(v_largest(_mm512_cvtph_ps(half)));
    for (int64_t i = 0; i < n; i += 2 * VN, out += step) {
        vf low = v_mul(v_load_half(halves + i), v_set(units));
        vf high = v_mul(v_load_half(halves + i + VN), v_set(units));
        _mm512_storeu_si512(out, place(round_pair(low, high)));
    }
    return inverse(units);
}

static anm_halves_converter halves_converter(void) { return convert_halves; }

#endif

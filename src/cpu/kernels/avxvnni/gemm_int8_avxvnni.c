/* SPDX-License-Identifier: MIT */
/* Weights and inputs lie in the order of their columns; weights are multiplied without a sign. */
#include "src/cpu/kernels/avx2/vector_avx2.h"
#include "src/cpu/kernels/gemm_int8_template.h"

typedef uint8_t weight;

#include "src/cpu/kernels/avxvnni/bytes_avxvnni.h"

typedef __m256i va;

static inline vf sum_float(va sum) { return _mm256_cvtepi32_ps(sum); }

/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t four;
    __builtin_memcpy(&four, w, 4);
    __asm__("%{vex%} vpdpbusd %2, %1, %0"
            : "+x"(sum)
            : "x"(_mm256_set1_epi32(four)), "x"(_mm256_loadu_si256(tokens)));
    return sum;
}

#include "src/cpu/kernels/gemm_start_template.h"

/* 32 floats, of which the first n are there, as signed bytes. */
static inline __m256i bytes_of(const float *x, int64_t n, vf units) {
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i part[4];
    for (int i = 0; i < 4; i++)
        part[i] = _mm256_cvtps_epi32(v_mul(v_load_part(x + i * VN, n - i * VN), units));
    __m256i low = _mm256_packs_epi32(part[0], part[1]);
    __m256i high = _mm256_packs_epi32(part[2], part[3]);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), in_order);
}

static inline vf pack(const float *x, int64_t n, vf factor) {
    return _mm256_castsi256_ps(bytes_of(x, n, factor));
}

/* Flipping the sign bit makes signed bytes those that lie WEIGHT_ZERO higher. */
static inline void store_weights(const float *x, float units, weight *out) {
    __m256i bytes = bytes_of(x, 32, v_set(units));
    _mm256_storeu_si256((__m256i *)out,
                        _mm256_xor_si256(bytes, _mm256_set1_epi8((char)WEIGHT_ZERO)));
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    float units = row_units(row, n);
    for (int64_t i = 0; i < n; i += 32, out += step) store_weights(row + i, units, out);
    return inverse(units);
}

/* 16 entries at least. */
static float convert_table(const uint16_t *halves, int bits, weight *table) {
    float values[256] = {0};
    int n = 1 << bits;
    for (int i = 0; i < n; i += VN) v_store(values + i, v_load_half_part(halves + i, n - i));
    float units = table_units(values, n);
    for (int i = 0; i < n; i += 32) store_weights(values + i, units, table + i);
    return inverse(units);
}

static anm_halves_converter halves_converter(void) { return NULL; }

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_int8_kernels_avxvnni[] = {
    {"gemm_int8_avxvnni", ANM_ISA_AVXVNNI, accepts, PANEL, input_bytes, prepare, scratch_bytes,
     run},
    {0},
};

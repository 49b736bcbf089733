/* SPDX-License-Identifier: MIT */
/*
 * What the 16-bit integer GEMMs on 256 bits share, with and without VNNI. Weights and inputs lie in
 * the order of their columns. add_pairs() is the level's (products_avx2.h).
 */
#ifndef ANM_CPU_GEMM_INT16_AVX2_H
#define ANM_CPU_GEMM_INT16_AVX2_H

#include "src/cpu/kernels/avx2/pairs_avx2.h"
#include "src/cpu/kernels/gemm_int16.h"

#include "src/cpu/kernels/avx2/table_avx2.h"

typedef pairs va;

static inline vf sum_float(va sum) { return pairs_float(sum); }

static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t pair;
    __builtin_memcpy(&pair, w, 4);
    return add_pairs(sum, pairs_load(tokens), pairs_set(pair));
}

static inline vf pack(const float *x, int64_t n, vf factor) {
    vf low = v_mul(v_load_part(x, n), factor);
    vf high = n > VN ? v_mul(v_load_part(x + VN, n - VN), factor) : v_zero();
    return _mm256_castsi256_ps(round_pair(low, high));
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    vf largest = v_zero();
    for (int64_t i = 0; i < n; i += VN) largest = v_max(largest, v_abs(v_load(row + i)));
    float units = weight_units(v_largest(largest));
    for (int64_t i = 0; i < n; i += 32, out += step)
        for (int64_t j = 0; j < 32; j += 2 * VN) {
            vf low = v_mul(v_load(row + i + j), v_set(units));
            vf high = v_mul(v_load(row + i + j + VN), v_set(units));
            _mm256_storeu_si256((__m256i *)(out + j), round_pair(low, high));
        }
    return inverse(units);
}

/* Up to 64 entries are kept as low bytes and high bytes, 16 at least. */
static float convert_table(const uint16_t *halves, int bits, weight *table) {
    float values[256];
    int64_t n = 1 << bits;
    for (int64_t i = 0; i < n; i += VN)
        v_store(values + i, v_load_half_part(halves + i, n - i));
    for (int64_t i = n; i < 32; i++) values[i] = 0;
    float factor = convert_row(values, n < 32 ? 32 : n, table, 32);
    if (bits < 8) split_table(table, bits <= 4 ? 16 : 64);
    return factor;
}

static anm_halves_converter halves_converter(void) { return NULL; }

#endif

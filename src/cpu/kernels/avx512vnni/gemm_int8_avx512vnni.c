/* SPDX-License-Identifier: MIT */
/* Weights and inputs lie in the order of their columns; weights are multiplied without a sign. */
#include "src/cpu/kernels/avx512/vector_avx512.h"
#include "src/cpu/kernels/gemm_int8_template.h"

typedef uint8_t weight;

#include "src/cpu/kernels/avx512vnni/bytes_avx512vnni.h"

typedef __m512i va;

static inline vf sum_float(va sum) { return _mm512_cvtepi32_ps(sum); }

/* In assembly, as compilers copy the sums of the intrinsic from register to register. */
static inline va dot(va sum, const void *tokens, const weight *w) {
    int32_t four;
    __builtin_memcpy(&four, w, 4);
    __asm__("vpdpbusd %2, %1, %0"
            : "+v"(sum)
            : "v"(_mm512_set1_epi32(four)), "v"(_mm512_loadu_si512(tokens)));
    return sum;
}

#include "src/cpu/kernels/gemm_start_template.h"

/* 4 * VN floats as signed bytes. */
static inline __m512i round_bytes(const vf x[4]) {
    const __m512i in_order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
    __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
    return _mm512_permutexvar_epi32(in_order, _mm512_packs_epi16(low, high));
}

/* Of which the first n are there. */
static inline __m512i bytes_of(const float *x, int64_t n, vf units) {
    vf part[4];
    for (int i = 0; i < 4; i++) part[i] = v_mul(v_load_part(x + i * VN, n - i * VN), units);
    return round_bytes(part);
}

static inline vf pack(const float *x, int64_t n, vf factor) {
    return _mm512_castsi512_ps(bytes_of(x, n, factor));
}

/* Flipping the sign bit makes signed bytes those that lie WEIGHT_ZERO higher. */
static inline __m512i without_sign(__m512i bytes) {
    return _mm512_xor_si512(bytes, _mm512_set1_epi8((char)WEIGHT_ZERO));
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    float units = row_units(row, n);
    for (int64_t i = 0; i < n; i += 64, out += 2 * step)
        store_halves(out, step, i + 32 < n,
                     without_sign(bytes_of(row + i, n - i, v_set(units))));
    return inverse(units);
}

/* Tables of less than 64 entries are repeated. */
static float convert_table(const uint16_t *halves, int bits, weight *table) {
    float values[256];
    int n = 1 << bits;
    for (int i = 0; i < n; i += VN) v_store(values + i, v_load_half_part(halves + i, n - i));
    for (int i = n; i < 64; i++) values[i] = values[i - n];
    float units = table_units(values, n);
    for (int i = 0; i < n; i += 64)
        _mm512_storeu_si512(table + i, without_sign(bytes_of(values + i, 64, v_set(units))));
    return inverse(units);
}

static anm_halves_converter halves_converter(void) { return NULL; }

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_int8_kernels_avx512vnni[] = {
    {"gemm_int8_avx512vnni", ANM_ISA_AVX512VNNI, accepts, PANEL, input_bytes, prepare,
     scratch_bytes, run},
    {0},
};

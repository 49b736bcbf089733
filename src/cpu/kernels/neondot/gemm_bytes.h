/* SPDX-License-Identifier: MIT */
/* GEMM in 8-bit integers (gemm_int8.h), both sides with a sign. */
#ifndef ANM_CPU_GEMM_BYTES_H
#define ANM_CPU_GEMM_BYTES_H

#include "src/cpu/kernels/neondot/digits_neondot.h"

#include "src/cpu/kernels/gemm_int8_template.h"

typedef int8_t weight;

enum { DIGITS = 1, DIGIT = 256 };

/* n values, at most DIGIT, and zeros to `end`, a multiple of 8. */
static void round_bytes(const float *x, int64_t n, int64_t end, float units, uint8_t *bytes) {
    vf factor = v_set(units);
    for (int64_t i = 0; i < end; i += 8) {
        float part[8] = {0};
        if (i < n) memcpy(part, x + i, (size_t)(n - i < 8 ? n - i : 8) * 4);
        int16x8_t words = round_to_words(v_load(part), v_load(part + VN), factor);
        vst1_u8(bytes + i, vreinterpret_u8_s8(vmovn_s16(words)));
    }
}

static float table_bytes(const uint16_t *halves, int bits, uint8_t *bytes) {
    float values[DIGIT];
    int n = 1 << bits;
    for (int i = 0; i < n; i += VN) v_store(values + i, load_halves_at(halves, i, n));
    float units = table_units(values, n);
    round_bytes(values, n, n < 8 ? 8 : n, units, bytes);
    return inverse(units);
}

static float row_bytes(const float *x, int64_t n, int64_t end, uint8_t *bytes) {
    float largest = largest_of(x, n), units = int8_units(largest, largest);
    round_bytes(x, n, end, units, bytes);
    return inverse(units);
}

#endif

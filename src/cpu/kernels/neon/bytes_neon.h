/* SPDX-License-Identifier: MIT */
/* Tables as bytes for tbl: the low and the high digits of 16-bit units, and looking them up. */
#ifndef ANM_CPU_BYTES_NEON_H
#define ANM_CPU_BYTES_NEON_H

#include <arm_neon.h>
#include <stdbool.h>

#include "src/cpu/kernels/gemv_spans.h"
#include "src/cpu/kernels/neon/vector_neon.h"

/* 8 floats in units, rounded; they fit. */
GEMV_INLINE int16x8_t round_to_words(vf low, vf high, vf units) {
    int32x4_t a = vcvtnq_s32_f32(v_mul(low, units)), b = vcvtnq_s32_f32(v_mul(high, units));
    return vcombine_s16(vmovn_s32(a), vmovn_s32(b));
}

/*
 * 256 * high + low. Low digits are 0 .. 255; if `is_signed` -128 .. 127, which rounds the high ones
 * to the nearest.
 */
GEMV_INLINE void store_digits(int16x8_t words, bool is_signed, uint8_t *high, uint8_t *low) {
    int8x8_t top = is_signed ? vrshrn_n_s16(words, 8) : vshrn_n_s16(words, 8);
    vst1_u8(high, vreinterpret_u8_s8(top));
    vst1_u8(low, vreinterpret_u8_s8(vmovn_s16(words)));
}

GEMV_INLINE vf load_halves_at(const uint16_t *halves, int i, int n) {
    return i < n ? v_load_half_part(halves + i, n - i) : v_zero();
}

/*
 * A table in digits, its largest magnitude being `units`; 0 past its end up to 8 entries. Gives the
 * unit.
 */
GEMV_INLINE float table_digits(int bits, const uint16_t *lut, float units, bool is_signed,
                               uint8_t *high, uint8_t *low) {
    int n = 1 << bits;
    vf max = v_zero();
    for (int i = 0; i < n; i += VN) max = v_max(max, v_abs(load_halves_at(lut, i, n)));
    float largest = v_largest(max);
    vf factor = v_set(largest > 0 ? units / largest : 0);
    for (int i = 0; i < n; i += 8) {
        vf a = load_halves_at(lut, i, n), b = load_halves_at(lut, i + VN, n);
        store_digits(round_to_words(a, b, factor), is_signed, high + i, low + i);
    }
    return largest / units;
}

GEMV_INLINE uint8x16x4_t load64(const uint8_t *bytes) {
    return (uint8x16x4_t){
        {vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)}};
}

/* Of 16, of 64 or of four times 64 entries; the index has no bits beyond. */
GEMV_INLINE uint8x16_t look_up(int bits, const uint8x16x4_t *table, uint8x16_t index) {
    if (bits <= 4) return vqtbl1q_u8(table->val[0], index);
    uint8x16_t bytes = vqtbl4q_u8(table[0], index);
    if (bits == 8)
        for (int i = 1; i < 4; i++)
            bytes = vqtbx4q_u8(bytes, table[i], vsubq_u8(index, vdupq_n_u8((uint8_t)(64 * i))));
    return bytes;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Products of 2 x 8 by 8 x 2 bytes. Of 8 columns, two rows' high digits lie side by side, then
 * their low ones, then those of the other two rows.
 */
#include "src/cpu/kernels/neondot/gemm_digits_template.h"

static inline int four_offset(int64_t i) { return (int)(i / 2 * 32 + i % 2 * 8); }

static inline void four_store(uint8x16_t high, uint8x16_t low, uint8_t *to) {
    vst1_u8(to, vget_low_u8(high));
    vst1_u8(to + 16, vget_low_u8(low));
    vst1_u8(to + STEP8, vget_high_u8(high));
    vst1_u8(to + STEP8 + 16, vget_high_u8(low));
}

GEMV_INLINE int8x16_t digits_at(const uint8_t *from) {
    return vreinterpretq_s8_u8(vld1q_u8(from));
}

/* In assembly, as gcc copies a sum of the intrinsic, and a step then waits for the copies. */
GEMV_INLINE int32x4_t add_products(int32x4_t sum, int8x16_t x, int8x16_t w) {
    __asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
    return sum;
}

/* Sums of two tokens by two rows. */
typedef struct pair_sums {
    int32x4_t high, mixed;
} pair_sums;

GEMV_INLINE void four_products(const uint8_t *w, const uint8_t *x, int64_t steps, int groups,
                               int32x4_t sum[4 * GROUPS]) {
    pair_sums s[2 * GROUPS][2] = {0};
    for (; steps > 0; steps--, w += STEP8, x += STEP8)
        for (int r = 0; r < 2; r++) {
            int8x16_t wh = digits_at(w + 32 * r), wl = digits_at(w + 32 * r + 16);
            for (int t = 0; t < 2 * groups; t++) {
                const uint8_t *at = x + t / 2 * FOUR_BYTES + t % 2 * 32;
                int8x16_t xh = digits_at(at), xl = digits_at(at + 16);
                s[t][r].high = add_products(s[t][r].high, xh, wh);
                s[t][r].mixed = add_products(s[t][r].mixed, xh, wl);
                s[t][r].mixed = add_products(s[t][r].mixed, xl, wh);
            }
        }
    for (int t = 0; t < 2 * groups; t++) {
        int32x4_t a = vaddq_s32(vshlq_n_s32(s[t][0].high, 8), s[t][0].mixed);
        int32x4_t b = vaddq_s32(vshlq_n_s32(s[t][1].high, 8), s[t][1].mixed);
        sum[2 * t] = vcombine_s32(vget_low_s32(a), vget_low_s32(b));
        sum[2 * t + 1] = vcombine_s32(vget_high_s32(a), vget_high_s32(b));
    }
}

const anm_gemm_kernel anm_gemm_kernels_neoni8mm[] = {
    {"gemm_digits_neoni8mm", ANM_ISA_NEONI8MM, accepts, PANEL, input_bytes, prepare, scratch_bytes,
     run},
    {0},
};

/* SPDX-License-Identifier: MIT */
/*
 * Products of 2 x 8 by 8 x 2 bytes for gemm_fours_template.h. Of 8 columns, two rows' high digits
 * lie side by side, then their low ones, then those of the other two rows.
 */
#ifndef ANM_CPU_FOUR_NEONI8MM_H
#define ANM_CPU_FOUR_NEONI8MM_H

enum {
    PAIR = 16 * DIGITS, /* bytes of two rows or tokens */
    STEP8 = 2 * PAIR,
    FOUR_BYTES = ANM_GEMV_BLOCK / 8 * STEP8,
    GROUPS = 2
};

static inline int four_offset(int64_t i) { return (int)(i / 2 * PAIR + i % 2 * 8); }

static inline void four_store(const uint8x16_t digits[DIGITS], uint8_t *to) {
    for (int d = 0; d < DIGITS; d++) {
        vst1_u8(to + 16 * d, vget_low_u8(digits[d]));
        vst1_u8(to + 16 * d + STEP8, vget_high_u8(digits[d]));
    }
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

/* The sum of both digits' products, or of the only one's. */
GEMV_INLINE int32x4_t whole_sum(const pair_sums *s) {
    return DIGITS == 2 ? vaddq_s32(vshlq_n_s32(s->high, 8), s->mixed) : s->high;
}

GEMV_INLINE void add_pair(pair_sums *s, const uint8_t *x, const uint8_t *w) {
    int8x16_t xh = digits_at(x), wh = digits_at(w);
    s->high = add_products(s->high, xh, wh);
    if (DIGITS == 1) return;
    s->mixed = add_products(s->mixed, xh, digits_at(w + 16));
    s->mixed = add_products(s->mixed, digits_at(x + 16), wh);
}

GEMV_INLINE void four_products(const uint8_t *w, const uint8_t *x, int64_t steps, int groups,
                               int32x4_t sum[4 * GROUPS]) {
    pair_sums s[2 * GROUPS][2] = {0};
    for (; steps > 0; steps--, w += STEP8, x += STEP8)
        for (int r = 0; r < 2; r++)
            for (int t = 0; t < 2 * groups; t++)
                add_pair(&s[t][r], x + t / 2 * FOUR_BYTES + t % 2 * PAIR, w + r * PAIR);
    for (int t = 0; t < 2 * groups; t++) {
        int32x4_t a = whole_sum(&s[t][0]), b = whole_sum(&s[t][1]);
        sum[2 * t] = vcombine_s32(vget_low_s32(a), vget_low_s32(b));
        sum[2 * t + 1] = vcombine_s32(vget_high_s32(a), vget_high_s32(b));
    }
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Dot products of 4 bytes for gemm_fours_template.h. Of 4 columns, four rows' high digits lie side
 * by side, then the low ones.
 */
#ifndef ANM_CPU_FOUR_NEONDOT_H
#define ANM_CPU_FOUR_NEONDOT_H

enum { STEP8 = 32 * DIGITS, FOUR_BYTES = ANM_GEMV_BLOCK / 8 * STEP8, GROUPS = 2 };

static inline int four_offset(int64_t i) { return (int)(4 * i); }

static inline void four_store(const uint8x16_t digits[DIGITS], uint8_t *to) {
    for (int d = 0; d < DIGITS; d++) {
        uint8_t bytes[16];
        vst1q_u8(bytes, digits[d]);
        for (int i = 0; i < 4; i++) memcpy(to + STEP8 / 2 * i + 16 * d, bytes + 4 * i, 4);
    }
}

GEMV_INLINE int8x16_t digits_at(const uint8_t *from) {
    return vreinterpretq_s8_u8(vld1q_u8(from));
}

#define ADD_TOKEN(t)                                                                               \
    do {                                                                                           \
        high[t] = vdotq_laneq_s32(high[t], wh, xh, t);                                             \
        if (DIGITS == 1) break;                                                                    \
        mixed[t] = vdotq_laneq_s32(mixed[t], wh, xl, t);                                           \
        mixed[t] = vdotq_laneq_s32(mixed[t], wl, xh, t);                                           \
    } while (0)

/* Four tokens' sums of four rows over 4 columns. */
GEMV_INLINE void add_four(int8x16_t wh, int8x16_t wl, const uint8_t *x, int32x4_t *high,
                          int32x4_t *mixed) {
    int8x16_t xh = digits_at(x), xl = DIGITS == 2 ? digits_at(x + 16) : xh;
    ADD_TOKEN(0);
    ADD_TOKEN(1);
    ADD_TOKEN(2);
    ADD_TOKEN(3);
}

GEMV_INLINE void four_products(const uint8_t *w, const uint8_t *x, int64_t steps, int groups,
                               int32x4_t sum[4 * GROUPS]) {
    int32x4_t high[4 * GROUPS] = {0}, mixed[4 * GROUPS] = {0};
    for (int64_t i = 0; i < 2 * steps; i++, w += STEP8 / 2, x += STEP8 / 2) {
        int8x16_t wh = digits_at(w), wl = DIGITS == 2 ? digits_at(w + 16) : wh;
        for (int g = 0; g < groups; g++)
            add_four(wh, wl, x + g * FOUR_BYTES, high + 4 * g, mixed + 4 * g);
    }
    for (int t = 0; t < 4 * groups; t++)
        sum[t] = DIGITS == 2 ? vaddq_s32(vshlq_n_s32(high[t], 8), mixed[t]) : high[t];
}

#endif

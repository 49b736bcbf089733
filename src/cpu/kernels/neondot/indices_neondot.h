/* SPDX-License-Identifier: MIT */
/* Packed indices as bytes in the order of the columns. */
#ifndef ANM_CPU_INDICES_NEONDOT_H
#define ANM_CPU_INDICES_NEONDOT_H

#include "src/cpu/kernels/neon/bytes_neon.h"
#include "src/cpu/kernels/table_plain.h"

/* The indices of 32 columns as bytes. */
GEMV_INLINE void indices_32(int bits, const uint8_t *packed, uint8_t *index) {
    const uint8x16_t nibble = vdupq_n_u8(15);
    const uint8x8_t six = vdup_n_u8(63);
    if (bits == 8) memcpy(index, packed, 32);
    else if (bits == 6) {
        uint8x8x3_t w = vld3_u8(packed);
        uint8x8_t second = vsli_n_u8(vshr_n_u8(w.val[0], 6), w.val[1], 2);
        uint8x8_t third = vsli_n_u8(vshr_n_u8(w.val[1], 4), w.val[2], 4);
        vst4_u8(index, ((uint8x8x4_t){{vand_u8(w.val[0], six), vand_u8(second, six),
                                       vand_u8(third, six), vshr_n_u8(w.val[2], 2)}}));
    } else if (bits == 4) {
        uint8x16_t w = vld1q_u8(packed);
        vst2q_u8(index, ((uint8x16x2_t){{vandq_u8(w, nibble), vshrq_n_u8(w, 4)}}));
    } else {
        for (int i = 0; i < 4; i++) index_bytes_8(packed + i * bits, bits, index + 8 * i);
    }
}

#endif

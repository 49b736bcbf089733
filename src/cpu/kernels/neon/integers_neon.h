/* SPDX-License-Identifier: MIT */
/* Packed integers as fp32, for gemv_affine.h. */
#ifndef ANM_CPU_INTEGERS_NEON_H
#define ANM_CPU_INTEGERS_NEON_H

#include <string.h>

#include "src/cpu/kernels/gemv_spans.h"
#include "src/cpu/kernels/neon/vector_neon.h"

GEMV_INLINE vf integers(int bits, bool is_signed, const uint8_t *w) {
    uint32_t raw = 0;
    memcpy(&raw, w, (size_t)bits / 2);
    /* Each element to the top of a lane, then down with or without its sign. */
    const int32x4_t up8 = {24, 16, 8, 0}, up4 = {28, 24, 20, 16};
    uint32x4_t top = vshlq_u32(vdupq_n_u32(raw), bits == 8 ? up8 : up4);
    int32x4_t down = vdupq_n_s32(bits - 32);
    return is_signed ? vcvtq_f32_s32(vshlq_s32(vreinterpretq_s32_u32(top), down))
                     : vcvtq_f32_u32(vshlq_u32(top, down));
}

#endif

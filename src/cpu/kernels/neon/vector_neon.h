/* SPDX-License-Identifier: MIT */
/* The vector of templates: 4 floats. See vector_avx512.h for the names. */
#ifndef ANM_CPU_VECTOR_NEON_H
#define ANM_CPU_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t vf;
enum { VN = 4, VECTOR_REGISTERS = 32 };

static inline vf v_zero(void) { return vdupq_n_f32(0); }
static inline vf v_set(float x) { return vdupq_n_f32(x); }
static inline vf v_load(const float *p) { return vld1q_f32(p); }
static inline vf v_load_part(const float *p, int64_t n) {
    float part[4] = {0};
    memcpy(part, p, (size_t)(n < 4 ? n : 4) * 4);
    return vld1q_f32(part);
}
static inline vf v_load_half(const uint16_t *p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline vf v_load_half_part(const uint16_t *p, int64_t n) {
    uint16_t part[4] = {0};
    memcpy(part, p, (size_t)(n < 4 ? n : 4) * 2);
    return v_load_half(part);
}
static inline vf v_load_bytes(const uint8_t *p) {
    uint32_t bytes;
    memcpy(&bytes, p, 4);
    uint16x8_t words = vmovl_u8(vcreate_u8(bytes));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
}
static inline void v_store(float *p, vf x) { vst1q_f32(p, x); }
static inline void v_store_part(float *p, vf x, int64_t n) {
    float part[4];
    vst1q_f32(part, x);
    memcpy(p, part, (size_t)(n < 4 ? n : 4) * 4);
}
static inline vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf v_max(vf a, vf b) { return vmaxq_f32(a, b); }
static inline vf v_min(vf a, vf b) { return vminq_f32(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf v_abs(vf a) { return vabsq_f32(a); }
static inline vf v_where_less(vf a, vf b, vf x, vf y) { return vbslq_f32(vcltq_f32(a, b), x, y); }
static inline vf v_round(vf a) { return vrndnq_f32(a); }
static inline vf v_scale(vf a, vf n) {
    int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
}
static inline float v_sum(vf a) { return vaddvq_f32(a); }
static inline void v_sum4(const vf s[4], float *out) {
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(s[0], s[1]), vpaddq_f32(s[2], s[3])));
}
static inline float v_largest(vf a) { return vmaxvq_f32(a); }
static inline float v_least(vf a) { return vminvq_f32(a); }

static inline void v_transpose(vf r[4]) {
    float32x4x2_t low = vtrnq_f32(r[0], r[1]), high = vtrnq_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    r[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    r[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    r[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

#endif

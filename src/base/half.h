/* SPDX-License-Identifier: MIT */
/*
 * IEEE 754 binary16 and bfloat16, round to nearest even. Plain integer code: the same result on
 * every machine. The bulk forms are what hot loops should call.
 */
#ifndef ANM_BASE_HALF_H
#define ANM_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t anm_float_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static inline float anm_float_from_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static inline float anm_half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
    if (rest >= 0x7c00) return anm_float_from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest >= 0x0400) return anm_float_from_bits(sign | ((rest << 13) + (112u << 23)));
    /* Subnormal: rest * 2^-24, exact in fp32. */
    float magnitude = (float)rest * 0x1p-24f;
    return anm_float_from_bits(sign | anm_float_bits(magnitude));
}

/* Overflow gives infinity, NaN stays NaN. */
static inline uint16_t anm_half_from_float(float f) {
    uint32_t u = anm_float_bits(f), sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (u >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above */
    if (u >= 0x38800000) {                                 /* normal: 2^-14 and above */
        uint32_t rounded = u + 0xfff + (u >> 13 & 1);
        return (uint16_t)(sign | ((rounded - (112u << 23)) >> 13));
    }
    /* Adding 0.5 makes the FPU round at 2^-24, the weight of the last subnormal bit. */
    float shifted = anm_float_from_bits(u) + 0.5f;
    return (uint16_t)(sign | (anm_float_bits(shifted) - 0x3f000000));
}

/* Rounds straight from double: going through float first could round twice. */
uint16_t anm_half_from_double(double d);

static inline float anm_bf16_to_float(uint16_t b) {
    return anm_float_from_bits((uint32_t)b << 16);
}
static inline uint16_t anm_bf16_from_float(float f) {
    uint32_t u = anm_float_bits(f);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

void anm_half_to_float_n(float *out, const uint16_t *in, size_t n);
void anm_half_from_float_n(uint16_t *out, const float *in, size_t n);
/* Returns how many finite inputs became infinite. */
size_t anm_half_from_bf16_n(uint16_t *out, const uint16_t *in, size_t n);
size_t anm_half_from_float_checked_n(uint16_t *out, const float *in, size_t n);

#endif

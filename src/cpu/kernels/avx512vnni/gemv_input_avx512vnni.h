/* SPDX-License-Identifier: MIT */
/*
 * The form in which 16-bit kernels read x: blocks of ANM_GEMV_BLOCK columns, each quantised with a
 * scale of its own, so that an outlier costs its neighbours precision only in its block. A value
 * q is split into digits: q = 256 * high + low, low in -128 .. 127, all high digits of a block
 * before all low ones.
 */
#ifndef ANM_CPU_GEMV_INPUT_AVX512VNNI_H
#define ANM_CPU_GEMV_INPUT_AVX512VNNI_H

#include <stdint.h>

#include "src/cpu/kernels/gemv_spans.h"

enum { ANM_GEMV_BLOCK_BYTES = 2 * ANM_GEMV_BLOCK };

typedef struct anm_gemv_input {
    int64_t blocks;
    const float *scale;   /* of each block: x = scale * q */
    const float *shift;   /* of each block: scale * sum(128 * low - 32768 * q), see gemv_lut */
    const float *sum;     /* of each block: scale * sum(q) */
    const int8_t *digits; /* of block b from b * ANM_GEMV_BLOCK_BYTES on */
} anm_gemv_input;

/* Floats of one of the three arrays, padded so that all begin at 64 bytes. */
static inline int64_t anm_gemv_padded(int64_t blocks) { return (blocks + 15) / 16 * 16; }

static inline anm_gemv_input anm_gemv_input_at(const void *input, int64_t columns) {
    int64_t blocks = gemv_blocks(columns), padded = anm_gemv_padded(blocks);
    const float *floats = input;
    return (anm_gemv_input){.blocks = blocks,
                            .scale = floats,
                            .shift = floats + padded,
                            .sum = floats + 2 * padded,
                            .digits = (const int8_t *)(floats + 3 * padded)};
}

size_t anm_gemv_input_bytes_avx512vnni(int64_t columns);
/* Digits in the order of the columns. */
void anm_gemv_prepare_avx512vnni(const float *x, int64_t columns, void *input);
/* Of each 128 columns the even ones, then the odd ones: as nibbles come out of bytes. */
void anm_gemv_prepare_nibbles_avx512vnni(const float *x, int64_t columns, void *input);

#endif

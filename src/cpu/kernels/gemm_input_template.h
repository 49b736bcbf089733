/* SPDX-License-Identifier: MIT */
/*
 * The prepared input of a GEMM: blocks of columns, in them groups of VN tokens, in them PER columns
 * (one 32-bit element) of VN tokens at a time.
 *
 * The file of a level defines before, beside vector_LEVEL.h: PER, and
 *   float input_factor(float largest, float sum)   what multiplies an input whose magnitudes have
 *                                       that maximum and sum over a block; 1 for floats
 *   vf pack(const float *x, int64_t n, vf factor)  PER * VN columns, n of them there, as elements
 */
#ifndef ANM_CPU_GEMM_INPUT_TEMPLATE_H
#define ANM_CPU_GEMM_INPUT_TEMPLATE_H

#include "src/cpu/kernels/gemm_panel_template.h"

enum { GROUP_FLOATS = BLOCK / PER * VN }; /* 32-bit elements of a group of tokens in a block */

/* Prepared input: a factor per block and token, then the blocks. */
typedef struct gemm_input {
    int64_t tokens, groups, blocks;
    const float *factors, *packed;
} gemm_input;

static gemm_input input_layout(const void *input, int64_t columns, int64_t tokens) {
    gemm_input in = {.tokens = tokens, .groups = (tokens + VN - 1) / VN};
    in.blocks = (columns + BLOCK - 1) / BLOCK;
    in.factors = input;
    in.packed = in.factors + up(in.blocks * in.groups * VN, 16);
    return in;
}

static size_t input_bytes(int64_t columns, int64_t tokens) {
    gemm_input in = input_layout(NULL, columns, tokens);
    int64_t floats = up(in.blocks * in.groups * VN, 16) + in.blocks * in.groups * GROUP_FLOATS;
    return (size_t)floats * 4;
}

static float block_factor(const float *x, int64_t n) {
    vf largest = v_zero(), sum = v_zero();
    for (int64_t k = 0; k < n; k += VN) {
        vf a = v_abs(v_load_part(x + k, n - k));
        largest = v_max(largest, a);
        sum = v_add(sum, a);
    }
    return input_factor(v_largest(largest), v_sum(sum));
}

/* One block of a group of tokens, of which `count` are there. */
static void prepare_group(const float *x, int64_t ldx, int64_t n, int64_t count, float *factors,
                          float *packed) {
    vf factor[VN];
    for (int64_t t = 0; t < VN; t++) {
        float f = t < count ? block_factor(x + t * ldx, n) : 0;
        factor[t] = v_set(f);
        factors[t] = f == 0 ? 0 : 1 / f;
    }
    for (int64_t k = 0; k < up(n, STEP); k += PER * VN, packed += VN * VN) {
        vf element[VN];
        for (int64_t t = 0; t < VN; t++)
            element[t] = t < count && k < n ? pack(x + t * ldx + k, n - k, factor[t]) : v_zero();
        v_transpose(element);
        for (int64_t i = 0; i < VN; i++) v_store(packed + i * VN, element[i]);
    }
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    gemm_input in = input_layout(input, columns, tokens);
    int64_t pieces = in.blocks * in.groups;
    for (int64_t i = pieces * part / parts; i < pieces * (part + 1) / parts; i++) {
        int64_t k = i / in.groups * BLOCK, t = i % in.groups * VN;
        prepare_group(x + t * ldx + k, ldx, columns - k < BLOCK ? columns - k : BLOCK,
                      tokens - t < VN ? tokens - t : VN, (float *)in.factors + i * VN,
                      (float *)in.packed + i * GROUP_FLOATS);
    }
}

enum {
    NEAR = 1 << 20, /* bytes of input that are read again for every panel */
    SUMS = 1 << 17  /* floats of sums kept at a time, if the input is larger */
};

/* Rows whose sums are kept while the blocks of columns pass. */
static int64_t rows_at_a_time(int64_t columns, int64_t tokens) {
    if (up(columns, BLOCK) * tokens * 4 / PER <= NEAR) return PANEL;
    int64_t rows = SUMS / up(tokens, VN) / PANEL * PANEL;
    return rows < PANEL ? PANEL : rows;
}

#endif

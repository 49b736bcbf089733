/* SPDX-License-Identifier: MIT */
/*
 * The prepared input of a GEMM: blocks of columns, in them groups of VN tokens, in them PER columns
 * (one 32-bit element) of VN tokens at a time.
 *
 * The file of a level defines before, beside vector_LEVEL.h: PER, SHARE and STARTS (gemm_whole.h
 * has the usual ones), and
 *   float input_factor(float largest, float sum)   what multiplies an input whose magnitudes have
 *                                       that maximum and sum over a share; 1 for floats
 *   vf pack(const float *x, int64_t n, vf factor)  PER * VN columns, n of them there, as elements
 *   void prepare_start(const float *packed, int64_t elements, float *start)
 *
 * SHARE columns of a token, a multiple of PER * VN that divides BLOCK, have one factor. With STARTS
 * 1, not 0, a vector that prepare_start() writes stands before them: sums start from it.
 */
#ifndef ANM_CPU_GEMM_INPUT_TEMPLATE_H
#define ANM_CPU_GEMM_INPUT_TEMPLATE_H

#include "src/cpu/kernels/gemm_panel_template.h"

enum {
    SHARES = BLOCK / SHARE,
    SHARE_FLOATS = (STARTS + SHARE / PER) * VN, /* 32-bit elements of a group of tokens */
    GROUP_FLOATS = SHARES * SHARE_FLOATS,
    GROUP_FACTORS = SHARES * VN
};

/* Prepared input: a factor per share and token, then the blocks. */
typedef struct gemm_input {
    int64_t tokens, groups, blocks;
    const float *factors, *packed;
} gemm_input;

static gemm_input input_layout(const void *input, int64_t columns, int64_t tokens) {
    gemm_input in = {.tokens = tokens, .groups = (tokens + VN - 1) / VN};
    in.blocks = (columns + BLOCK - 1) / BLOCK;
    in.factors = input;
    in.packed = in.factors + up(in.blocks * in.groups * GROUP_FACTORS, 16);
    return in;
}

static size_t input_bytes(int64_t columns, int64_t tokens) {
    gemm_input in = input_layout(NULL, columns, tokens);
    int64_t pieces = in.blocks * in.groups;
    return (size_t)(up(pieces * GROUP_FACTORS, 16) + pieces * GROUP_FLOATS) * 4;
}

static float share_factor(const float *x, int64_t n) {
    vf largest = v_zero(), sum = v_zero();
    for (int64_t k = 0; k < n; k += VN) {
        vf a = v_abs(v_load_part(x + k, n - k));
        largest = v_max(largest, a);
        sum = v_add(sum, a);
    }
    return input_factor(v_largest(largest), v_sum(sum));
}

/* One share of a group of tokens, of which `count` are there; n columns, at most SHARE. */
static void prepare_share(const float *x, int64_t ldx, int64_t n, int64_t count, float *factors,
                          float *packed) {
    vf factor[VN];
    float *start = packed;
    packed += STARTS * VN;
    for (int64_t t = 0; t < VN; t++) {
        float f = t < count ? share_factor(x + t * ldx, n) : 0;
        factor[t] = v_set(f);
        factors[t] = f == 0 ? 0 : 1 / f;
    }
    for (int64_t k = 0; k < up(n, STEP); k += PER * VN) {
        vf element[VN];
        for (int64_t t = 0; t < VN; t++)
            element[t] = t < count && k < n ? pack(x + t * ldx + k, n - k, factor[t]) : v_zero();
        v_transpose(element);
        for (int64_t i = 0; i < VN; i++) v_store(packed + k / PER * VN + i * VN, element[i]);
    }
    prepare_start(packed, up(n, STEP) / PER, start);
}

/* One block of a group of tokens. */
static void prepare_group(const float *x, int64_t ldx, int64_t n, int64_t count, float *factors,
                          float *packed) {
    for (int64_t k = 0; k < n; k += SHARE, factors += VN, packed += SHARE_FLOATS)
        prepare_share(x + k, ldx, n - k < SHARE ? n - k : SHARE, count, factors, packed);
}

static void prepare(const float *x, int64_t ldx, int64_t columns, int64_t tokens, void *input,
                    int part, int parts) {
    gemm_input in = input_layout(input, columns, tokens);
    int64_t pieces = in.blocks * in.groups;
    for (int64_t i = pieces * part / parts; i < pieces * (part + 1) / parts; i++) {
        int64_t k = i / in.groups * BLOCK, t = i % in.groups * VN;
        prepare_group(x + t * ldx + k, ldx, columns - k < BLOCK ? columns - k : BLOCK,
                      tokens - t < VN ? tokens - t : VN, (float *)in.factors + i * GROUP_FACTORS,
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

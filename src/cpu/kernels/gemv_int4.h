/* SPDX-License-Identifier: MIT */
/*
 * Template: GEMV with integers of 4 bits whose scales hold for 32 columns or a multiple, in words
 * of 16 bits. x is rounded as in gemv_words.h. Elements are taken as u = 0 .. 15; what their sign
 * and offset take off is known from the sums of x, so that a group of columns gives
 *
 *   scale * (sum(u x) - c sum(x)), c = offset, and 8 more if elements have a sign.
 *
 * A level gives int4_step(): INT4_STEP columns, of which lanes 4 k .. 4 k + 3 of the result have
 * those from 32 k on; int4_spread(), which picks the scales of these lanes; int4_halves(), 8
 * halves as floats, and zeros in other lanes.
 */
#ifndef ANM_CPU_GEMV_INT4_H
#define ANM_CPU_GEMV_INT4_H

#include "src/cpu/kernels/gemv_affine.h"
#include "src/cpu/kernels/gemv_words.h"

enum {
    INT4_GROUP = 32,
    INT4_GROUPS = ANM_GEMV_BLOCK / INT4_GROUP,
    INT4_STEP = 8 * VN,
    INT4_ROWS = 4 /* at a time: they share x */
};

/* After the words of x: the sums of the words of 32 columns each. */
static inline const float *int4_sums(const void *input, int64_t columns) {
    return (const float *)(const void *)((const char *)input + words_input_bytes(columns));
}

static size_t int4_input_bytes(int64_t columns) {
    size_t sums = (size_t)(gemv_blocks(columns) * INT4_GROUPS) * sizeof(float);
    return words_input_bytes(columns) + (sums + 63) / 64 * 64;
}

/* The four nibbles of a word go to four vectors of a step. */
static void int4_prepare(const float *x, int64_t columns, void *input) {
    uint8_t order[ANM_GEMV_BLOCK];
    for (int i = 0; i < ANM_GEMV_BLOCK; i++) {
        int vector = i % INT4_STEP / (2 * VN), word = i % (2 * VN);
        order[i] = (uint8_t)(i / INT4_STEP * INT4_STEP + 4 * word + vector);
    }
    words_prepare_in(x, columns, order, input);
    float *sums = (float *)(void *)((char *)input + words_input_bytes(columns));
    const int16_t *words_in = words_input_at(input, columns).words;
    int64_t groups = gemv_blocks(columns) * INT4_GROUPS;
    for (int64_t g = 0; g < groups; g++) sums[g] = 0;
    for (int64_t i = 0; i < gemv_blocks(columns) * ANM_GEMV_BLOCK; i++) {
        int64_t column = i / ANM_GEMV_BLOCK * ANM_GEMV_BLOCK + order[i % ANM_GEMV_BLOCK];
        sums[column / INT4_GROUP] += words_in[i];
    }
}

/* The groups of a block: of its first column, and columns left in that. */
typedef struct int4_place {
    int64_t group, left, count; /* count: of INT4_GROUP columns in the block */
} int4_place;

static inline int4_place int4_place_of(const anm_matrix *w, int64_t column) {
    int64_t count = (w->columns - column) / INT4_GROUP;
    return (int4_place){.group = column / w->group_columns,
                        .left = w->group_columns - column % w->group_columns,
                        .count = count < INT4_GROUPS ? count : INT4_GROUPS};
}

/* The scales of a row's block as halves, one for each INT4_GROUP columns; offsets where any are. */
GEMV_INLINE void int4_collect(const anm_matrix *w, int4_place p, int64_t group0, bool is_signed,
                              uint64_t halves[2], float *offset) {
    halves[0] = halves[1] = 0;
    for (int64_t i = 0; i < p.count; i++) {
        halves[i / 4] |= (uint64_t)w->scale[group0 + p.group] << i % 4 * 16;
        if (w->offset) offset[i] += offset_at(4, is_signed, w->offset, group0 + p.group);
        p.left -= INT4_GROUP;
        if (p.left > 0) continue;
        p.group++;
        p.left = w->group_columns;
    }
}

/* Scales of a row's block, and what is to be taken from its elements. */
GEMV_INLINE vf int4_scales(const anm_matrix *w, int4_place p, int64_t group0, bool is_signed,
                           vf *shift) {
    const uint16_t *first = w->scale + group0 + p.group;
    float offset[INT4_GROUPS] = {0};
    uint64_t halves[2];
    *shift = v_set(is_signed ? 8 : 0);
    if (!w->offset && p.count == INT4_GROUPS) {
        if (w->group_columns == INT4_GROUP) memcpy(halves, first, sizeof halves);
        else if (p.left >= ANM_GEMV_BLOCK) halves[0] = halves[1] = *first * 0x1000100010001u;
        else int4_collect(w, p, group0, is_signed, halves, offset);
        return int4_halves(halves[0], halves[1]);
    }
    int4_collect(w, p, group0, is_signed, halves, offset);
    *shift = v_add(*shift, v_load_part(offset, INT4_GROUPS));
    return int4_halves(halves[0], halves[1]);
}

GEMV_INLINE vf int4_row_block(bool is_signed, const anm_matrix *w, int4_place p, int64_t group0,
                              const uint8_t *at, const int16_t *x, vf sums, vf x_scale,
                              vf total) {
    vf shift, scale = v_mul(int4_scales(w, p, group0, is_signed, &shift), x_scale);
    for (int i = 0; i < ANM_GEMV_BLOCK / INT4_STEP; i++) {
        vf sum = int4_step(is_signed, at + i * (INT4_STEP / 2), x + i * INT4_STEP);
        total = v_fma(sum, int4_spread(scale, i), total);
    }
    return v_sub(total, v_mul(v_mul(shift, sums), scale));
}

GEMV_INLINE void int4_rows(bool is_signed, int rows, const anm_matrix *w, const void *input,
                           int64_t row, float *y) {
    const words_input in = words_input_at(input, w->columns);
    const float *sums = int4_sums(input, w->columns);
    const int64_t stride = w->columns / 2, across = w->columns / w->group_columns;
    uint8_t copy[ANM_GEMV_BLOCK];
    vf total[INT4_ROWS];
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (int64_t b = 0; b < gemv_blocks(w->columns); b++) {
        const int64_t column = b * ANM_GEMV_BLOCK;
        const int4_place p = int4_place_of(w, column);
        const vf block_sums = v_load_part(sums + b * INT4_GROUPS, INT4_GROUPS);
        for (int r = 0; r < rows; r++) {
            const uint8_t *at = (const uint8_t *)w->data + (row + r) * stride + column / 2;
            int64_t group0 = (row + r) / w->group_rows * across;
            gemv_prefetch_block(4, at);
            if (p.count < INT4_GROUPS) at = gemv_padded(at, p.count * INT4_GROUP / 2, copy);
            total[r] = int4_row_block(is_signed, w, p, group0, at, in.words + column, block_sums,
                                      v_set(in.scale[b]), total[r]);
        }
    }
    for (int r = 0; r < rows; r++) y[row + r] = v_sum(total[r]);
}

GEMV_INLINE void int4_run(bool is_signed, const anm_matrix *w, const void *input, int64_t row0,
                          int64_t row1, float *y) {
    int64_t row = row0;
    for (; row + INT4_ROWS <= row1; row += INT4_ROWS)
        int4_rows(is_signed, INT4_ROWS, w, input, row, y);
    for (; row < row1; row++) int4_rows(is_signed, 1, w, input, row, y);
    gemv_scale_rows(w, row0, row1, y);
}

static bool accepts_int4_groups(const anm_matrix *w) {
    return accepts_int4(w) && w->group_columns % INT4_GROUP == 0;
}

static void run_int4_groups(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,
                            float *y) {
    if (w->is_signed) int4_run(true, w, input, row0, row1, y);
    else int4_run(false, w, input, row0, row1, y);
}

#define GEMV_INT4_KERNEL(suffix, isa)                                                              \
    {                                                                                              \
        "gemv_int4_groups_" suffix, isa, ANM_GEMV_INT14, accepts_int4_groups, INT4_ROWS,           \
            int4_input_bytes, int4_prepare, run_int4_groups                                        \
    }

#endif

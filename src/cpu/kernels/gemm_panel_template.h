/* SPDX-License-Identifier: MIT */
/*
 * Weights in the form that a GEMM multiplies: a panel of rows by a block of columns at a time,
 * decoded into a small buffer that stays in the nearest caches while all tokens pass over it.
 *
 * The file of a level includes vector_LEVEL.h and defines before: `weight` (int16_t, bf16's bits
 * as uint16_t, or float), and
 *   float convert_table(const uint16_t *halves, int bits, weight *table)
 *       a table in weights, 0 past 1 << bits entries or repeated, as the decoder wants it; the
 *       factor that makes them the table's values
 *   anm_table_decoder table_decoder(int bits)
 *   float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step)
 *       n floats, a multiple of STEP, likewise; every STEP of them `step` weights further.
 *   anm_halves_converter halves_converter(void)
 *       the same for halves; NULL: by way of floats
 * All write each STEP columns in an order that is the level's own and the same as that of its
 * prepared input.
 */
#ifndef ANM_CPU_GEMM_PANEL_TEMPLATE_H
#define ANM_CPU_GEMM_PANEL_TEMPLATE_H

#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemm_decoder.h"
#include "src/cpu/kernels/gemm_levels.h"
#include "src/cpu/kernels/gemm_walk.h"

enum { STEP = 32, TABLE = 256 };

typedef struct gemm_panel {
    const anm_matrix *w;
    int64_t row0, rows;   /* at most PANEL */
    int64_t k0, k1;       /* at most BLOCK */
    int64_t distance;     /* in bytes, of the block that comes next */
    const uint8_t *packed; /* the block's first weight, and bytes from row to row */
    int64_t row_bytes;
    bool by_table;        /* else by way of floats */
    anm_table_decoder decode;
    anm_halves_converter halves; /* NULL: no halves, or none of the level's */
    int64_t tables_row, tables_column; /* the row and group that `tables` are for, -1: none */
    const weight *table[PANEL]; /* of each row */
    float factor[PANEL];  /* of each row's weights in this block */
    weight tables[PANEL][TABLE] __attribute__((aligned(64)));
    float floats[BLOCK] __attribute__((aligned(64)));
} gemm_panel;

static int64_t up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

/* Rows begin at whole bytes, and no block has columns of two tables. */
static bool gemm_by_table(const anm_matrix *w) {
    return w->kind == ANM_MATRIX_LUT && w->columns * w->bits % 8 == 0 &&
           (w->group_columns == w->columns || w->group_columns % BLOCK == 0);
}

static float row_factor(const anm_matrix *w, int64_t row) {
    return w->row_scale ? anm_half_to_float(w->row_scale[row]) : 1;
}

/* Groups, and the rows, begin at whole bytes. */
static bool affine_is_even(const anm_matrix *w) {
    return w->kind == ANM_MATRIX_AFFINE &&
           (w->bits == 8 || (w->bits == 4 && w->group_columns % 2 == 0));
}

typedef uint8_t bytes_16 __attribute__((vector_size(16)));

/* STEP elements of 4 bits as bytes. Spelled out, as compilers do it a byte at a time. */
static inline void affine_nibbles(const uint8_t *data, uint8_t sign, uint8_t *bytes) {
    bytes_16 packed;
    memcpy(&packed, data, 16);
    bytes_16 even = (packed & 15) ^ sign, odd = packed >> 4 ^ sign;
    bytes_16 low = __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                           22, 7, 23);
    bytes_16 high = __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                            29, 14, 30, 15, 31);
    memcpy(bytes, &low, 16);
    memcpy(bytes + 16, &high, 16);
}

/* Up to STEP elements as bytes; flipping the sign bit makes signed ones unsigned. */
static inline void affine_bytes(const uint8_t *data, int bits, uint8_t sign, int64_t n,
                                uint8_t *bytes) {
    if (bits == 4 && n == STEP) {
        affine_nibbles(data, sign, bytes);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        bytes[i] = (bits == 8 ? data[i] : data[i / 2] >> i % 2 * 4 & 15) ^ sign;
}

/* A group's part of a row. */
static void affine_group(const anm_matrix *w, int64_t group, const uint8_t *data, int64_t n,
                         float factor, float *out) {
    uint8_t sign = (uint8_t)(w->is_signed ? 1 << (w->bits - 1) : 0), bytes[STEP];
    uint32_t offset = w->offset ? anm_matrix_element(w->offset, w->bits, group) : 0;
    vf zero = v_set((float)(offset ^ sign));
    vf scale = v_set(anm_half_to_float(w->scale[group]) * factor);
    for (int64_t i = 0; i < n; i += STEP, data += STEP * w->bits / 8) {
        affine_bytes(data, w->bits, sign, n - i < STEP ? n - i : STEP, bytes);
        for (int64_t j = 0; j < STEP && i + j < n; j += VN) {
            vf x = v_mul(v_sub(v_load_bytes(bytes + j), zero), scale);
            if (n - i - j >= VN) v_store(out + i + j, x);
            else v_store_part(out + i + j, x, n - i - j);
        }
    }
}

static void affine_floats(const anm_matrix *w, int64_t row, int64_t k, int64_t n, float *out) {
    int64_t across = w->columns / w->group_columns, column = k / w->group_columns;
    int64_t group = row / w->group_rows * across + column, end = k + n;
    int64_t next = (column + 1) * w->group_columns;
    const uint8_t *data = (const uint8_t *)w->data + (row * w->columns + k) * w->bits / 8;
    float factor = row_factor(w, row);
    for (; k < end; group++, next += w->group_columns) {
        int64_t count = (next < end ? next : end) - k;
        affine_group(w, group, data, count, factor, out);
        data += count * w->bits / 8;
        out += count;
        k += count;
    }
}

/* Columns [k, k + n) of a row, up to the order in which factors are multiplied. */
static void gemm_row_floats(const anm_matrix *w, int64_t row, int64_t k, int64_t n, float *out) {
    if (affine_is_even(w)) {
        affine_floats(w, row, k, n, out);
        return;
    }
    if (w->kind != ANM_MATRIX_FP16) {
        anm_matrix_row(w, row, k, n, out);
        return;
    }
    const uint16_t *halves = (const uint16_t *)w->data + row * w->columns + k;
    vf scale = v_set(row_factor(w, row));
    for (int64_t i = 0; i < n; i += VN)
        v_store_part(out + i,
                     v_mul(n - i >= VN ? v_load_half(halves + i)
                                       : v_load_half_part(halves + i, n - i), scale), n - i);
}

static void panel_start(gemm_panel *p, const anm_matrix *w) {
    p->w = w;
    p->by_table = gemm_by_table(w);
    p->decode = p->by_table ? table_decoder(w->bits) : NULL;
    p->halves = w->kind == ANM_MATRIX_FP16 ? halves_converter() : NULL;
    p->row_bytes = w->columns * w->bits / 8;
    p->tables_row = p->tables_column = -1;
}

/* Once for all blocks of the panel whose columns share tables. */
static void panel_tables(gemm_panel *p) {
    const anm_matrix *w = p->w;
    int64_t column = w->group_columns == w->columns ? 0 : p->k0 / w->group_columns;
    if (p->row0 == p->tables_row && column == p->tables_column) return;
    int64_t group = p->row0 / w->group_rows, across = w->columns / w->group_columns;
    int64_t next = p->row0, tables = 0;
    float factor = 0;
    for (int64_t row = p->row0, r = 0; r < p->rows; row++, r++) {
        if (row == next) {
            factor = convert_table(w->lut + ((group * across + column) << w->bits), w->bits,
                                   p->tables[tables++]);
            next = ++group * w->group_rows;
        }
        p->table[r] = p->tables[tables - 1];
        p->factor[r] = factor * row_factor(w, row);
    }
    p->tables_row = p->row0;
    p->tables_column = column;
}

static void panel_turn(gemm_panel *p, const walk *at) {
    const anm_matrix *w = p->w;
    p->row0 = at->row;
    p->k0 = at->k0;
    p->rows = at->last - p->row0 < PANEL ? at->last - p->row0 : PANEL;
    p->k1 = w->columns - p->k0 < BLOCK ? w->columns : p->k0 + BLOCK;
    p->distance = walk_distance(at) * w->bits / 8;
    p->packed = (const uint8_t *)w->data + (p->row0 * w->columns + p->k0) * w->bits / 8;
    if (p->by_table) panel_tables(p);
}

static __attribute__((noinline)) void decode_rest(const gemm_panel *p, int64_t r,
                                                  const uint8_t *packed, int64_t n,
                                                  weight *out) {
    uint8_t rest[STEP] = {0};
    memcpy(rest, packed, (size_t)(n * p->w->bits + 7) / 8);
    p->decode(rest, p->table[r], 1, out, 0);
}

/* The memory is asked for the next block while this one is decoded. */
static inline void panel_prefetch(const uint8_t *next, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += 64) __builtin_prefetch(next + i);
}

static __attribute__((noinline)) void decode_by_floats(gemm_panel *p, int64_t r, int64_t n,
                                                       weight *out, ptrdiff_t step) {
    const anm_matrix *w = p->w;
    int64_t row = p->row0 + r;
    if (p->halves && n % STEP == 0) {
        const uint16_t *halves = (const uint16_t *)w->data + row * w->columns + p->k0;
        p->factor[r] = p->halves(halves, n, out, step) * row_factor(w, row);
        return;
    }
    gemm_row_floats(w, row, p->k0, n, p->floats);
    memset(p->floats + n, 0, (size_t)(up(n, STEP) - n) * 4);
    p->factor[r] = convert_row(p->floats, up(n, STEP), out, step);
}

/*
 * `n` columns of the panel's row r. What lies past n up to whole STEPs is finite. What is rare is
 * kept out of line, so that the usual path saves no registers.
 */
static inline void panel_decode(gemm_panel *p, int64_t r, int64_t n, weight *out,
                                ptrdiff_t step) {
    uint64_t count = (uint64_t)n, bits = (uint64_t)p->w->bits, times = count / STEP;
    const uint8_t *packed = p->packed + r * p->row_bytes;
    panel_prefetch(packed + p->distance, count * bits / 8);
    if (!p->by_table) {
        decode_by_floats(p, r, n, out, step);
        return;
    }
    if (times > 0) p->decode(packed, p->table[r], (int)times, out, step);
    if (count % STEP != 0)
        decode_rest(p, r, packed + times * STEP * bits / 8, n % STEP,
                    out + (ptrdiff_t)times * step);
}

#endif

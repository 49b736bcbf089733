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
 * Both write each STEP columns in an order that is the level's own and the same as that of its
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
    bool by_table;        /* else by way of floats */
    anm_table_decoder decode;
    int64_t tables_row, tables_column; /* the groups that `tables` begin with, -1: none */
    float factor[PANEL];       /* of each row's weights in this block */
    float table_factor[PANEL]; /* of each table */
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

/* n elements of 4 bits from whole bytes, of 8 bits: (element - zero) * scale. */
static void scale_integers(const anm_matrix *w, const uint8_t *data, int64_t n, float zero,
                           float scale, float *out) {
    int sign = w->is_signed ? 1 << (w->bits - 1) : 0;
    zero += (float)sign;
    if (w->bits == 8)
        for (int64_t i = 0; i < n; i++) out[i] = ((float)(data[i] ^ sign) - zero) * scale;
    else
        for (int64_t i = 0; i < n / 2; i++) {
            out[2 * i] = ((float)((data[i] & 15) ^ sign) - zero) * scale;
            out[2 * i + 1] = ((float)((data[i] >> 4) ^ sign) - zero) * scale;
        }
}

/* Groups, and the rows, begin at whole bytes. */
static bool affine_is_even(const anm_matrix *w) {
    return w->kind == ANM_MATRIX_AFFINE &&
           (w->bits == 8 || (w->bits == 4 && w->group_columns % 2 == 0));
}

static void affine_floats(const anm_matrix *w, int64_t row, int64_t k, int64_t n, float *out) {
    int64_t end = k + n, across = w->columns / w->group_columns;
    while (k < end) {
        int64_t group = row / w->group_rows * across + k / w->group_columns;
        int64_t next = (k / w->group_columns + 1) * w->group_columns;
        int64_t count = (next < end ? next : end) - k;
        uint32_t sign = 1u << (w->bits - 1);
        float zero = 0, scale = anm_half_to_float(w->scale[group]) * row_factor(w, row);
        if (w->offset) zero = (float)anm_matrix_element(w->offset, w->bits, group);
        if (w->offset && w->is_signed)
            zero = (float)(int32_t)((uint32_t)zero ^ sign) - (float)sign;
        scale_integers(w, (const uint8_t *)w->data + (row * w->columns + k) * w->bits / 8, count,
                       zero, scale, out);
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
    p->tables_row = p->tables_column = -1;
}

static void panel_tables(gemm_panel *p) {
    const anm_matrix *w = p->w;
    int64_t row = p->row0 / w->group_rows, column = p->k0 / w->group_columns;
    if (row == p->tables_row && column == p->tables_column && w->group_rows % PANEL == 0) return;
    int64_t last = (p->row0 + p->rows - 1) / w->group_rows;
    int64_t across = w->columns / w->group_columns;
    for (int64_t r = row; r <= last; r++)
        p->table_factor[r - row] =
            convert_table(w->lut + ((r * across + column) << w->bits), w->bits,
                          p->tables[r - row]);
    p->tables_row = row;
    p->tables_column = column;
}

static void panel_turn(gemm_panel *p, const walk *at) {
    const anm_matrix *w = p->w;
    int64_t row0 = p->row0 = at->row, k0 = p->k0 = at->k0;
    p->rows = at->last - row0 < PANEL ? at->last - row0 : PANEL;
    p->k1 = w->columns - k0 < BLOCK ? w->columns : k0 + BLOCK;
    p->distance = walk_distance(at) * w->bits / 8;
    if (!p->by_table) return;
    panel_tables(p);
    for (int64_t r = 0; r < p->rows; r++)
        p->factor[r] = p->table_factor[(row0 + r) / w->group_rows - p->tables_row] *
                       row_factor(w, row0 + r);
}

static void decode_by_table(gemm_panel *p, int64_t r, int64_t k, int64_t n, weight *out,
                            ptrdiff_t step) {
    const anm_matrix *w = p->w;
    const weight *table = p->tables[(p->row0 + r) / w->group_rows - p->tables_row];
    const uint8_t *packed =
        (const uint8_t *)w->data + ((p->row0 + r) * w->columns + k) * w->bits / 8;
    int times = (int)(n / STEP);
    if (times > 0) p->decode(packed, table, times, out, step);
    if (n % STEP == 0) return;
    uint8_t rest[STEP] = {0};
    memcpy(rest, packed + times * STEP / 8 * w->bits, (size_t)(n % STEP * w->bits + 7) / 8);
    p->decode(rest, table, 1, out + times * step, step);
}

/* The memory is asked for the next block while this one is decoded. */
static inline void panel_prefetch(const gemm_panel *p, int64_t r, int64_t k, int64_t n) {
    const anm_matrix *w = p->w;
    const char *next = (const char *)w->data +
                       ((p->row0 + r) * w->columns + k) * w->bits / 8 + p->distance;
    for (int64_t i = 0; i < n * w->bits / 8; i += 64) __builtin_prefetch(next + i);
}

/* Columns [k, k + n) of the panel's row r; what lies past n up to whole STEPs is finite. */
static void panel_decode(gemm_panel *p, int64_t r, int64_t k, int64_t n, weight *out,
                         ptrdiff_t step) {
    panel_prefetch(p, r, k, n);
    if (p->by_table) {
        decode_by_table(p, r, k, n, out, step);
        return;
    }
    gemm_row_floats(p->w, p->row0 + r, k, n, p->floats);
    memset(p->floats + n, 0, (size_t)(up(n, STEP) - n) * 4);
    p->factor[r] = convert_row(p->floats, up(n, STEP), out, step);
}

#endif

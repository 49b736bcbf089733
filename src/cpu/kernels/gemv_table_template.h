/* SPDX-License-Identifier: MIT */
/*
 * Template: palettized GEMV over a prepared x, a table's rows a few at a time, block by block of
 * ANM_GEMV_BLOCK columns. Included after vector_LEVEL.h and what gives:
 *   decoder, decoder_make(bits)       what holds for all tables
 *   tables, tables_load(bits, lut)    a table's form; the unit of its entries
 *   gemv_x, gemv_x_at(input, columns) the prepared x
 *   gemv_add_block()                  a row's total in units of the table, with a block added
 */
#ifndef ANM_CPU_GEMV_TABLE_TEMPLATE_H
#define ANM_CPU_GEMV_TABLE_TEMPLATE_H

#include <string.h>

#include "src/cpu/kernels/gemv_levels.h"
#include "src/cpu/kernels/gemv_spans.h"

enum { TABLE_ROWS = 4 }; /* at a time */

GEMV_INLINE void table_add_rows(int form, int rows, const decoder *d, const tables *t,
                                const gemv_span *c, const gemv_x *x, const uint8_t *w,
                                int64_t stride, vf *total) {
    const int bits = gemv_form_bits(form);
    const int64_t whole = c->blocks - (c->tail != 0), block_bytes = ANM_GEMV_BLOCK / 8 * bits;
    uint8_t copy[ANM_GEMV_BLOCK];
    for (int r = 0; r < rows; r++) total[r] = v_zero();
    for (int64_t b = 0; b < c->blocks; b++, w += block_bytes)
        for (int r = 0; r < rows; r++) {
            const uint8_t *at = w + r * stride;
            gemv_prefetch_block(bits, at);
            if (b >= whole) at = gemv_padded(at, c->tail, copy);
            total[r] = gemv_add_block(form, d, t, at, x, c->block0 + b, total[r]);
        }
}

/* A row's sum is `base` and `scale` times its total. */
GEMV_INLINE void table_run_span(int form, const anm_matrix *w, const decoder *d, const tables *t,
                                float scale, float base, const gemv_span *c, const gemv_x *x,
                                float *y) {
    const int bits = gemv_form_bits(form);
    const int64_t stride = w->columns * bits / 8;
    const uint8_t *data = (const uint8_t *)w->data + c->block0 * (ANM_GEMV_BLOCK / 8 * bits);
    vf total[TABLE_ROWS];
    for (int64_t row = c->row0; row < c->row1; row += TABLE_ROWS) {
        int n = c->row1 - row < TABLE_ROWS ? (int)(c->row1 - row) : TABLE_ROWS;
        const uint8_t *at = data + row * stride;
        if (n == TABLE_ROWS)
            table_add_rows(form, TABLE_ROWS, d, t, c, x, at, stride, total);
        else
            for (int r = 0; r < n; r++)
                table_add_rows(form, 1, d, t, c, x, at + r * stride, stride, total + r);
        for (int r = 0; r < n; r++) {
            float sum = v_sum(total[r]) * scale + base;
            y[row + r] = c->block0 ? y[row + r] + sum : sum;
        }
    }
}

/* A span's tables are made while the one before is computed: they depend on a long chain. */
GEMV_INLINE void table_run(int bits, const anm_matrix *w, const void *input, int64_t row0,
                           int64_t row1, float *y) {
    const gemv_x x = gemv_x_at(input, w->columns);
    gemv_span span = gemv_span_start(bits, w, row0);
    decoder d;
    tables t[2];
    float scale[2] = {0, 0};
    decoder_make(bits, &d);
    bool more = gemv_span_next(bits, w, row1, &span);
    if (more) scale[0] = tables_load(bits, span.lut, &t[0]);
    for (int turn = 0; more; turn ^= 1) {
        gemv_span next = span;
        more = gemv_span_next(bits, w, row1, &next);
        if (more) scale[turn ^ 1] = tables_load(bits, next.lut, &t[turn ^ 1]);
        table_run_span(bits, w, &d, &t[turn], scale[turn], 0, &span, &x, y);
        span = next;
    }
    gemv_scale_rows(w, row0, row1, y);
}

#define GEMV_TABLE(bits)                                                                           \
    static bool accepts_lut##bits(const anm_matrix *w) { return gemv_accepts_lut(w, bits); }       \
    static void run_lut##bits(const anm_matrix *w, const void *input, int64_t row0, int64_t row1,  \
                              float *y) {                                                          \
        table_run(bits, w, input, row0, row1, y);                                                  \
    }

#define GEMV_TABLE_KERNEL(bits, arithmetic, input_bytes, prepare, suffix, isa)                     \
    {                                                                                              \
        "gemv_lut" #bits "_" suffix, isa, arithmetic, accepts_lut##bits, 8, input_bytes, prepare,  \
            run_lut##bits                                                                          \
    }

#endif

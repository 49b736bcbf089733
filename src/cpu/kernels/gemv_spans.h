/* SPDX-License-Identifier: MIT */
/*
 * The walk over a palettized matrix: rows that share a table, and of their columns those that do,
 * which are whole blocks of the prepared x unless they are all.
 */
#ifndef ANM_CPU_GEMV_SPANS_H
#define ANM_CPU_GEMV_SPANS_H

#include "src/base/half.h"
#include "src/cpu/kernels/gemv.h"

#define GEMV_INLINE static inline __attribute__((always_inline))

enum {
    GEMV_FAR = 8192, /* bytes ahead into the second level cache: memory answers in time */
    GEMV_NEAR = 3072 /* into the first */
};

/* Columns from block0 on, `blocks` of them; if `tail` is not 0 the last has as many bytes a row. */
typedef struct gemv_span {
    int64_t block0, blocks, tail;
} gemv_span;

/* Rows row0 .. row1 - 1 over a span: y is set by the first span and added to by the others. */
typedef void gemv_run_span(int bits, const anm_matrix *w, const uint16_t *lut,
                           const gemv_span *span, const void *input, int64_t row0, int64_t row1,
                           float *y);

static inline int64_t gemv_blocks(int64_t columns) {
    return (columns + ANM_GEMV_BLOCK - 1) / ANM_GEMV_BLOCK;
}

GEMV_INLINE void gemv_prefetch_block(int bits, const uint8_t *w) {
    for (int i = 0; i < ANM_GEMV_BLOCK / 8 * bits; i += 64) {
        __builtin_prefetch(w + GEMV_FAR + i, 0, 2);
        __builtin_prefetch(w + GEMV_NEAR + i, 0, 3);
    }
}

/* The tables of the next groups of rows. */
GEMV_INLINE void gemv_prefetch_table(int bits, const uint16_t *lut) {
    int bytes = 2 << bits, ahead = bytes > 256 ? 2 * bytes : 512;
    for (int i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)lut + ahead + i, 0, 3);
}

GEMV_INLINE void gemv_run_spans(int bits, gemv_run_span *run, const anm_matrix *w,
                                const void *input, int64_t row0, int64_t row1, float *y) {
    const int64_t across = w->columns / w->group_columns;
    gemv_span span = {.blocks = gemv_blocks(w->group_columns),
                      .tail = w->group_columns % ANM_GEMV_BLOCK * bits / 8};
    for (int64_t row = row0, end; row < row1; row = end) {
        int64_t group = row / w->group_rows;
        end = (group + 1) * w->group_rows < row1 ? (group + 1) * w->group_rows : row1;
        for (int64_t g = 0; g < across; g++) {
            const uint16_t *lut = w->lut + ((group * across + g) << bits);
            gemv_prefetch_table(bits, lut);
            span.block0 = g * span.blocks;
            run(bits, w, lut, &span, input, row, end, y);
        }
    }
    for (int64_t row = row0; w->row_scale && row < row1; row++)
        y[row] *= anm_half_to_float(w->row_scale[row]);
}

/* Rows begin at whole bytes, and a table's columns at whole blocks of x. */
static inline bool gemv_accepts_lut(const anm_matrix *w, int bits) {
    return w->kind == ANM_MATRIX_LUT && w->bits == bits && w->columns * bits % 8 == 0 &&
           (w->group_columns == w->columns || w->group_columns % ANM_GEMV_BLOCK == 0);
}

#endif

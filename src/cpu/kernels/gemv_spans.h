/* SPDX-License-Identifier: MIT */
/*
 * The walk over a palettized matrix: rows that share a table, and of their columns those that do,
 * which are whole blocks of the prepared x unless they are all.
 */
#ifndef ANM_CPU_GEMV_SPANS_H
#define ANM_CPU_GEMV_SPANS_H

#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemv.h"

#define GEMV_INLINE static inline __attribute__((always_inline))

enum {
    GEMV_FAR = 8192, /* bytes ahead into the second level cache: memory answers in time */
    GEMV_NEAR = 3072 /* into the first */
};

/* Rows row0 .. row1 - 1 that share the table `lut`, over columns from block0 on. */
typedef struct gemv_span {
    int64_t block0, blocks, tail; /* if `tail` is not 0 the last block has as many bytes a row */
    int64_t row0, row1;
    const uint16_t *lut;
} gemv_span;

/*
 * A template's `form` is the bits of an index, and above them what else a level tells tables of
 * different kinds by.
 */
static inline int gemv_form_bits(int form) { return form & 15; }

static inline int64_t gemv_blocks(int64_t columns) {
    return (columns + ANM_GEMV_BLOCK - 1) / ANM_GEMV_BLOCK;
}

GEMV_INLINE void gemv_prefetch_block(int bits, const uint8_t *w) {
    for (int i = 0; i < ANM_GEMV_BLOCK / 8 * bits; i += 64) {
        __builtin_prefetch(w + GEMV_FAR + i, 0, 2);
        __builtin_prefetch(w + GEMV_NEAR + i, 0, 3);
    }
}

/* A last block of `tail` bytes, with zeros behind. */
GEMV_INLINE const uint8_t *gemv_padded(const uint8_t *w, int64_t tail, uint8_t *copy) {
    memset(copy, 0, ANM_GEMV_BLOCK);
    memcpy(copy, w, (size_t)tail);
    return copy;
}

/* The tables of the next groups of rows. */
GEMV_INLINE void gemv_prefetch_table(int bits, const uint16_t *lut) {
    int bytes = 2 << bits, ahead = bytes > 256 ? 2 * bytes : 512;
    for (int i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)lut + ahead + i, 0, 3);
}

/* Begins before the first span of row0 .. */
GEMV_INLINE gemv_span gemv_span_start(int bits, const anm_matrix *w, int64_t row0) {
    int64_t blocks = gemv_blocks(w->group_columns);
    return (gemv_span){.block0 = gemv_blocks(w->columns) - blocks,
                       .blocks = blocks,
                       .tail = w->group_columns % ANM_GEMV_BLOCK * bits / 8,
                       .row1 = row0};
}

/*
 * The next span of the rows below `row1`: all columns of some rows, then the next rows. Spans of
 * block0 = 0 set y, the others add to it.
 */
GEMV_INLINE bool gemv_span_next(int bits, const anm_matrix *w, int64_t row1, gemv_span *span) {
    span->block0 += span->blocks;
    if (span->block0 * ANM_GEMV_BLOCK >= w->columns) {
        span->block0 = 0;
        span->row0 = span->row1;
        if (span->row0 >= row1) return false;
        int64_t end = (span->row0 / w->group_rows + 1) * w->group_rows;
        span->row1 = end < row1 ? end : row1;
    }
    int64_t across = w->columns / w->group_columns;
    int64_t table = span->row0 / w->group_rows * across + span->block0 / span->blocks;
    span->lut = w->lut + (table << bits);
    gemv_prefetch_table(bits, span->lut);
    return true;
}

GEMV_INLINE void gemv_scale_rows(const anm_matrix *w, int64_t row0, int64_t row1, float *y) {
    for (int64_t row = row0; w->row_scale && row < row1; row++)
        y[row] *= anm_half_to_float(w->row_scale[row]);
}

/* Rows begin at whole bytes, and a table's columns at whole blocks of x. */
static inline bool gemv_accepts_lut(const anm_matrix *w, int bits) {
    return w->kind == ANM_MATRIX_LUT && w->bits == bits && w->columns * bits % 8 == 0 &&
           (w->group_columns == w->columns || w->group_columns % ANM_GEMV_BLOCK == 0);
}

#endif

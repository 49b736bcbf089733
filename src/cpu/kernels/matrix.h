/* SPDX-License-Identifier: MIT */
/*
 * A constant matrix as it lies in the package, rows being outputs: y = W x. Kernels read it where
 * it is mapped; nothing is expanded in memory.
 */
#ifndef ANM_CPU_MATRIX_H
#define ANM_CPU_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum anm_matrix_kind {
    ANM_MATRIX_FP32,
    ANM_MATRIX_FP16,
    ANM_MATRIX_LUT,  /* constexpr_lut_to_dense: an index of 1, 2, 3, 4, 6 or 8 bits per weight */
    ANM_MATRIX_AFFINE /* constexpr_blockwise_shift_scale: scale * (q - offset), q int4 or int8 */
} anm_matrix_kind;

typedef struct anm_matrix {
    anm_matrix_kind kind;
    int64_t rows, columns;
    /*
     * Row-major and dense. Sub-byte elements form one stream of bits, the first in the least
     * significant ones; a row begins where the one before ends, so at a whole byte only if
     * columns * bits is a multiple of 8. Aligned to 64 bytes in packages, but kernels must not
     * rely on it: slices of a matrix begin anywhere.
     */
    const void *data;
    int bits; /* of an element of `data` */
    /* LUT: fp16 tables [rows / group_rows][columns / group_columns][1 << bits]. */
    const uint16_t *lut;
    /* Rows and columns that share a table, or a scale; they divide rows and columns. */
    int64_t group_rows, group_columns;
    /* AFFINE: fp16 [rows / group_rows][columns / group_columns]; offset like data, or NULL: 0. */
    const uint16_t *scale;
    const void *offset;
    bool is_signed; /* AFFINE: of data and offset */
    /* fp16 [rows], or NULL: multiplies each row of the result (per-channel scale). */
    const uint16_t *row_scale;
} anm_matrix;

/* Bytes of data, tables and scales that one pass over rows [row0, row1) reads. */
uint64_t anm_matrix_bytes(const anm_matrix *w, int64_t row0, int64_t row1);
/* Element `index` of a stream of elements of 1 to 8 bits, as it lies there, unsigned. */
uint32_t anm_matrix_element(const void *data, int bits, int64_t index);
/*
 * Elements [column0, column0 + n) of a row as fp32: the meaning of a matrix. Exact, but for one
 * rounding of an affine element's product with the row's scale.
 */
void anm_matrix_row(const anm_matrix *w, int64_t row, int64_t column0, int64_t n, float *out);

#endif

/* SPDX-License-Identifier: MIT */
/* Matrices of every form with random content, each array in a guarded buffer of its own. */
#ifndef ANM_TESTS_KCHECK_MATRIX_H
#define ANM_TESTS_KCHECK_MATRIX_H

#include "src/cpu/kernels/matrix.h"

typedef struct kcheck_form {
    anm_matrix_kind kind;
    int bits;
    bool is_signed, has_offset, has_row_scale;
    bool rising; /* every other table rises evenly, as those of k-means */
    int64_t group_rows, group_columns; /* 0: all */
} kcheck_form;

/* The form number `index`; false past the last. */
bool kcheck_form_at(size_t index, kcheck_form *form);
/* Columns are rounded up to whole groups, rows too. */
anm_matrix kcheck_matrix_make(const kcheck_form *form, int64_t rows, int64_t columns);
/*
 * `n` entries that rise as those that k-means finds for normal numbers, each off by `noise` of the
 * distance to the next.
 */
void kcheck_rising_table(uint16_t *table, int n, float deviation, float noise);
/* "lut4 33x1024 groups 8x1024"; the text lasts until the next call. */
const char *kcheck_matrix_name(const anm_matrix *w);

#endif

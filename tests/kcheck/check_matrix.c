/* SPDX-License-Identifier: MIT */
/*
 * The meaning of a matrix: what anm_matrix_row gives is compared with values computed here from
 * the definition, one bit and one group at a time.
 */
#include <stdlib.h>

#include "src/base/half.h"
#include "tests/kcheck/kcheck.h"
#include "tests/kcheck/kcheck_matrix.h"

static int value_of_bits(const void *data, int bits, int64_t index, bool is_signed) {
    const uint8_t *bytes = data;
    int value = 0;
    for (int64_t b = 0; b < bits; b++) {
        int64_t at = index * bits + b;
        int weight = is_signed && b == bits - 1 ? -(1 << b) : 1 << b;
        value += weight * (bytes[at / 8] >> at % 8 & 1);
    }
    return value;
}

static double element(const anm_matrix *w, int64_t row, int64_t column) {
    int64_t at = row * w->columns + column;
    if (w->kind == ANM_MATRIX_FP32) return ((const float *)w->data)[at];
    if (w->kind == ANM_MATRIX_FP16) return anm_half_to_float(((const uint16_t *)w->data)[at]);
    int64_t across = w->columns / w->group_columns;
    int64_t group = row / w->group_rows * across + column / w->group_columns;
    int value = value_of_bits(w->data, w->bits, at, w->is_signed);
    if (w->kind == ANM_MATRIX_LUT) return anm_half_to_float(w->lut[(group << w->bits) + value]);
    int offset = w->offset ? value_of_bits(w->offset, w->bits, group, w->is_signed) : 0;
    return anm_half_to_float(w->scale[group]) * (double)(value - offset);
}

static void check_form(const kcheck_form *form) {
    anm_matrix w = kcheck_matrix_make(form, kcheck_between(1, 20), kcheck_between(1, 140));
    float *out = kcheck_buffer((size_t)w.columns * 4, 4);
    int wrong = 0;
    for (int64_t row = 0; row < w.rows; row++) {
        int64_t from = kcheck_between(0, w.columns - 1), to = kcheck_between(from, w.columns);
        anm_matrix_row(&w, row, 0, from, out);
        anm_matrix_row(&w, row, to, w.columns - to, out + to);
        anm_matrix_row(&w, row, from, to - from, out + from);
        for (int64_t column = 0; column < w.columns; column++) {
            double value = (float)element(&w, row, column);
            if (w.row_scale) value = (float)(value * anm_half_to_float(w.row_scale[row]));
            wrong += out[column] != (float)value;
        }
    }
    kcheck_error(wrong, 0, "%s: %d wrong", kcheck_matrix_name(&w), wrong);
    if (!kcheck_release()) kcheck_fail("wrote behind its output");
}

void check_matrix(void) {
    kcheck_form form;
    if (!kcheck_wanted("matrix_row_c", ANM_ISA_C)) return;
    kcheck_begin("matrix_row_c");
    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; kcheck_form_at(i, &form); i++) check_form(&form);
    kcheck_end();
}

/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/matrix.h"

#include <string.h>

#include "src/base/half.h"

uint32_t anm_matrix_element(const void *data, int bits, int64_t index) {
    const uint8_t *bytes = data;
    int64_t bit = index * bits;
    uint32_t pair = bytes[bit / 8];
    /* An element of 3 or 6 bits may go on in the next byte; the last one never does. */
    if (bit % 8 + bits > 8) pair |= (uint32_t)bytes[bit / 8 + 1] << 8;
    return pair >> (bit % 8) & ((1u << bits) - 1);
}

static uint64_t stream_bytes(int64_t elements, int bits) {
    return ((uint64_t)elements * (uint64_t)bits + 7) / 8;
}

/* Tables or scales between two rows. */
static uint64_t groups_between(const anm_matrix *w, int64_t row0, int64_t row1) {
    if (row1 <= row0) return 0;
    int64_t group_rows = (row1 + w->group_rows - 1) / w->group_rows - row0 / w->group_rows;
    return (uint64_t)(group_rows * (w->columns / w->group_columns));
}

uint64_t anm_matrix_bytes(const anm_matrix *w, int64_t row0, int64_t row1) {
    uint64_t bytes = stream_bytes((row1 - row0) * w->columns, w->bits);
    if (w->kind == ANM_MATRIX_LUT) bytes += groups_between(w, row0, row1) * 2 << w->bits;
    if (w->kind == ANM_MATRIX_AFFINE) bytes += groups_between(w, row0, row1) * 2;
    if (w->kind == ANM_MATRIX_AFFINE && w->offset)
        bytes += stream_bytes((int64_t)groups_between(w, row0, row1), w->bits);
    return bytes + (w->row_scale ? (uint64_t)(row1 - row0) * 2 : 0);
}

static int64_t group_at(const anm_matrix *w, int64_t row, int64_t column) {
    return row / w->group_rows * (w->columns / w->group_columns) + column / w->group_columns;
}

static void decode_lut(const anm_matrix *w, int64_t row, int64_t column0, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i++) {
        const uint16_t *table = w->lut + (group_at(w, row, column0 + i) << w->bits);
        uint32_t index = anm_matrix_element(w->data, w->bits, row * w->columns + column0 + i);
        out[i] = anm_half_to_float(table[index]);
    }
}

static int32_t integer(const anm_matrix *w, const void *data, int64_t index) {
    int32_t value = (int32_t)anm_matrix_element(data, w->bits, index);
    int32_t sign = 1 << (w->bits - 1);
    return w->is_signed ? (value ^ sign) - sign : value;
}

/* A half times a difference of 9 bits is exact. */
static void decode_affine(const anm_matrix *w, int64_t row, int64_t column0, int64_t n,
                          float *out) {
    for (int64_t i = 0; i < n; i++) {
        int64_t group = group_at(w, row, column0 + i);
        int32_t value = integer(w, w->data, row * w->columns + column0 + i);
        if (w->offset) value -= integer(w, w->offset, group);
        out[i] = anm_half_to_float(w->scale[group]) * (float)value;
    }
}

void anm_matrix_row(const anm_matrix *w, int64_t row, int64_t column0, int64_t n, float *out) {
    int64_t first = row * w->columns + column0;
    switch (w->kind) {
    case ANM_MATRIX_FP32:
        memcpy(out, (const char *)w->data + 4 * first, (size_t)n * 4);
        break;
    case ANM_MATRIX_FP16:
        for (int64_t i = 0; i < n; i++) {
            uint16_t half;
            memcpy(&half, (const char *)w->data + 2 * (first + i), 2);
            out[i] = anm_half_to_float(half);
        }
        break;
    case ANM_MATRIX_LUT: decode_lut(w, row, column0, n, out); break;
    case ANM_MATRIX_AFFINE: decode_affine(w, row, column0, n, out); break;
    }
    if (!w->row_scale) return;
    float scale = anm_half_to_float(w->row_scale[row]);
    for (int64_t i = 0; i < n; i++) out[i] *= scale;
}

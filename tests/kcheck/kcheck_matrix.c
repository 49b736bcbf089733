/* SPDX-License-Identifier: MIT */
#include "tests/kcheck/kcheck_matrix.h"

#include <math.h>
#include <stdio.h>

#include "src/base/half.h"
#include "tests/kcheck/kcheck.h"

static const struct {
    anm_matrix_kind kind;
    int bits;
    bool is_signed, has_offset, rising;
} kinds[] = {
    {ANM_MATRIX_FP32, 32, false, false, false},
    {ANM_MATRIX_FP16, 16, false, false, false},
    {ANM_MATRIX_LUT, 1, false, false, false},
    {ANM_MATRIX_LUT, 2, false, false, false},
    {ANM_MATRIX_LUT, 3, false, false, false},
    {ANM_MATRIX_LUT, 4, false, false, false},
    {ANM_MATRIX_LUT, 6, false, false, false},
    {ANM_MATRIX_LUT, 8, false, false, false},
    {ANM_MATRIX_LUT, 6, false, false, true},
    {ANM_MATRIX_LUT, 8, false, false, true},
    {ANM_MATRIX_AFFINE, 4, true, false, false},
    {ANM_MATRIX_AFFINE, 8, true, false, false},
    {ANM_MATRIX_AFFINE, 4, false, false, false},
    {ANM_MATRIX_AFFINE, 8, false, false, false},
    {ANM_MATRIX_AFFINE, 4, true, true, false},
    {ANM_MATRIX_AFFINE, 8, true, true, false},
    {ANM_MATRIX_AFFINE, 4, false, true, false},
    {ANM_MATRIX_AFFINE, 8, false, true, false},
};

/* Rows and columns that share a table or a scale; 0: all of them. */
static const int64_t groups[][2] = {{8, 0}, {0, 0}, {1, 0}, {5, 0}, {16, 0},
                                    {1, 32}, {8, 64}, {0, 16}, {3, 128}, {4, 512}};

enum { KINDS = sizeof kinds / sizeof kinds[0], GROUPS = sizeof groups / sizeof groups[0] };

bool kcheck_form_at(size_t index, kcheck_form *form) {
    size_t kind = index / 2 / GROUPS, group = index / 2 % GROUPS;
    if (kind >= KINDS) return false;
    *form = (kcheck_form){.kind = kinds[kind].kind,
                          .bits = kinds[kind].bits,
                          .is_signed = kinds[kind].is_signed,
                          .has_offset = kinds[kind].has_offset,
                          .rising = kinds[kind].rising,
                          .has_row_scale = index % 2,
                          .group_rows = groups[group][0],
                          .group_columns = groups[group][1]};
    return true;
}

/* Near the quantiles of a normal distribution of sqrt(3) times the deviation. */
void kcheck_rising_table(uint16_t *table, int n, float deviation, float noise) {
    for (int i = 0; i < n; i++) {
        double t = (2 * (i + (double)(noise * kcheck_normal())) + 1) / n - 1;
        double value = 2.17 * t * (1 + 0.25 * t * t + 0.45 * pow(t, 8));
        table[i] = anm_half_from_float((float)(value * (double)deviation));
    }
}

static int64_t whole_groups(int64_t n, int64_t group) {
    return group == 0 ? n : (n + group - 1) / group * group;
}

static uint16_t *random_halves(int64_t n, float deviation) {
    uint16_t *halves = kcheck_buffer((size_t)n * 2, 2);
    for (int64_t i = 0; i < n; i++) halves[i] = anm_half_from_float(kcheck_normal() * deviation);
    return halves;
}

static void *random_data(const kcheck_form *form, int64_t elements) {
    if (form->kind == ANM_MATRIX_FP32) {
        float *data = kcheck_buffer((size_t)elements * 4, 4);
        kcheck_fill_normal(data, elements, 1);
        return data;
    }
    if (form->kind == ANM_MATRIX_FP16) return random_halves(elements, 1);
    size_t bytes = (size_t)((elements * form->bits + 7) / 8);
    void *data = kcheck_buffer(bytes, 1);
    kcheck_fill_bytes(data, bytes);
    return data;
}

anm_matrix kcheck_matrix_make(const kcheck_form *form, int64_t rows, int64_t columns) {
    anm_matrix w = {.kind = form->kind, .bits = form->bits, .is_signed = form->is_signed};
    w.rows = whole_groups(rows, form->group_rows);
    w.columns = whole_groups(columns, form->group_columns);
    w.group_rows = form->group_rows ? form->group_rows : w.rows;
    w.group_columns = form->group_columns ? form->group_columns : w.columns;
    w.data = random_data(form, w.rows * w.columns);
    int64_t tables = w.rows / w.group_rows * (w.columns / w.group_columns);
    if (w.kind == ANM_MATRIX_LUT) {
        uint16_t *lut = random_halves(tables << w.bits, 0.05f);
        for (int64_t i = 0; form->rising && i < tables; i += 2)
            kcheck_rising_table(lut + (i << w.bits), 1 << w.bits, 0.05f, 0.05f);
        w.lut = lut;
    }
    if (w.kind == ANM_MATRIX_AFFINE) w.scale = random_halves(tables, 0.01f);
    if (form->has_offset) {
        size_t bytes = (size_t)((tables * w.bits + 7) / 8);
        void *offset = kcheck_buffer(bytes, 1);
        kcheck_fill_bytes(offset, bytes);
        w.offset = offset;
    }
    if (form->has_row_scale) w.row_scale = random_halves(w.rows, 1);
    return w;
}

const char *kcheck_matrix_name(const anm_matrix *w) {
    static const char *const names[] = {"fp", "fp", "lut", "int"};
    static char name[120];
    snprintf(name, sizeof name, "%s%s%d%s%s %lldx%lld groups %lldx%lld",
             w->kind == ANM_MATRIX_AFFINE && !w->is_signed ? "u" : "", names[w->kind], w->bits,
             w->offset ? " offset" : "", w->row_scale ? " scaled" : "", (long long)w->rows,
             (long long)w->columns, (long long)w->group_rows, (long long)w->group_columns);
    return name;
}

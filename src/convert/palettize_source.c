/* SPDX-License-Identifier: MIT */
#include "src/convert/palettize_source.h"

#include "src/base/alloc.h"
#include "src/base/half.h"

enum { PIECE = 1 << 20, HALF_INFINITY = 0x7c00, HALF_ONE = 0x3c00 };

/* A table has no use for an infinite entry; the greatest number is also nearer to the truth. */
static bool saturate(uint16_t *values, size_t n) {
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        unsigned magnitude = values[i] & 0x7fff;
        finite &= magnitude <= HALF_INFINITY;
        if (magnitude == HALF_INFINITY) values[i]--;
    }
    return finite;
}

static anm_status read_finite(anm_palette_source *s, int64_t row, int64_t count, uint16_t *out,
                              anm_error *err) {
    anm_not_finite again = {0}, *bad = row >= s->told ? s->bad : &again;
    uint64_t before = bad->count;
    size_t n = (size_t)(count * s->columns);
    anm_weight_read(s->weight, (size_t)((s->first + row) * s->columns), n, out, bad);
    if (row >= s->told) s->told = row + count;
    if (bad->count == before || saturate(out, n)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, s->weight->tensor->name,
                    "a weight that is not a number cannot be palettized; leave this part in fp16");
}

static void divide(anm_palette_source *s, uint16_t *row, uint16_t scale) {
    float divisor = anm_half_to_float(scale);
    size_t n = (size_t)s->columns;
    anm_half_to_float_n(s->wide, row, n);
    for (size_t c = 0; c < n; c++) s->wide[c] /= divisor;
    anm_half_from_float_n(row, s->wide, n);
}

anm_status anm_palette_source_read(anm_palette_source *s, int64_t row, int64_t count, uint16_t *out,
                                   anm_error *err) {
    ANM_TRY(read_finite(s, row, count, out, err));
    for (int64_t r = 0; s->scales && r < count; r++)
        divide(s, out + r * s->columns, s->scales[row + r]);
    return ANM_OK;
}

static uint16_t greatest(const uint16_t *values, int64_t n) {
    uint16_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        uint16_t magnitude = values[i] & 0x7fff;
        if (magnitude > most) most = magnitude;
    }
    return most ? most : HALF_ONE;
}

static anm_status find_scales(anm_palette_source *s, uint16_t *values, int64_t step,
                              anm_error *err) {
    for (int64_t row = 0; row < s->rows; row += step) {
        int64_t count = s->rows - row < step ? s->rows - row : step;
        ANM_TRY(read_finite(s, row, count, values, err));
        for (int64_t r = 0; r < count; r++) {
            uint16_t scale = greatest(values + r * s->columns, s->columns);
            double real = (double)anm_half_to_float(scale);
            s->scales[row + r] = scale;
            s->row_importance[row + r] = real * real;
        }
    }
    return ANM_OK;
}

static anm_status add_scales(anm_palette_source *s, anm_error *err) {
    int64_t step = PIECE / s->columns > 0 ? PIECE / s->columns : 1;
    s->wide = anm_realloc_array(NULL, (size_t)s->columns, sizeof *s->wide);
    s->row_importance = anm_realloc_array(NULL, (size_t)s->rows, sizeof *s->row_importance);
    s->scales = anm_realloc_array(NULL, (size_t)s->rows, sizeof *s->scales);
    uint16_t *values = anm_realloc_array(NULL, (size_t)(step * s->columns), sizeof *values);
    anm_status status = ANM_OK;
    if (!s->wide || !s->row_importance || !s->scales || !values) status = anm_fail_memory(err);
    else status = find_scales(s, values, step, err);
    anm_free(values);
    return status;
}

anm_status anm_palette_source_init(anm_palette_source *s, const anm_weight *weight, int64_t first,
                                   int64_t rows, bool scaled, anm_not_finite *bad,
                                   anm_error *err) {
    *s = (anm_palette_source){.weight = weight, .first = first, .rows = rows,
                              .columns = weight->tensor->shape[1], .bad = bad};
    return scaled ? add_scales(s, err) : ANM_OK;
}

void anm_palette_source_free(anm_palette_source *s) {
    anm_free(s->scales);
    anm_free(s->row_importance);
    anm_free(s->wide);
}

/* SPDX-License-Identifier: MIT */
/*
 * Palettization: fp16 weights as a table of 2^bits fp16 entries for each group, and an index per
 * weight. The tables are optimal: no other table of fp16 entries has a smaller squared error for
 * the group (docs/quantisation.md says how and how exactly). They depend on the weights alone, not
 * on the number of threads.
 */
#ifndef ANM_CONVERT_PALETTIZE_H
#define ANM_CONVERT_PALETTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

enum { ANM_PALETTE_MAX_BITS = 8, ANM_PALETTE_MAX = 1 << ANM_PALETTE_MAX_BITS };

/* 1, 2, 3, 4, 6 or 8: what CoreML has index types for. */
bool anm_palette_bits_valid(int bits);

/* One thread's workspace, about 6 MB. NULL when memory is out. */
typedef struct anm_palettizer anm_palettizer;
anm_palettizer *anm_palettizer_create(void);
void anm_palettizer_destroy(anm_palettizer *p); /* NULL is fine */

/* Weights that share a table: values[r * stride + c]. */
typedef struct anm_palette_group {
    const uint16_t *values; /* fp16 */
    size_t rows, columns, stride;
    /*
     * How much a weight's squared error counts: importance[r * importance_stride + c], so a
     * stride of 0 means a factor per column. Finite, not negative; NULL: all count the same.
     */
    const double *importance;
    size_t importance_stride;
    const double *row_importance; /* another factor for each row, likewise */
} anm_palette_group;

/*
 * The optimal table: `lut` gets 2^bits fp16 entries in ascending order; if there are fewer distinct
 * values than that, they are the entries, and the last is repeated. indices[r * stride + c], with
 * the values' stride, gets the nearest entry, the lower of two equally near; NULL: they are not
 * wanted. `error` (may be NULL) gets the squared error, weighted by importance. At most 2^31
 * weights.
 *
 * ANM_ERROR_ARGUMENT for values or importances that are not finite, or no weights; the offset is
 * the position in the group, row by row.
 */
ANM_MUST_CHECK anm_status anm_palettize_group(anm_palettizer *p, const anm_palette_group *group,
                                              int bits, uint16_t *lut, uint8_t *indices,
                                              double *error, anm_error *err);

/* What there is of each fp16 code among weights that share a table: enough to make it. */
typedef struct anm_palette_histogram {
    uint64_t counts[1 << 16];
    double importances[1 << 16];
} anm_palette_histogram;

void anm_palette_histogram_add(anm_palette_histogram *h, const anm_palette_group *group);
void anm_palette_histogram_merge(anm_palette_histogram *h, const anm_palette_histogram *other);
/*
 * The same for weights that were counted; map[code] gets the index of each code that occurs.
 * `weighted`: by importance.
 */
ANM_MUST_CHECK anm_status anm_palettize_histogram(anm_palettizer *p,
                                                  const anm_palette_histogram *h, bool weighted,
                                                  int bits, uint16_t *lut, uint8_t *map,
                                                  double *error, anm_error *err);

/*
 * Where the nearest entry changes: any fp16 number's index is how many of the 2^bits - 1 bounds
 * its key exceeds (anm_palette_nearest). For a table in ascending order, its tail repeated or not.
 */
void anm_palette_bounds(const uint16_t *lut, int bits, uint16_t *bounds);

/* Order-preserving: a greater fp16 number has a greater key. Minus zero is taken for zero. */
static inline uint16_t anm_palette_key(uint16_t code) {
    if (code == 0x8000) code = 0;
    return (uint16_t)(code ^ ((code & 0x8000) ? 0xffff : 0x8000));
}

static inline uint8_t anm_palette_nearest(const uint16_t *bounds, int bits, uint16_t code) {
    unsigned key = anm_palette_key(code), at = 0;
    for (unsigned step = 1u << (bits - 1); step > 0; step /= 2)
        at += key > bounds[at + step - 1] ? step : 0;
    return (uint8_t)at;
}

/* A matrix in groups of rows (axis 0) or columns (axis 1); the last group may be smaller. */
typedef struct anm_palette_matrix {
    const uint16_t *values;   /* fp16 [rows, columns] */
    int64_t rows, columns;
    const double *importance; /* per column; NULL: all count the same */
    int axis;
    int64_t group; /* rows or columns that share a table; all of them or more: per tensor */
    int bits;
    int threads; /* 0: all processors */
    const double *row_importance; /* another factor for each row; NULL: all count the same */
} anm_palette_matrix;

int64_t anm_palette_matrix_groups(const anm_palette_matrix *m);

/*
 * lut: fp16 [groups, 2^bits]; indices (may be NULL): [rows, columns], a byte each; errors (may be
 * NULL): the squared error of each group. If several groups fail, the error is that of the first
 * of them.
 */
ANM_MUST_CHECK anm_status anm_palettize_matrix(const anm_palette_matrix *m, uint16_t *lut,
                                               uint8_t *indices, double *errors, anm_error *err);

/*
 * Packs indices as blob files have them: a little-endian stream of `bits` bits each. Writes
 * ceil(count * bits / 8) bytes; unused bits of the last one are 0.
 */
void anm_palette_pack(uint8_t *out, const uint8_t *indices, size_t count, int bits);

#endif

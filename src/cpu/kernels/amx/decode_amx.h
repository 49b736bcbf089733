/* SPDX-License-Identifier: MIT */
/*
 * The next block of weights, brought into tiles a few rows at a time while the tiles multiply the
 * block before. Whole rows of the usual widths are looked up with nothing in between, as what is
 * spent around the look-ups counts as much as they do.
 */
#ifndef ANM_CPU_DECODE_AMX_H
#define ANM_CPU_DECODE_AMX_H

#include "src/cpu/kernels/amx/tiles_amx.h"
#include "src/cpu/kernels/gemm_panel_template.h"

#define ROW static inline __attribute__((always_inline)) void

/* A block's columns of a row, a tile for each STEP of them. */
ROW row_of_4(const uint8_t *packed, const weight *table, weight *out) {
    __m512i entries = _mm512_loadu_si512(table);
    for (int i = 0; i < BLOCK / STEP; i++)
        _mm512_storeu_si512(out + i * TILE_HALVES,
                            _mm512_permutexvar_epi16(nibble_words(packed + 16 * i), entries));
}

ROW row_of_6(const uint8_t *packed, const weight *table, weight *out) {
    __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 32);
    for (int i = 0; i < BLOCK / STEP; i++) {
        __m512i words = window_words(packed + 24 * i, 6, 3);
        _mm512_storeu_si512(out + i * TILE_HALVES, _mm512_permutex2var_epi16(low, words, high));
    }
}

ROW row_of_8(const uint8_t *packed, const weight *table, weight *out) {
    decode_8(packed, table, BLOCK / STEP, out, TILE_HALVES);
}

/* Halves are no indices: the table is not asked. */
ROW row_of_16(const uint8_t *packed, const weight *table, weight *out) {
    (void)table;
    for (int i = 0; i < BLOCK / STEP; i++) {
        const uint16_t *halves = (const uint16_t *)(const void *)packed + i * STEP;
        _mm512_storeu_si512(out + i * TILE_HALVES,
                            round_pair(v_load_half(halves), v_load_half(halves + VN)));
    }
}

/* Tiles lie [upper rows, lower rows][steps]; rows of 64 bytes. */
static inline weight *row_in_tiles(weight *tiles, int64_t row) {
    return tiles + row / SIDE * (SIDE * BLOCK) + row % SIDE * STEP;
}

/* Rows from .. to of a panel, BLOCK columns each. */
typedef void (*rows_decoder)(const gemm_panel *p, int64_t from, int64_t to, weight *tiles);

#define DECODE_ROWS(bits)                                                                     \
    static void decode_rows_##bits(const gemm_panel *p, int64_t from, int64_t to,             \
                                   weight *tiles) {                                           \
        const uint8_t *packed = p->packed + from * p->row_bytes;                              \
        for (int64_t r = from; r < to; r++, packed += p->row_bytes) {                         \
            panel_prefetch(packed + p->distance, BLOCK * (bits) / 8);                         \
            row_of_##bits(packed, p->table[r], row_in_tiles(tiles, r));                       \
        }                                                                                     \
    }
DECODE_ROWS(4)
DECODE_ROWS(6)
DECODE_ROWS(8)
DECODE_ROWS(16)

/* NULL for other widths and forms: panel_decode() takes them, row by row. */
static rows_decoder rows_decoder_of(const gemm_panel *p) {
    if (p->w->kind == ANM_MATRIX_FP16 && !p->w->row_scale) return decode_rows_16;
    if (!p->by_table) return NULL;
    switch (p->w->bits) {
    case 4: return decode_rows_4;
    case 6: return decode_rows_6;
    case 8: return decode_rows_8;
    default: return NULL;
    }
}

/* The block being decoded; `credit` spreads the rows evenly over the tile steps. */
typedef struct ahead {
    gemm_panel *panel;
    weight *tiles;
    rows_decoder decode;
    int64_t row, rows, columns;
    int64_t credit, steps;
} ahead;

static ahead ahead_start(gemm_panel *p, weight *tiles, const walk *at, int64_t steps) {
    ahead a = {.panel = p, .tiles = tiles, .steps = steps};
    if (walk_ended(at)) return a;
    panel_turn(p, at);
    if (p->rows < PANEL) memset(tiles, 0, PANEL * BLOCK * sizeof *tiles);
    a.columns = p->k1 - p->k0;
    a.rows = p->rows;
    if (a.columns == BLOCK) a.decode = rows_decoder_of(p);
    return a;
}

static __attribute__((noinline)) void ahead_by_row(ahead *a, int64_t end) {
    for (int64_t r = a->row; r < end; r++)
        panel_decode(a->panel, r, a->columns, row_in_tiles(a->tiles, r), TILE_HALVES);
}

static inline void ahead_to(ahead *a, int64_t end) {
    if (a->decode) a->decode(a->panel, a->row, end, a->tiles);
    else ahead_by_row(a, end);
    a->row = end;
}

static inline void ahead_step(ahead *a) {
    a->credit += a->rows;
    if (a->credit < a->steps || a->row >= a->rows) return;
    int64_t end = a->row;
    for (; a->credit >= a->steps && end < a->rows; end++) a->credit -= a->steps;
    ahead_to(a, end);
}

static void ahead_finish(ahead *a) { ahead_to(a, a->rows); }

#endif

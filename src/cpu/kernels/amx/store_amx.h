/* SPDX-License-Identifier: MIT */
/*
 * The sums of a panel that is complete, written into the output a tile at a time while the tiles
 * multiply the next panel: it takes the vector units as long as a third of the multiplication at 64
 * tokens, and its stores wait for caches.
 */
#ifndef ANM_CPU_STORE_AMX_H
#define ANM_CPU_STORE_AMX_H

#include "src/cpu/kernels/amx/tiles_amx.h"
#include "src/cpu/kernels/gemm_input_template.h"
#include "src/cpu/kernels/gemm_store_template.h"

typedef struct behind {
    const anm_matrix *w;
    const gemm_input *in;
    float *y;
    int64_t ldy;
    bool scaled; /* rows have scales that the decoded weights do not contain yet */
    float *sums; /* tiles: [side][group of tokens] */
    int64_t row, rows;
    int64_t tile, tiles;
    int64_t credit, steps; /* spread the tiles evenly over the tile steps */
} behind;

static void scale_rows(const anm_matrix *w, float *sums, int64_t row, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        v_store(sums + r * SIDE, v_mul(v_load(sums + r * SIDE), v_set(row_factor(w, row + r))));
}

/* Both sides of a group of tokens in turn: they lie beside each other in the output. */
static __attribute__((noinline)) void behind_tile(behind *b) {
    int64_t side = b->tile % 2, group = b->tile / 2, r = side * SIDE, t = group * SIDE;
    int64_t rows = b->rows - r < SIDE ? b->rows - r : SIDE;
    int64_t tokens = b->in->tokens - t < SIDE ? b->in->tokens - t : SIDE;
    float *sums = b->sums + (side * b->in->groups + group) * TILE_FLOATS;
    float *y = b->y + t * b->ldy + b->row + r;
    b->tile++;
    if (rows <= 0) return;
    if (b->scaled) scale_rows(b->w, sums, b->row + r, rows);
    if (rows == SIDE && tokens == SIDE) store_square(sums, SIDE, SIDE, SIDE, y, b->ldy);
    else store_square(sums, SIDE, rows, tokens, y, b->ldy);
}

static inline void behind_step(behind *b) {
    b->credit += b->tiles;
    if (b->credit < b->steps || b->tile >= b->tiles) return;
    b->credit -= b->steps;
    behind_tile(b);
}

static void behind_finish(behind *b) {
    while (b->tile < b->tiles) behind_tile(b);
}

/* The panel that is complete; the one before it has been written. */
static void behind_start(behind *b, const walk *at, float *sums) {
    b->sums = sums;
    b->row = at->row;
    b->rows = at->last - at->row < PANEL ? at->last - at->row : PANEL;
    b->tile = b->credit = 0;
    b->tiles = 2 * b->in->groups;
}

#endif

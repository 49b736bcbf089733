/* SPDX-License-Identifier: MIT */
/*
 * The order in which a thread takes the blocks of its rows. All columns of a panel, one block after
 * the other, if the input is small; else all panels of a portion of the rows for each block of
 * columns, so that the input streams through the caches once a portion.
 */
#ifndef ANM_CPU_GEMM_WALK_H
#define ANM_CPU_GEMM_WALK_H

#include <stdbool.h>
#include <stdint.h>

enum { BLOCK = 256, PANEL = 32 }; /* columns and rows of a block */

typedef struct walk {
    int64_t row, k0;
    int64_t first, last; /* rows of the portion */
    int64_t end;         /* of all rows */
    int64_t portion, columns;
} walk;

static inline bool walk_ended(const walk *w) { return w->first >= w->end; }

static inline void walk_portion(walk *w, int64_t first) {
    w->first = w->row = first;
    w->last = first + w->portion < w->end ? first + w->portion : w->end;
    w->k0 = 0;
}

static inline void walk_on(walk *w) {
    w->row += PANEL;
    if (w->row < w->last) return;
    w->row = w->first;
    w->k0 += BLOCK;
    if (w->k0 >= w->columns) walk_portion(w, w->last);
}

static inline walk walk_start(int64_t row0, int64_t row1, int64_t columns, int64_t portion) {
    walk w = {.end = row1, .columns = columns, .portion = portion};
    walk_portion(&w, row0);
    return w;
}

/* The sums of its rows are complete with this block. */
static inline bool walk_is_last_block(const walk *w) { return w->k0 + BLOCK >= w->columns; }

/* Weights between the beginnings of this block and the next. */
static inline int64_t walk_distance(const walk *w) {
    walk next = *w;
    walk_on(&next);
    return (next.row - w->row) * w->columns + next.k0 - w->k0;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Steps that go row by row over the last dimension: where the rows of each operand begin. */
#ifndef ANM_CPU_ROW_WALK_H
#define ANM_CPU_ROW_WALK_H

#include <string.h>

#include "src/cpu/planner.h"

enum { ANM_ROW_OPERANDS = 6 };

/* The rows of several operands that broadcast to one shape. */
typedef struct anm_row_walk {
    int rank; /* without the last dimension */
    int64_t shape[ANM_MAX_RANK], stride[ANM_ROW_OPERANDS][ANM_MAX_RANK];
    int64_t rows;
} anm_row_walk;

static inline void anm_row_walk_begin(anm_row_walk *w, const anm_view *shape) {
    *w = (anm_row_walk){.rank = shape->rank - 1, .rows = 1};
    for (int i = 0; i < w->rank; i++) {
        w->shape[i] = shape->shape[i];
        w->rows *= shape->shape[i];
    }
}

static inline void anm_row_walk_add(anm_row_walk *w, int operand, const anm_view *v) {
    for (int i = 0; i < w->rank; i++) {
        int k = i - (w->rank - (v->rank - 1));
        w->stride[operand][i] = k < 0 || v->shape[k] == 1 ? 0 : v->stride[k];
    }
}

static inline void anm_row_offsets(const anm_row_walk *w, int operands, int64_t row, int64_t *at) {
    memset(at, 0, (size_t)operands * sizeof *at);
    for (int i = w->rank - 1; i >= 0; i--) {
        int64_t index = row % w->shape[i];
        row /= w->shape[i];
        for (int o = 0; o < operands; o++) at[o] += index * w->stride[o][i];
    }
}

#endif

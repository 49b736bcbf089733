/* SPDX-License-Identifier: MIT */
/*
 * Walking over a shape row by row with one offset per operand: the one loop behind broadcasting,
 * transposing, slicing, padding and reducing.
 *
 *     anm_walk w;
 *     anm_walk_init(&w, rank, shape);
 *     anm_walk_add(&w, strides, start);                   // operand 0, and so on
 *     for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
 *         for (int64_t k = 0; k < w.length; k++) ... base[w.at[0] + k * w.step[0]] ...
 */
#ifndef ANM_INTERP_WALK_H
#define ANM_INTERP_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "anemone/tensor.h"

enum { ANM_WALK_OPERANDS = 4 };

typedef struct anm_walk {
    int rank; /* of the rows' outer index: the last dimension is the row */
    int operands;
    int64_t length; /* of a row */
    int64_t shape[ANM_MAX_RANK], index[ANM_MAX_RANK];
    int64_t stride[ANM_WALK_OPERANDS][ANM_MAX_RANK];
    int64_t step[ANM_WALK_OPERANDS]; /* within a row */
    int64_t at[ANM_WALK_OPERANDS];   /* of the row's first element */
} anm_walk;

/* Strides of a dense row-major tensor. */
static inline void anm_dense_strides(int rank, const int64_t *shape, int64_t *stride) {
    int64_t n = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= shape[i];
    }
}

/* Strides of a dense tensor seen under a broadcast shape: 0 where it is repeated. */
static inline void anm_broadcast_strides(int rank, const int64_t *shape, int to_rank,
                                         int64_t *stride) {
    int64_t n = 1;
    for (int i = to_rank - 1; i >= 0; i--) {
        int k = i - (to_rank - rank);
        stride[i] = k < 0 || shape[k] == 1 ? 0 : n;
        if (k >= 0) n *= shape[k];
    }
}

static inline void anm_walk_init(anm_walk *w, int rank, const int64_t *shape) {
    *w = (anm_walk){.rank = rank > 0 ? rank - 1 : 0};
    w->length = rank > 0 ? shape[rank - 1] : 1;
    for (int i = 0; i < w->rank; i++) w->shape[i] = shape[i];
}

/* `stride` has the rank given to anm_walk_init. */
static inline void anm_walk_add(anm_walk *w, const int64_t *stride, int64_t start) {
    int o = w->operands++;
    for (int i = 0; i < w->rank; i++) w->stride[o][i] = stride[i];
    w->step[o] = w->length == 1 ? 0 : stride[w->rank];
    w->at[o] = start;
}

/* False when there is nothing to visit. */
static inline bool anm_walk_begin(const anm_walk *w) {
    for (int i = 0; i < w->rank; i++)
        if (w->shape[i] == 0) return false;
    return w->length > 0;
}

static inline bool anm_walk_next(anm_walk *w) {
    for (int i = w->rank - 1; i >= 0; i--) {
        for (int o = 0; o < w->operands; o++) w->at[o] += w->stride[o][i];
        if (++w->index[i] < w->shape[i]) return true;
        for (int o = 0; o < w->operands; o++) w->at[o] -= w->stride[o][i] * w->shape[i];
        w->index[i] = 0;
    }
    return false;
}

/*
 * Splits the axes of a dense tensor into the marked ones (inner) and the others (outer), operand 0
 * of both walking over the tensor. Gives the number of elements of the inner walk.
 */
static inline int64_t anm_walk_split(int rank, const int64_t *shape, const bool *marked,
                                     anm_walk *outer, anm_walk *inner) {
    int64_t dense[ANM_MAX_RANK], dims[2][ANM_MAX_RANK], stride[2][ANM_MAX_RANK], count = 1;
    int ranks[2] = {0, 0};
    anm_dense_strides(rank, shape, dense);
    for (int i = 0; i < rank; i++) {
        int side = marked[i];
        dims[side][ranks[side]] = shape[i];
        stride[side][ranks[side]++] = dense[i];
        if (side) count *= shape[i];
    }
    anm_walk_init(outer, ranks[0], dims[0]);
    anm_walk_add(outer, stride[0], 0);
    anm_walk_init(inner, ranks[1], dims[1]);
    anm_walk_add(inner, stride[1], 0);
    return count;
}

#endif

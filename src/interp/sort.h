/* SPDX-License-Identifier: MIT */
/* The order that topk and argsort give: stable, NaN as the largest. */
#ifndef ANM_INTERP_SORT_H
#define ANM_INTERP_SORT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct anm_sorter {
    const double *key;
    int64_t stride; /* between keys */
    bool ascending;
} anm_sorter;

/* Whether element a stands before b, whatever their places. */
bool anm_sorts_before(const anm_sorter *s, int64_t a, int64_t b);
/* Places 0 .. n-1 in order; `other` is as long as `index`. */
void anm_sort_indices(const anm_sorter *s, int64_t *index, int64_t *other, int64_t n);

#endif

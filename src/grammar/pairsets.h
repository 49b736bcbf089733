/* SPDX-License-Identifier: MIT */
/* Sets of pairs of numbers, each stored once, so that equal sets have equal numbers. */
#ifndef ANM_GRAMMAR_PAIRSETS_H
#define ANM_GRAMMAR_PAIRSETS_H

#include <stdint.h>

#include "src/base/map.h"
#include "src/base/vec.h"

/* A node of the graph and a frame. */
typedef struct anm_pair {
    uint32_t node, frame;
} anm_pair;

typedef ANM_VEC(anm_pair) anm_pairs;

/* Set 0 is the empty one. */
typedef struct anm_pair_sets {
    anm_pairs pairs;         /* of all sets */
    ANM_VEC(uint32_t) first; /* of set i; it ends where i + 1 begins */
    uint32_t *slots;         /* hash table of set numbers; 0: free */
    size_t mask;
} anm_pair_sets;

bool anm_pair_sets_init(anm_pair_sets *sets); /* false when memory is out */
void anm_pair_sets_free(anm_pair_sets *sets);
/* The number of the set; sorts `pairs`. UINT32_MAX when memory is out. */
uint32_t anm_pair_sets_intern(anm_pair_sets *sets, anm_pairs *pairs);

#endif

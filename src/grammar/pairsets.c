/* SPDX-License-Identifier: MIT */
/* Sets of pairs that are stored once: sorted, hashed, numbered. */
#include "src/grammar/pairsets.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    const anm_pair *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static void sort(anm_pairs *pairs) {
    size_t kept = 0;
    if (pairs->len > 1) qsort(pairs->data, pairs->len, sizeof *pairs->data, by_value);
    for (size_t i = 0; i < pairs->len; i++)
        if (!kept || by_value(&pairs->data[kept - 1], &pairs->data[i]) != 0)
            pairs->data[kept++] = pairs->data[i];
    pairs->len = kept;
}

static size_t count_of(const anm_pair_sets *sets, uint32_t set) {
    return sets->first.data[set + 1] - sets->first.data[set];
}

static uint64_t hash_of(const anm_pair *pairs, size_t count) {
    return anm_hash_bytes(pairs, count * sizeof *pairs);
}

bool anm_pair_sets_init(anm_pair_sets *sets) {
    *sets = (anm_pair_sets){.mask = 255};
    sets->slots = anm_calloc(sets->mask + 1, sizeof *sets->slots);
    return sets->slots && anm_vec_push(&sets->first, 0) && anm_vec_push(&sets->first, 0);
}

void anm_pair_sets_free(anm_pair_sets *sets) {
    anm_vec_free(&sets->pairs);
    anm_vec_free(&sets->first);
    anm_free(sets->slots);
    sets->slots = NULL;
}

static bool widen(anm_pair_sets *sets) {
    size_t mask = sets->mask * 2 + 1;
    uint32_t *slots = anm_calloc(mask + 1, sizeof *slots);
    if (!slots) return false;
    for (uint32_t set = 1; set + 1 < sets->first.len; set++) {
        const anm_pair *pairs = sets->pairs.data + sets->first.data[set];
        size_t at = hash_of(pairs, count_of(sets, set)) & mask;
        while (slots[at]) at = (at + 1) & mask;
        slots[at] = set;
    }
    anm_free(sets->slots);
    sets->slots = slots;
    sets->mask = mask;
    return true;
}

static bool append(anm_pair_sets *sets, const anm_pairs *pairs) {
    size_t end = sets->pairs.len + pairs->len;
    if (end >= UINT32_MAX || !anm_vec_reserve(&sets->pairs, end)) return false;
    memcpy(sets->pairs.data + sets->pairs.len, pairs->data, pairs->len * sizeof *pairs->data);
    sets->pairs.len = end;
    return anm_vec_push(&sets->first, (uint32_t)end);
}

uint32_t anm_pair_sets_intern(anm_pair_sets *sets, anm_pairs *pairs) {
    sort(pairs);
    if (!pairs->len) return 0;
    if (sets->first.len * 2 > sets->mask && !widen(sets)) return UINT32_MAX;
    size_t size = pairs->len * sizeof *pairs->data;
    size_t at = hash_of(pairs->data, pairs->len) & sets->mask;
    for (; sets->slots[at]; at = (at + 1) & sets->mask) {
        uint32_t set = sets->slots[at];
        if (count_of(sets, set) != pairs->len) continue;
        if (memcmp(sets->pairs.data + sets->first.data[set], pairs->data, size) == 0) return set;
    }
    uint32_t set = (uint32_t)sets->first.len - 1;
    if (!append(sets, pairs)) return UINT32_MAX;
    return sets->slots[at] = set;
}

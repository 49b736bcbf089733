/* SPDX-License-Identifier: MIT */
/*
 * A cache of words and their ids for one thread. It forgets everything when it is full: texts
 * repeat their words soon or never, so an order of age would cost more than it saves.
 */
#ifndef ANM_HF_TOK_WORDCACHE_H
#define ANM_HF_TOK_WORDCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

/* Longer words, and words of more ids, are not kept. */
enum { ANM_WORDCACHE_MAX_KEY = 60, ANM_WORDCACHE_MAX_IDS = 60, ANM_WORDCACHE_ENTRIES = 1 << 15 };

typedef struct anm_wordcache_slot {
    uint32_t tag; /* of the hash */
    uint32_t data; /* offset into `data`: the ids, then the key */
    uint8_t key_len; /* 0: free */
    uint8_t id_count;
} anm_wordcache_slot;

typedef struct anm_wordcache {
    anm_wordcache_slot *slots;
    size_t cap, len; /* cap is zero or a power of two */
    char *data;
    size_t data_len, data_cap;
} anm_wordcache;

void anm_wordcache_free(anm_wordcache *cache);
/* The ids of a word; NULL when it is not there. Valid until the next insertion. Unaligned: copy. */
const char *anm_wordcache_find(const anm_wordcache *cache, anm_sv word, size_t *count);
/* Does nothing when the entry is too long or memory is out. */
void anm_wordcache_insert(anm_wordcache *cache, anm_sv word, const int32_t *ids, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* A set of byte strings and the longest of them at a place in a text. */
#ifndef ANM_HF_TOK_TRIE_H
#define ANM_HF_TOK_TRIE_H

#include <stdint.h>

#include "src/base/str.h"
#include "src/base/vec.h"

typedef struct anm_trie_node {
    int32_t value;         /* -1: no string ends here */
    int32_t child, sibling; /* -1: none */
    unsigned char byte;
} anm_trie_node;

typedef struct anm_trie {
    ANM_VEC(anm_trie_node) nodes;
    int32_t first[256]; /* node for a first byte, or -1 */
} anm_trie;

void anm_trie_init(anm_trie *trie);
/* False when memory is out. A string that is there already keeps its value. */
bool anm_trie_add(anm_trie *trie, anm_sv string, int32_t value);
void anm_trie_free(anm_trie *trie);

/* The leftmost place at or after `from` where a string begins, and the longest one there. */
bool anm_trie_find(const anm_trie *trie, anm_sv text, size_t from, size_t *start, size_t *end,
                   int32_t *value);

#endif

/* SPDX-License-Identifier: MIT */
/* The trie: children are a linked list, since few nodes have many. */
#include "src/hf/tok_trie.h"

void anm_trie_init(anm_trie *trie) {
    *trie = (anm_trie){0};
    memset(trie->first, 0xFF, sizeof trie->first);
}

void anm_trie_free(anm_trie *trie) {
    anm_vec_free(&trie->nodes);
}

static int32_t find_child(const anm_trie *trie, int32_t node, unsigned char byte) {
    int32_t child = trie->nodes.data[node].child;
    while (child >= 0 && trie->nodes.data[child].byte != byte)
        child = trie->nodes.data[child].sibling;
    return child;
}

static int32_t new_node(anm_trie *trie, unsigned char byte, int32_t sibling) {
    anm_trie_node node = {-1, -1, sibling, byte};
    int32_t index = (int32_t)trie->nodes.len;
    return anm_vec_push(&trie->nodes, node) ? index : -1;
}

bool anm_trie_add(anm_trie *trie, anm_sv string, int32_t value) {
    if (string.len == 0) return true;
    unsigned char byte = (unsigned char)string.data[0];
    int32_t node = trie->first[byte];
    if (node < 0) node = trie->first[byte] = new_node(trie, byte, -1);
    for (size_t i = 1; node >= 0 && i < string.len; i++) {
        byte = (unsigned char)string.data[i];
        int32_t child = find_child(trie, node, byte);
        if (child < 0) {
            child = new_node(trie, byte, trie->nodes.data[node].child);
            if (child >= 0) trie->nodes.data[node].child = child;
        }
        node = child;
    }
    if (node < 0) return false;
    if (trie->nodes.data[node].value < 0) trie->nodes.data[node].value = value;
    return true;
}

static size_t longest_at(const anm_trie *trie, anm_sv text, size_t at, int32_t *value) {
    size_t longest = 0;
    int32_t node = trie->first[(unsigned char)text.data[at]];
    for (size_t i = at + 1; node >= 0; i++) {
        if (trie->nodes.data[node].value >= 0) {
            *value = trie->nodes.data[node].value;
            longest = i - at;
        }
        if (i == text.len) break;
        node = find_child(trie, node, (unsigned char)text.data[i]);
    }
    return longest;
}

bool anm_trie_find(const anm_trie *trie, anm_sv text, size_t from, size_t *start, size_t *end,
                   int32_t *value) {
    if (trie->nodes.len == 0) return false;
    for (size_t i = from; i < text.len; i++) {
        if (trie->first[(unsigned char)text.data[i]] < 0) continue;
        size_t len = longest_at(trie, text, i, value);
        if (len == 0) continue;
        *start = i;
        *end = i + len;
        return true;
    }
    return false;
}

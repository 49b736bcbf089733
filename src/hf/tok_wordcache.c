/* SPDX-License-Identifier: MIT */
/* The word cache: open addressing, at most half full. */
#include "src/hf/tok_wordcache.h"

#include "src/base/alloc.h"
#include "src/base/map.h"

void anm_wordcache_free(anm_wordcache *c) {
    anm_free(c->slots);
    anm_free(c->data);
    *c = (anm_wordcache){0};
}

/* Short keys dominate: one or two overlapping words instead of a loop over bytes. */
static uint64_t hash_word(anm_sv word) {
    uint64_t a = 0, b = 0;
    if (word.len > 16) return anm_hash_bytes(word.data, word.len);
    if (word.len >= 8) {
        memcpy(&a, word.data, 8);
        memcpy(&b, word.data + word.len - 8, 8);
    } else if (word.len >= 4) {
        memcpy(&a, word.data, 4);
        memcpy(&b, word.data + word.len - 4, 4);
    } else {
        a = (unsigned char)word.data[0];
        b = (uint64_t)(unsigned char)word.data[word.len / 2] << 8 |
            (unsigned char)word.data[word.len - 1];
    }
    uint64_t h = (a ^ word.len * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    h = (h ^ h >> 32 ^ b) * 0x9FB21C651E98DF25u;
    return h ^ h >> 29;
}

static anm_wordcache_slot *find_slot(const anm_wordcache *c, anm_sv word, uint32_t *tag) {
    uint64_t hash = hash_word(word);
    *tag = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash & (c->cap - 1);; i = (i + 1) & (c->cap - 1)) {
        anm_wordcache_slot *slot = &c->slots[i];
        if (!slot->key_len) return slot;
        if (slot->tag == *tag && slot->key_len == word.len &&
            !memcmp(c->data + slot->data + 4 * slot->id_count, word.data, word.len))
            return slot;
    }
}

const char *anm_wordcache_find(const anm_wordcache *c, anm_sv word, size_t *count) {
    uint32_t tag;
    if (!c->cap || word.len > ANM_WORDCACHE_MAX_KEY || word.len == 0) return NULL;
    const anm_wordcache_slot *slot = find_slot(c, word, &tag);
    *count = slot->id_count;
    return slot->key_len ? c->data + slot->data : NULL;
}

static bool grow(anm_wordcache *c) {
    anm_wordcache bigger = *c;
    uint32_t tag;
    bigger.cap = c->cap ? c->cap * 2 : 256;
    bigger.slots = anm_calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots) return false;
    for (size_t i = 0; i < c->cap; i++) {
        const anm_wordcache_slot *slot = &c->slots[i];
        anm_sv word = {c->data + slot->data + 4 * slot->id_count, slot->key_len};
        if (slot->key_len) *find_slot(&bigger, word, &tag) = *slot;
    }
    anm_free(c->slots);
    *c = bigger;
    return true;
}

static bool room_for_slot(anm_wordcache *c) {
    if (c->len < c->cap / 2) return true;
    if (c->cap < 2 * ANM_WORDCACHE_ENTRIES) return grow(c);
    memset(c->slots, 0, c->cap * sizeof *c->slots);
    c->len = c->data_len = 0;
    return true;
}

static bool room_for_data(anm_wordcache *c, size_t more) {
    if (c->data_len + more <= c->data_cap) return true;
    size_t cap = c->data_cap * 2 + 8192;
    char *grown = anm_realloc_array(c->data, cap, 1);
    if (!grown) return false;
    c->data = grown;
    c->data_cap = cap;
    return true;
}

void anm_wordcache_insert(anm_wordcache *c, anm_sv word, const int32_t *ids, size_t count) {
    uint32_t tag;
    if (word.len == 0 || word.len > ANM_WORDCACHE_MAX_KEY || count > ANM_WORDCACHE_MAX_IDS) return;
    if (!room_for_slot(c) || !room_for_data(c, 4 * count + word.len)) return;
    anm_wordcache_slot *slot = find_slot(c, word, &tag);
    if (slot->key_len) return;
    *slot = (anm_wordcache_slot){tag, (uint32_t)c->data_len, (uint8_t)word.len, (uint8_t)count};
    if (count) memcpy(c->data + c->data_len, ids, 4 * count);
    memcpy(c->data + c->data_len + 4 * count, word.data, word.len);
    c->data_len += 4 * count + word.len;
    c->len++;
}

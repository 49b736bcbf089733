/* SPDX-License-Identifier: MIT */
#include "src/base/map.h"

#include "src/base/alloc.h"

/* FNV-1a in 8-byte steps with a final mix: short keys dominate (token texts, value names). */
uint64_t anm_hash_bytes(const void *data, size_t len) {
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u ^ (len * 0x9e3779b97f4a7c15u);
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = (h ^ word) * 0x9fb21c651e98df25u;
        h ^= h >> 29;
        p += 8;
        len -= 8;
    }
    for (; len; len--) h = (h ^ *p++) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 29);
}

static anm_map_slot *find(const anm_map *map, anm_sv key, uint64_t hash) {
    size_t mask = map->cap - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        anm_map_slot *slot = &map->slots[i];
        if (!slot->key.data) return slot;
        if (slot->hash == hash && anm_sv_equal(slot->key, key)) return slot;
    }
}

static bool grow(anm_map *map, size_t cap) {
    anm_map bigger = {anm_calloc(cap, sizeof(anm_map_slot)), map->len, cap};
    if (!bigger.slots) return false;
    for (size_t i = 0; i < map->cap; i++) {
        anm_map_slot *slot = &map->slots[i];
        if (slot->key.data) *find(&bigger, slot->key, slot->hash) = *slot;
    }
    anm_free(map->slots);
    *map = bigger;
    return true;
}

bool anm_map_reserve(anm_map *map, size_t count) {
    size_t cap = map->cap ? map->cap : 16;
    while (cap / 4 * 3 < count) {
        if (cap > SIZE_MAX / 4) return false;
        cap *= 2;
    }
    return cap == map->cap || grow(map, cap);
}

bool anm_map_put(anm_map *map, anm_sv key, uint64_t value) {
    if (!anm_map_reserve(map, map->len + 1)) return false;
    if (!key.data) key.data = "";
    uint64_t hash = anm_hash_bytes(key.data, key.len);
    anm_map_slot *slot = find(map, key, hash);
    if (!slot->key.data) map->len++;
    *slot = (anm_map_slot){key, hash, value};
    return true;
}

bool anm_map_get(const anm_map *map, anm_sv key, uint64_t *value) {
    if (!map->len) return false;
    const anm_map_slot *slot = find(map, key, anm_hash_bytes(key.data, key.len));
    if (!slot->key.data) return false;
    if (value) *value = slot->value;
    return true;
}

void anm_map_free(anm_map *map) {
    anm_free(map->slots);
    *map = (anm_map){0};
}

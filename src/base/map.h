/* SPDX-License-Identifier: MIT */
/*
 * Hash map from byte strings to 64-bit values (an index, or a pointer cast by the caller).
 * Keys are not copied: they must outlive the map. No removal. Open addressing.
 */
#ifndef ANM_BASE_MAP_H
#define ANM_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

typedef struct anm_map_slot {
    anm_sv key; /* key.data == NULL: free */
    uint64_t hash, value;
} anm_map_slot;

typedef struct anm_map {
    anm_map_slot *slots;
    size_t len, cap; /* cap is zero or a power of two */
} anm_map;

uint64_t anm_hash_bytes(const void *data, size_t len);

bool anm_map_reserve(anm_map *map, size_t count);
/* False when memory is out. An existing key keeps its slot and gets the new value. */
bool anm_map_put(anm_map *map, anm_sv key, uint64_t value);
/* False when absent; *value is untouched then. `value` may be NULL. */
bool anm_map_get(const anm_map *map, anm_sv key, uint64_t *value);
void anm_map_free(anm_map *map);

#endif

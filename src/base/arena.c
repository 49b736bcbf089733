/* SPDX-License-Identifier: MIT */
#include "src/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"

enum { BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16 };

typedef struct block {
    struct block *older;
    size_t used, capacity;
    _Alignas(ALIGNMENT) unsigned char bytes[];
} block;

struct anm_arena {
    block *newest;
    size_t total;
};

anm_arena *anm_arena_create(void) {
    return anm_calloc(1, sizeof(anm_arena));
}

static void drop_newest(anm_arena *arena) {
    block *older = arena->newest->older;
    anm_free(arena->newest);
    arena->newest = older;
}

void anm_arena_destroy(anm_arena *arena) {
    if (!arena) return;
    while (arena->newest) drop_newest(arena);
    anm_free(arena);
}

static block *add_block(anm_arena *arena, size_t size) {
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    if (capacity > SIZE_MAX - sizeof(block)) return NULL;
    block *b = anm_malloc(sizeof(block) + capacity);
    if (!b) return NULL;
    *b = (block){.older = arena->newest, .used = 0, .capacity = capacity};
    arena->newest = b;
    return b;
}

void *anm_arena_alloc(anm_arena *arena, size_t size) {
    if (size > SIZE_MAX - ALIGNMENT) return NULL;
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    block *b = arena->newest;
    if (!b || b->capacity - b->used < rounded) b = add_block(arena, rounded);
    if (!b) return NULL;
    void *memory = b->bytes + b->used;
    b->used += rounded;
    arena->total += rounded;
    memset(memory, 0, size);
    return memory;
}

void *anm_arena_array(anm_arena *arena, size_t count, size_t size) {
    size_t bytes;
    return anm_size_mul(count, size, &bytes) ? anm_arena_alloc(arena, bytes) : NULL;
}

void *anm_arena_copy(anm_arena *arena, const void *data, size_t size) {
    void *copy = anm_arena_alloc(arena, size);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}

char *anm_arena_strndup(anm_arena *arena, const char *text, size_t length) {
    char *copy = length < SIZE_MAX ? anm_arena_alloc(arena, length + 1) : NULL;
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *anm_arena_strdup(anm_arena *arena, const char *text) {
    return anm_arena_strndup(arena, text, strlen(text));
}

char *anm_arena_printf(anm_arena *arena, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = length >= 0 ? anm_arena_alloc(arena, (size_t)length + 1) : NULL;
    if (text) vsnprintf(text, (size_t)length + 1, fmt, again);
    va_end(again);
    return text;
}

size_t anm_arena_used(const anm_arena *arena) {
    return arena->total;
}

anm_arena_mark anm_arena_get_mark(const anm_arena *arena) {
    return (anm_arena_mark){arena->newest, arena->newest ? arena->newest->used : 0};
}

void anm_arena_release(anm_arena *arena, anm_arena_mark mark) {
    while (arena->newest && arena->newest != mark.block) {
        arena->total -= arena->newest->used;
        drop_newest(arena);
    }
    if (!arena->newest) return;
    arena->total -= arena->newest->used - mark.used;
    arena->newest->used = mark.used;
}

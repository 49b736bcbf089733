/* SPDX-License-Identifier: MIT */
/*
 * An arena: many small allocations that die together. One belongs to each long-lived object
 * (a program, a tokenizer); there is no free per node. Not thread-safe.
 */
#ifndef ANM_BASE_ARENA_H
#define ANM_BASE_ARENA_H

#include <stddef.h>

#include "src/base/status.h"

typedef struct anm_arena anm_arena;

/* NULL when memory is out. */
anm_arena *anm_arena_create(void);
void anm_arena_destroy(anm_arena *arena); /* NULL is fine */

/* Zeroed memory, aligned to 16 bytes; NULL when memory is out or the size overflows. */
void *anm_arena_alloc(anm_arena *arena, size_t size);
void *anm_arena_array(anm_arena *arena, size_t count, size_t size);
void *anm_arena_copy(anm_arena *arena, const void *data, size_t size);
/* Zero-terminated copies. */
char *anm_arena_strdup(anm_arena *arena, const char *text);
char *anm_arena_strndup(anm_arena *arena, const char *text, size_t length);
char *anm_arena_printf(anm_arena *arena, const char *fmt, ...) ANM_PRINTF(2, 3);

#define ANM_ARENA_NEW(arena, type) ((type *)anm_arena_alloc((arena), sizeof(type)))
#define ANM_ARENA_ARRAY(arena, type, count)                                                        \
    ((type *)anm_arena_array((arena), (size_t)(count), sizeof(type)))

/* Bytes handed out so far, for statistics. */
size_t anm_arena_used(const anm_arena *arena);

/* Scratch use: everything allocated after the mark is given back by the release. */
typedef struct anm_arena_mark {
    void *block;
    size_t used;
} anm_arena_mark;
anm_arena_mark anm_arena_get_mark(const anm_arena *arena);
void anm_arena_release(anm_arena *arena, anm_arena_mark mark);

#endif

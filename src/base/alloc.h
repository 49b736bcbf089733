/* SPDX-License-Identifier: MIT */
/* The one place that allocates. Sizes go through overflow-checked multiplication. */
#ifndef ANM_BASE_ALLOC_H
#define ANM_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* True, with *out = a * b, unless the product overflows. */
static inline bool anm_size_mul(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

/* All return NULL when memory is out or the size overflows; a zero size gives a valid pointer. */
void *anm_malloc(size_t size);
void *anm_calloc(size_t count, size_t size);
void *anm_realloc_array(void *old, size_t count, size_t size);
void *anm_malloc_aligned(size_t size); /* 64-byte aligned; release with anm_free */
char *anm_strdup(const char *text);
void anm_free(void *memory);

#endif

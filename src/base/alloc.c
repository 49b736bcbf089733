/* SPDX-License-Identifier: MIT */
#include "src/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *anm_malloc(size_t size) {
    return malloc(size ? size : 1);
}

void *anm_calloc(size_t count, size_t size) {
    return calloc(count ? count : 1, size ? size : 1);
}

void *anm_realloc_array(void *old, size_t count, size_t size) {
    size_t bytes;
    if (!anm_size_mul(count, size, &bytes)) return NULL;
    return realloc(old, bytes ? bytes : 1);
}

void *anm_malloc_aligned(size_t size) {
    if (size > SIZE_MAX - 64) return NULL;
    size_t rounded = (size + 63) & ~(size_t)63;
    return aligned_alloc(64, rounded ? rounded : 64);
}

char *anm_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = anm_malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void anm_free(void *memory) {
    free(memory);
}

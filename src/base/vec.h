/* SPDX-License-Identifier: MIT */
/*
 * A growable array: `ANM_VEC(int) v = {0};`. Push gives false when memory is out, the array
 * being unchanged then. Release with anm_vec_free.
 */
#ifndef ANM_BASE_VEC_H
#define ANM_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/alloc.h"

#define ANM_VEC(type)                                                                              \
    struct {                                                                                       \
        type *data;                                                                                \
        size_t len, cap;                                                                           \
    }

#define anm_vec_reserve(v, count)                                                                  \
    anm_vec_reserve_impl((void **)&(v)->data, &(v)->cap, (count), sizeof *(v)->data)
#define anm_vec_push(v, item)                                                                      \
    (anm_vec_reserve((v), (v)->len + 1) ? ((v)->data[(v)->len++] = (item), true) : false)
#define anm_vec_free(v) (anm_free((v)->data), (v)->data = NULL, (v)->len = (v)->cap = 0)

static inline bool anm_vec_reserve_impl(void **data, size_t *cap, size_t count, size_t size) {
    if (count <= *cap) return true;
    size_t wanted = *cap + *cap / 2 + 8;
    if (wanted < count) wanted = count;
    void *grown = anm_realloc_array(*data, wanted, size);
    if (!grown) return false;
    *data = grown;
    *cap = wanted;
    return true;
}

#endif

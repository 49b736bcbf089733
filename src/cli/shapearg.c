/* SPDX-License-Identifier: MIT */
#include "src/cli/shapearg.h"

#include <stdlib.h>
#include <string.h>

/* Numbers above 0, separated by commas or an x; none is a scalar. */
static bool read_dimensions(const char *text, anm_tensor *t) {
    while (*text) {
        char *end;
        long long n = strtoll(text, &end, 10);
        if (end == text || n < 1 || t->rank == ANM_MAX_RANK) return false;
        t->shape[t->rank++] = n;
        if (*end && *end != ',' && *end != 'x') return false;
        text = *end ? end + 1 : end;
    }
    return true;
}

bool cli_shapes(const cli_list *list, shape_args *out) {
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i], *equals = strrchr(text, '=');
        size_t length = equals ? (size_t)(equals - text) : 0;
        if (out->count == SHAPES_MOST || !length || length >= sizeof out->names[0]) return false;
        memcpy(out->names[i], text, length);
        out->tensors[i].name = out->names[i];
        if (!read_dimensions(equals + 1, &out->tensors[i])) return false;
        out->count++;
    }
    return true;
}

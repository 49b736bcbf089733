/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/ahead.h"

/*
 * Bytes of tables that may be asked for at once. More would keep a kernel from its own reads for a
 * while; it asks for later tables itself, and only those of a range's first rows come too late.
 */
enum { FEW = 512 };

static void ask(const char *at, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += ANM_AHEAD_LINE) __builtin_prefetch(at + i, 0, 2);
}

/* Who asks all the same asks for a line that is at hand. */
static bool at_end(anm_ahead *a) {
    a->at = (const char *)a;
    a->second = 0;
    return false;
}

bool anm_ahead_refill(anm_ahead *a) {
    anm_ahead_range *r = &a->range;
    a->lead += 2 * a->left;
    a->left = 0;
    const bool begins = r->bytes <= 0;
    while (r->bytes <= 0)
        if (!a->next || !a->next(a->context, r)) return at_end(a);
    int64_t bytes = r->bytes < ANM_AHEAD_PIECE ? r->bytes : ANM_AHEAD_PIECE;
    int64_t half = (bytes / 2 + ANM_AHEAD_LINE - 1) / ANM_AHEAD_LINE * ANM_AHEAD_LINE;
    int64_t tables = bytes < r->bytes ? r->table_bytes * bytes / r->bytes : r->table_bytes;
    a->at = r->data;
    a->second = a->left = half;
    a->lead -= 2 * half - bytes;
    if (begins || tables <= FEW) ask(r->tables, tables);
    *r = (anm_ahead_range){r->data + bytes, r->bytes - bytes, r->tables + tables,
                           r->table_bytes - tables};
    return true;
}

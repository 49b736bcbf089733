/* SPDX-License-Identifier: MIT */
#include "src/interp/strided.h"

#include <string.h>

static void walk_view(anm_walk *w, int rank, const int64_t *shape, const int64_t *stride,
                      int64_t start) {
    anm_walk_init(w, rank, shape);
    anm_walk_add(w, stride, start);
}

void anm_copy_strided(int rank, const int64_t *shape, const int64_t *stride, int64_t start,
                      const anm_word *in, anm_word *out) {
    anm_walk w;
    walk_view(&w, rank, shape, stride, start);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), out += w.length) {
        const anm_word *from = in + w.at[0];
        if (w.step[0] == 1) memcpy(out, from, (size_t)w.length * sizeof *out);
        else
            for (int64_t i = 0; i < w.length; i++) out[i] = from[i * w.step[0]];
    }
}

void anm_store_strided(int rank, const int64_t *shape, const int64_t *stride, int64_t start,
                       const anm_word *in, anm_word *out) {
    anm_walk w;
    walk_view(&w, rank, shape, stride, start);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w), in += w.length) {
        anm_word *to = out + w.at[0];
        if (w.step[0] == 1) memcpy(to, in, (size_t)w.length * sizeof *in);
        else
            for (int64_t i = 0; i < w.length; i++) to[i * w.step[0]] = in[i];
    }
}

/* SPDX-License-Identifier: MIT */
#include "src/cpu/stream_walk.h"

enum { GAP_LINES = 16 }; /* of either stream: as many requests as a core keeps open, twice */

_Static_assert(sizeof(anm_stream_walk) <= ANM_WALK_BYTES, "a walk's place in the scratch");

static bool next_range(void *context, anm_ahead_range *out) {
    anm_stream_walk *w = context;
    for (; w->step < w->plan->step_count; w->step++, w->part = 0) {
        const anm_step *s = &w->plan->steps[w->step];
        if (s->streams && s->streams(s, w->part++, w->thread, w->threads, out)) return true;
    }
    return false;
}

void anm_stream_walk_begin(anm_exec *x, int thread, int threads) {
    anm_stream_walk *w = anm_exec_walk(x, thread);
    *w = (anm_stream_walk){.plan = x->plan, .thread = thread, .threads = threads};
    w->ahead.next = next_range;
    w->ahead.context = w;
}

void anm_stream_walk_on(anm_exec *x, int thread) {
    anm_ahead_more(anm_stream_ahead(x, thread), GAP_LINES, ANM_AHEAD_MOST);
}

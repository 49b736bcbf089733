/* SPDX-License-Identifier: MIT */
#include "src/cpu/stream_walk.h"

enum { GAP_LINES = 4 }; /* of either stream at a time: a wait must see its end soon */

_Static_assert(sizeof(anm_stream_walk) <= ANM_WALK_BYTES, "a walk's place in the scratch");

static bool next_range(void *context, anm_ahead_range *out) {
    anm_stream_walk *w = context;
    for (; w->step < w->plan->step_count; w->step++, w->part = 0) {
        const anm_step *s = &w->plan->steps[w->step];
        if (s->streams && s->streams(s, w->part++, w->thread, w->threads, out)) return true;
    }
    return false;
}

anm_stream_walk *anm_stream_walk_begin(anm_exec *x, int thread, int threads) {
    anm_stream_walk *w = anm_exec_walk(x, thread);
    *w = (anm_stream_walk){.plan = x->plan, .thread = thread, .threads = threads};
    w->ahead.next = next_range;
    w->ahead.context = w;
    return w;
}

bool anm_stream_walk_on(void *walk) {
    anm_stream_walk *w = walk;
    int64_t lead = w->ahead.lead;
    anm_ahead_more(&w->ahead, GAP_LINES, ANM_AHEAD_MOST);
    return w->ahead.lead > lead;
}

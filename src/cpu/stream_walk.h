/* SPDX-License-Identifier: MIT */
/*
 * A thread's walk over what its shares of a plan's steps will stream from memory, from the first
 * step to the last: what is asked for ahead of time (kernels/ahead.h).
 */
#ifndef ANM_CPU_STREAM_WALK_H
#define ANM_CPU_STREAM_WALK_H

#include "src/cpu/planner.h"

struct anm_stream_walk {
    anm_ahead ahead;
    const struct anm_plan *plan;
    size_t step; /* whose next part is to be asked for */
    int part, thread, threads;
};

/* Begins a thread's walk of a run, in place of its last one. */
anm_stream_walk *anm_stream_walk_begin(anm_exec *x, int thread, int threads);
/* Between products: a little more of what they will read; false: that is far enough ahead. */
bool anm_stream_walk_on(void *walk);

static inline anm_ahead *anm_stream_ahead(const anm_exec *x, int thread) {
    return &anm_exec_walk(x, thread)->ahead;
}

#endif

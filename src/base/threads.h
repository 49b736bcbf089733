/* SPDX-License-Identifier: MIT */
/* Coarse parallelism for conversion and checks: milliseconds and more per item. */
#ifndef ANM_BASE_THREADS_H
#define ANM_BASE_THREADS_H

#include <stddef.h>

/*
 * Processors this process may use: those it may run on, no more than a control group's quota of
 * their time is worth (cpuquota.h, read once). At least 1. Two of them may share a core.
 */
int anm_cpu_count(void);

/*
 * Calls body(context, i) for each i < count on up to `threads` threads (0: anm_cpu_count()), the
 * caller's included, in any order, and returns when all are done. Items must not depend on each
 * other. If no thread can be started the caller does all the work.
 */
void anm_parallel_for(int threads, size_t count, void (*body)(void *context, size_t i),
                      void *context);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads that run one function together, again and again, with barriers inside it. A barrier
 * takes a fraction of a microsecond where waking a thread takes 30: waiting threads spin for a
 * while, and sleep if it takes longer.
 *
 * (pthreadpool hands out items one region at a time and may give one thread several of them, so
 * that a barrier within an item would never end; a region a step is what this avoids.)
 */
#ifndef ANM_CPU_POOL_H
#define ANM_CPU_POOL_H

#include <stdbool.h>

#include "src/base/status.h"

typedef struct anm_pool anm_pool;

/* threads 0: one a processor this process may use. */
ANM_MUST_CHECK anm_status anm_pool_create(int threads, anm_pool **out, anm_error *err);
void anm_pool_destroy(anm_pool *pool); /* NULL is fine; nobody may be running */
int anm_pool_threads(const anm_pool *pool);

/*
 * Calls body(context, thread, threads) on every thread of the pool, the caller being thread 0, and
 * returns when all are done. While another caller is at it, body runs on the calling thread
 * alone, as thread 0 of 1.
 */
typedef struct anm_team anm_team;
typedef void (*anm_pool_body)(void *context, anm_team *team, int thread, int threads);
void anm_pool_run(anm_pool *pool, anm_pool_body body, void *context);

/* The same on the calling thread alone. */
void anm_pool_run_alone(anm_pool *pool, anm_pool_body body, void *context);

/* Waits until all threads of the team are here. */
void anm_team_barrier(anm_team *team);
/*
 * The same; who waits calls idle(context) over and over as long as that finds something to do,
 * which should take less than a microsecond.
 */
typedef bool (*anm_idle_fn)(void *context);
void anm_team_barrier_idle(anm_team *team, anm_idle_fn idle, void *context);

#endif

/* SPDX-License-Identifier: MIT */
#include "src/cpu/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/cpu/gate.h"

enum {
    LINE = 64,             /* bytes that threads must not share by accident */
    BARRIER_SPIN = 100000, /* nanoseconds: longer than a step's imbalance */
    IDLE_SPIN = 1000000    /* between calls: longer than sampling a token takes */
};

struct anm_team {
    int threads;
    _Alignas(LINE) atomic_int arrived;
    anm_gate turn;
};

struct anm_pool {
    anm_team team, alone;
    anm_gate start;
    _Alignas(LINE) atomic_int running; /* threads still in the body */
    anm_gate done;
    atomic_flag owned; /* by the caller whose body runs */
    pthread_t *workers;
    int started;
    bool stop;
    anm_pool_body body;
    void *context;
};

typedef struct worker {
    anm_pool *pool;
    int thread;
} worker;

void anm_team_barrier_idle(anm_team *team, anm_idle_fn idle, void *context) {
    if (team->threads == 1) return;
    unsigned turn = atomic_load_explicit(&team->turn.value, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) == team->threads - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        anm_gate_advance(&team->turn);
    } else {
        while (!anm_gate_moved(&team->turn, turn) && idle(context)) continue;
        anm_gate_wait(&team->turn, turn);
    }
}

static bool nothing_to_do(void *context) {
    (void)context;
    return false;
}

void anm_team_barrier(anm_team *team) { anm_team_barrier_idle(team, nothing_to_do, NULL); }

static void leave(anm_pool *pool) {
    if (atomic_fetch_sub(&pool->running, 1) == 1) anm_gate_advance(&pool->done);
}

static void *work(void *argument) {
    worker self = *(worker *)argument;
    anm_pool *pool = self.pool;
    unsigned seen = 0;
    anm_free(argument);
    for (;;) {
        anm_gate_wait(&pool->start, seen++);
        if (pool->stop) return NULL;
        pool->body(pool->context, &pool->team, self.thread, pool->team.threads);
        leave(pool);
    }
}

void anm_pool_run_alone(anm_pool *pool, anm_pool_body body, void *context) {
    body(context, &pool->alone, 0, 1);
}

void anm_pool_run(anm_pool *pool, anm_pool_body body, void *context) {
    if (pool->team.threads == 1 ||
        atomic_flag_test_and_set_explicit(&pool->owned, memory_order_acquire)) {
        anm_pool_run_alone(pool, body, context);
        return;
    }
    unsigned done = atomic_load(&pool->done.value);
    pool->body = body;
    pool->context = context;
    atomic_store(&pool->running, pool->team.threads);
    anm_gate_advance(&pool->start);
    body(context, &pool->team, 0, pool->team.threads);
    leave(pool);
    anm_gate_wait(&pool->done, done);
    atomic_flag_clear_explicit(&pool->owned, memory_order_release);
}

int anm_pool_threads(const anm_pool *pool) {
    return pool->team.threads;
}

static bool start_workers(anm_pool *pool, int threads) {
    pool->workers = anm_calloc((size_t)threads, sizeof *pool->workers);
    if (!pool->workers) return false;
    for (int i = 1; i < threads; i++) {
        worker *w = anm_malloc(sizeof *w);
        if (!w) break;
        *w = (worker){pool, i};
        if (pthread_create(&pool->workers[i], NULL, work, w) != 0) {
            anm_free(w);
            break;
        }
        pool->started++;
    }
    pool->team.threads = pool->started + 1;
    return true;
}

/* Threads that outnumber the processors keep each other from running while they spin. */
static void set_patience(anm_pool *pool, int threads) {
    bool room = threads <= anm_cpu_count();
    pool->team.turn.most = pool->done.most = room ? BARRIER_SPIN : 0;
    pool->start.most = room ? IDLE_SPIN : 0;
}

anm_status anm_pool_create(int threads, anm_pool **out, anm_error *err) {
    *out = NULL;
    if (threads <= 0) threads = anm_cpu_count();
    anm_pool *pool = anm_malloc_aligned(sizeof *pool);
    if (!pool) return anm_fail_memory(err);
    *pool = (anm_pool){.alone.threads = 1, .owned = ATOMIC_FLAG_INIT};
    set_patience(pool, threads);
    if (!start_workers(pool, threads)) {
        anm_free(pool);
        return anm_fail_memory(err);
    }
    *out = pool;
    return ANM_OK;
}

void anm_pool_destroy(anm_pool *pool) {
    if (!pool) return;
    pool->stop = true;
    anm_gate_advance(&pool->start);
    for (int i = 1; i <= pool->started; i++) pthread_join(pool->workers[i], NULL);
    anm_free(pool->workers);
    anm_free(pool);
}

/* SPDX-License-Identifier: MIT */
#include "src/cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

enum {
    LINE = 64,          /* bytes that threads must not share by accident */
    BARRIER_SPINS = 2000, /* some tens of microseconds: longer than a step's imbalance */
    IDLE_SPINS = 20000    /* between calls: about what sampling a token takes */
};

/* A counter that threads wait for: spinning first, then asleep. */
typedef struct gate {
    _Alignas(LINE) atomic_uint value;
    atomic_uint sleepers;
    pthread_mutex_t lock;
    pthread_cond_t moved;
} gate;

struct anm_team {
    int threads;
    _Alignas(LINE) atomic_int arrived;
    gate turn;
};

struct anm_pool {
    anm_team team, alone;
    gate start;
    _Alignas(LINE) atomic_int running; /* threads still in the body */
    gate done;
    pthread_mutex_t owner; /* held by the caller whose body runs */
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

static bool gate_init(gate *g) {
    if (pthread_mutex_init(&g->lock, NULL) != 0) return false;
    if (pthread_cond_init(&g->moved, NULL) == 0) return true;
    pthread_mutex_destroy(&g->lock);
    return false;
}

static void gate_free(gate *g) {
    pthread_cond_destroy(&g->moved);
    pthread_mutex_destroy(&g->lock);
}

/* Until the value is no longer `seen`. */
static void gate_wait(gate *g, unsigned seen, int spins) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&g->value, memory_order_acquire) != seen) return;
        PAUSE();
    }
    pthread_mutex_lock(&g->lock);
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->value) == seen) pthread_cond_wait(&g->moved, &g->lock);
    atomic_fetch_sub(&g->sleepers, 1);
    pthread_mutex_unlock(&g->lock);
}

static void gate_advance(gate *g) {
    atomic_fetch_add(&g->value, 1);
    if (atomic_load(&g->sleepers) == 0) return;
    pthread_mutex_lock(&g->lock);
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

void anm_team_barrier(anm_team *team) {
    if (team->threads == 1) return;
    unsigned turn = atomic_load_explicit(&team->turn.value, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) == team->threads - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        gate_advance(&team->turn);
    } else {
        gate_wait(&team->turn, turn, BARRIER_SPINS);
    }
}

static void leave(anm_pool *pool) {
    if (atomic_fetch_sub(&pool->running, 1) == 1) gate_advance(&pool->done);
}

static void *work(void *argument) {
    worker self = *(worker *)argument;
    anm_pool *pool = self.pool;
    unsigned seen = 0;
    anm_free(argument);
    for (;;) {
        gate_wait(&pool->start, seen++, IDLE_SPINS);
        if (pool->stop) return NULL;
        pool->body(pool->context, &pool->team, self.thread, pool->team.threads);
        leave(pool);
    }
}

void anm_pool_run(anm_pool *pool, anm_pool_body body, void *context) {
    if (pool->team.threads == 1 || pthread_mutex_trylock(&pool->owner) != 0) {
        body(context, &pool->alone, 0, 1);
        return;
    }
    unsigned done = atomic_load(&pool->done.value);
    pool->body = body;
    pool->context = context;
    atomic_store(&pool->running, pool->team.threads);
    gate_advance(&pool->start);
    body(context, &pool->team, 0, pool->team.threads);
    leave(pool);
    gate_wait(&pool->done, done, BARRIER_SPINS);
    pthread_mutex_unlock(&pool->owner);
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

anm_status anm_pool_create(int threads, anm_pool **out, anm_error *err) {
    *out = NULL;
    if (threads <= 0) threads = anm_cpu_count();
    anm_pool *pool = anm_malloc_aligned(sizeof *pool);
    if (!pool) return anm_fail_memory(err);
    *pool = (anm_pool){.team.threads = threads, .alone.threads = 1};
    if (!gate_init(&pool->team.turn) || !gate_init(&pool->start) || !gate_init(&pool->done) ||
        pthread_mutex_init(&pool->owner, NULL) != 0 || !start_workers(pool, threads)) {
        anm_free(pool);
        return anm_fail_memory(err);
    }
    *out = pool;
    return ANM_OK;
}

void anm_pool_destroy(anm_pool *pool) {
    if (!pool) return;
    pool->stop = true;
    gate_advance(&pool->start);
    for (int i = 1; i <= pool->started; i++) pthread_join(pool->workers[i], NULL);
    gate_free(&pool->team.turn);
    gate_free(&pool->start);
    gate_free(&pool->done);
    pthread_mutex_destroy(&pool->owner);
    anm_free(pool->workers);
    anm_free(pool);
}

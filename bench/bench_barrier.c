/* SPDX-License-Identifier: MIT */
/*
 * Times the pool's barrier: bench_barrier THREADS [ROUNDS [STEPS [WORK]]] runs STEPS regions of
 * WORK dependent multiplications a thread, with a barrier after each, and prints per region the
 * median, best and worst of the rounds, beside the same work on one thread without a barrier.
 */
#include <stdio.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/cpu/pool.h"

enum { MOST_ROUNDS = 999 };

typedef struct task {
    long steps, work;
    double sink[64];
} task;

static double multiply(long times, double x) {
    for (long i = 0; i < times; i++) x *= 0.999999;
    return x;
}

static void regions(void *context, anm_team *team, int thread, int threads) {
    task *t = context;
    double x = 1;
    for (long i = 0; i < t->steps; i++) {
        x = multiply(t->work, x + 1);
        anm_team_barrier(team);
    }
    t->sink[thread % 8 * 8] = x;
    (void)threads;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(int threads, int rounds, task *t, double *microseconds, double alone) {
    qsort(microseconds, (size_t)rounds, sizeof *microseconds, ascending);
    printf("%d threads, %ld regions: median %.2f us each, best %.2f, worst %.2f; alone %.2f us\n",
           threads, t->steps, microseconds[rounds / 2], microseconds[0], microseconds[rounds - 1],
           alone);
}

static double microseconds_each(anm_pool *pool, task *t) {
    double begin = anm_seconds();
    anm_pool_run(pool, regions, t);
    return (anm_seconds() - begin) * 1e6 / (double)t->steps;
}

int main(int argc, char **argv) {
    static double microseconds[MOST_ROUNDS];
    int threads = argc > 1 ? atoi(argv[1]) : 0, rounds = argc > 2 ? atoi(argv[2]) : 20;
    task t = {.steps = argc > 3 ? atol(argv[3]) : 400, .work = argc > 4 ? atol(argv[4]) : 0};
    anm_pool *pool;
    anm_error err;
    if (rounds < 1 || rounds > MOST_ROUNDS || t.steps < 1 || t.work < 0) {
        fprintf(stderr, "usage: bench_barrier THREADS [ROUNDS [STEPS [WORK]]]\n");
        return 2;
    }
    if (anm_pool_create(threads, &pool, &err) != ANM_OK) return 1;
    double begin = anm_seconds();
    for (long i = 0; i < t.steps; i++) t.sink[0] += multiply(t.work, 2);
    double alone = (anm_seconds() - begin) * 1e6 / (double)t.steps;
    for (int i = 0; i < rounds; i++) microseconds[i] = microseconds_each(pool, &t);
    report(anm_pool_threads(pool), rounds, &t, microseconds, alone);
    anm_pool_destroy(pool);
    return 0;
}

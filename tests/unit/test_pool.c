/* SPDX-License-Identifier: MIT */
/* The pool's barrier and gates: nobody passes early, whatever the number of threads. */
#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/cpu/gate.h"
#include "src/cpu/pool.h"
#include "src/cpu/poolshare.h"

/* What other systems sleep with, under names of its own. */
#define anm_gate_sleep condition_sleep
#define anm_gate_wake condition_wake
void condition_sleep(anm_gate *g, unsigned seen);
void condition_wake(anm_gate *g);
#include "src/cpu/gate_condition.c"
#undef anm_gate_sleep
#undef anm_gate_wake

enum { STEPS = 60, MOST_THREADS = 33 };

static const int thread_counts[] = {1, 2, 3, 5, 8, 17, 33};
enum { COUNTS = sizeof thread_counts / sizeof thread_counts[0] };

typedef struct task {
    int steps, late; /* thread that sleeps before each barrier; -1: none */
    atomic_int idle; /* times that a waiting thread found something to do */
    int at[MOST_THREADS]; /* step that each thread is at; plain, as the barrier orders them */
    atomic_int early, bodies;
} task;

static void nap(long nanoseconds) {
    struct timespec t = {0, nanoseconds};
    nanosleep(&t, NULL);
}

/* Little, and often: what a thread finds to do is used up, then it waits. */
static bool do_a_little(void *context) {
    task *t = context;
    return atomic_fetch_add(&t->idle, 1) % 50 != 49;
}

static void step_together(void *context, anm_team *team, int thread, int threads) {
    task *t = context;
    atomic_fetch_add(&t->bodies, 1);
    for (int step = 1; step <= t->steps; step++) {
        if (thread == t->late) nap(300000);
        t->at[thread] = step;
        anm_team_barrier_idle(team, do_a_little, t);
        for (int i = 0; i < threads; i++)
            if (t->at[i] != step) atomic_fetch_add(&t->early, 1);
        anm_team_barrier(team);
    }
}

static void run(anm_pool *pool, int steps, int late) {
    task t = {.steps = steps, .late = late};
    anm_pool_run(pool, step_together, &t);
    assert_int_equal(t.early, 0);
    assert_int_equal(t.bodies, anm_pool_threads(pool));
    if (late >= 0 && anm_pool_threads(pool) > 1) assert_true(t.idle > 0);
    for (int i = 0; i < anm_pool_threads(pool); i++) assert_int_equal(t.at[i], steps);
}

static void nobody_passes_early(void **state) {
    for (int i = 0; i < COUNTS; i++) {
        anm_pool *pool;
        anm_error err;
        assert_ok(anm_pool_create(thread_counts[i], &pool, &err), &err);
        assert_int_equal(anm_pool_threads(pool), thread_counts[i]);
        for (int turn = 0; turn < 3; turn++) run(pool, STEPS, -1);
        run(pool, 10, thread_counts[i] - 1);
        run(pool, 0, -1);
        anm_pool_destroy(pool);
    }
}

/* Threads that wait in vain grow impatient and sleep; the barrier holds before and after. */
static void late_threads_are_waited_for(void **state) {
    anm_pool *pool;
    anm_error err;
    assert_ok(anm_pool_create(2, &pool, &err), &err);
    for (int turn = 0; turn < 4; turn++) {
        run(pool, 40, turn % 2);
        nap(3000000);
        run(pool, STEPS, -1);
    }
    anm_pool_destroy(pool);
}

static void pools_that_never_run_end(void **state) {
    anm_pool *pool;
    anm_error err;
    for (int i = 0; i < COUNTS; i++) {
        assert_ok(anm_pool_create(thread_counts[i], &pool, &err), &err);
        anm_pool_destroy(pool);
    }
    anm_pool_destroy(NULL);
}

typedef struct caller {
    anm_pool *pool;
    atomic_int bodies, early;
} caller;

static void count_bodies(void *context, anm_team *team, int thread, int threads) {
    caller *c = context;
    atomic_fetch_add(&c->bodies, threads == 1 ? 2 : 1);
    anm_team_barrier(team);
    if (threads > 1 && atomic_load(&c->bodies) % 2 != 0) atomic_fetch_add(&c->early, 1);
    anm_team_barrier(team);
}

static void *call_often(void *argument) {
    caller *c = argument;
    for (int i = 0; i < 50; i++) {
        atomic_store(&c->bodies, 0);
        anm_pool_run(c->pool, count_bodies, c);
        if (atomic_load(&c->bodies) != 2) atomic_fetch_add(&c->early, 1);
    }
    return NULL;
}

/* While one caller has the pool, others run alone, each with a body of its own. */
static void callers_at_once(void **state) {
    enum { CALLERS = 4 };
    caller callers[CALLERS] = {{0}};
    pthread_t threads[CALLERS];
    anm_pool *pool;
    anm_error err;
    assert_ok(anm_pool_create(2, &pool, &err), &err);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].pool = pool;
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].early, 0);
    }
    anm_pool_destroy(pool);
}

static void one_pool_for_as_many_threads(void **state) {
    anm_pool *a, *b, *c;
    anm_error err;
    assert_ok(anm_pool_share(2, &a, &err), &err);
    assert_ok(anm_pool_share(2, &b, &err), &err);
    assert_ok(anm_pool_share(3, &c, &err), &err);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    anm_pool_unshare(a);
    run(b, 3, -1);
    anm_pool_unshare(b);
    anm_pool_unshare(c);
    anm_pool_unshare(NULL);
}

enum { ROOM = 192 << 20, NO_LIMIT_HERE = 77 };

/* Sanitizers and emulators take more of the address space than the room. */
static bool fits_in_room(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bool read = file && fscanf(file, "%ld", &pages) == 1;
    if (file) fclose(file);
    return read && pages < ROOM / 2 / sysconf(_SC_PAGESIZE);
}

static int make_pools_without_room(void) {
    anm_error err;
    struct rlimit limit = {ROOM, ROOM};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return NO_LIMIT_HERE;
    for (int turn = 0; turn < 50; turn++) {
        anm_pool *pool;
        if (anm_pool_create(MOST_THREADS, &pool, &err) != ANM_OK) return 1;
        int threads = anm_pool_threads(pool);
        if (threads == MOST_THREADS) return NO_LIMIT_HERE;
        task t = {.steps = 3, .late = -1};
        anm_pool_run(pool, step_together, &t);
        if (threads < 2 || t.early != 0 || t.bodies != threads) return 2;
        anm_pool_destroy(pool);
    }
    return 0;
}

/*
 * In a process whose memory has no room for the stacks of so many threads those that could be
 * started work, and pools leave nothing behind: there is still room for the fiftieth's.
 */
static void fewer_threads_than_wanted(void **state) {
    int status;
    if (!fits_in_room()) skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(make_pools_without_room());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LIMIT_HERE) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Only once somebody has given up spinning. */
static void *advance_late(void *argument) {
    anm_gate *g = argument;
    while (atomic_load(&g->sleepers) == 0) nap(100000);
    nap(1000000);
    anm_gate_advance(g);
    return NULL;
}

static void wait_late(anm_gate *g) {
    pthread_t thread;
    unsigned seen = atomic_load(&g->value);
    assert_int_equal(pthread_create(&thread, NULL, advance_late, g), 0);
    anm_gate_wait(g, seen);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&g->value), seen + 1);
    assert_int_equal(atomic_load(&g->sleepers), 0);
}

static void gates_learn_patience(void **state) {
    enum { MOST = 64000 };
    anm_gate g = {.most = MOST};
    wait_late(&g);
    assert_int_equal(atomic_load(&g.impatience), MOST / 2);
    for (int i = 0; i < 12; i++) wait_late(&g);
    assert_int_equal(atomic_load(&g.impatience), MOST);
    /* What has moved before is seen without sleep: patience comes back, all of it once tried. */
    for (int i = 0; i < 64; i++) anm_gate_wait(&g, atomic_load(&g.value) + 1);
    assert_int_equal(atomic_load(&g.impatience), 0);
}

static void gates_without_patience_sleep(void **state) {
    anm_gate g = {.most = 0};
    for (int i = 0; i < 3; i++) wait_late(&g);
    assert_int_equal(atomic_load(&g.impatience), 0);
    anm_gate_wait(&g, atomic_load(&g.value) + 1);
}

static void *advance_by_condition(void *argument) {
    anm_gate *g = argument;
    nap(1000000);
    atomic_fetch_add(&g->value, 1);
    condition_wake(g);
    return NULL;
}

static void sleep_by_condition_ends(void **state) {
    anm_gate g = {.most = 0};
    for (unsigned seen = 0; seen < 5; seen++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, advance_by_condition, &g), 0);
        condition_sleep(&g, seen);
        assert_int_equal(atomic_load(&g.value), seen + 1);
        pthread_join(thread, NULL);
        condition_sleep(&g, seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_threads_than_wanted), /* first, as others' threads leave memory */
        cmocka_unit_test(nobody_passes_early),
        cmocka_unit_test(late_threads_are_waited_for),
        cmocka_unit_test(pools_that_never_run_end),
        cmocka_unit_test(callers_at_once),
        cmocka_unit_test(one_pool_for_as_many_threads),
        cmocka_unit_test(gates_learn_patience),
        cmocka_unit_test(gates_without_patience_sleep),
        cmocka_unit_test(sleep_by_condition_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

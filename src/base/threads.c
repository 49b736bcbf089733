/* SPDX-License-Identifier: MIT */
#include "src/base/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "src/base/cpuquota.h"

enum { MOST_THREADS = 256 };

#ifdef __linux__
#include <sched.h>

static double quota;
static pthread_once_t quota_once = PTHREAD_ONCE_INIT;

static void read_quota(void) {
    quota = anm_cpu_quota("");
}

/* The kernel refuses a set smaller than its own, and machines may have more than 1024. */
static int allowed_processors(void) {
    enum { MOST = 1 << 16 };
    for (int room = CPU_SETSIZE; room <= MOST; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        if (!set) return 1;
        int n = sched_getaffinity(0, CPU_ALLOC_SIZE(room), set) == 0
                    ? CPU_COUNT_S(CPU_ALLOC_SIZE(room), set) : 0;
        CPU_FREE(set);
        if (n > 0) return n;
    }
    return 1;
}

int anm_cpu_count(void) {
    pthread_once(&quota_once, read_quota);
    return anm_cpu_count_within(allowed_processors(), quota);
}
#else
int anm_cpu_count(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}
#endif

typedef struct job {
    atomic_size_t next;
    size_t count;
    void (*body)(void *context, size_t i);
    void *context;
} job;

static void *work(void *argument) {
    job *j = argument;
    for (;;) {
        size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->count) return NULL;
        j->body(j->context, i);
    }
}

void anm_parallel_for(int threads, size_t count, void (*body)(void *context, size_t i),
                      void *context) {
    job j = {.count = count, .body = body, .context = context};
    pthread_t helpers[MOST_THREADS];
    size_t wanted = (size_t)(threads > 0 ? threads : anm_cpu_count()), started = 0;
    if (wanted > count) wanted = count;
    if (wanted > MOST_THREADS) wanted = MOST_THREADS;
    while (started + 1 < wanted && pthread_create(&helpers[started], NULL, work, &j) == 0)
        started++;
    work(&j);
    for (size_t i = 0; i < started; i++) pthread_join(helpers[i], NULL);
}

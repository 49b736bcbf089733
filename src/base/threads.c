/* SPDX-License-Identifier: MIT */
#include "src/base/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { MOST_THREADS = 256 };

#ifdef __linux__
#include <sched.h>
int anm_cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int n = CPU_COUNT(&set);
        if (n > 0) return n;
    }
    return 1;
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

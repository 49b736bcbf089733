/* SPDX-License-Identifier: MIT */
/* Sleeping where there is no futex: all gates share a condition, as few sleep at a time. */
#include <pthread.h>

#include "src/cpu/gate.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t some_moved = PTHREAD_COND_INITIALIZER;

void anm_gate_sleep(anm_gate *g, unsigned seen) {
    pthread_mutex_lock(&lock);
    while (atomic_load(&g->value) == seen) pthread_cond_wait(&some_moved, &lock);
    pthread_mutex_unlock(&lock);
}

void anm_gate_wake(anm_gate *g) {
    (void)g;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&some_moved);
    pthread_mutex_unlock(&lock);
}

/* SPDX-License-Identifier: MIT */
#include "src/cpu/workspace.h"

#include <pthread.h>

#include "src/base/alloc.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static anm_workspace *idle; /* under the lock, the smallest first */
static size_t users;        /* under the lock */

static void destroy(anm_workspace *w) {
    if (w) anm_free(w->memory);
    anm_free(w);
}

void anm_workspaces_join(void) {
    pthread_mutex_lock(&lock);
    users++;
    pthread_mutex_unlock(&lock);
}

void anm_workspaces_leave(void) {
    anm_workspace *gone = NULL;
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        gone = idle;
        idle = NULL;
    }
    pthread_mutex_unlock(&lock);
    for (anm_workspace *next; gone; gone = next) {
        next = gone->next;
        destroy(gone);
    }
}

/* The smallest that is large enough, else the largest of all, to be replaced. */
static anm_workspace *take_idle(size_t bytes) {
    anm_workspace **at = &idle;
    while (*at && (*at)->bytes < bytes && (*at)->next) at = &(*at)->next;
    anm_workspace *w = *at;
    if (w) *at = w->next;
    return w;
}

anm_workspace *anm_workspace_take(size_t bytes) {
    pthread_mutex_lock(&lock);
    anm_workspace *w = take_idle(bytes);
    pthread_mutex_unlock(&lock);
    if (w && w->bytes >= bytes) return w;
    destroy(w);
    w = anm_calloc(1, sizeof *w);
    if (!w) return NULL;
    w->bytes = bytes;
    w->memory = anm_malloc_aligned(bytes);
    if (w->memory) return w;
    anm_free(w);
    return NULL;
}

void anm_workspace_give(anm_workspace *w) {
    if (!w) return;
    pthread_mutex_lock(&lock);
    anm_workspace **at = &idle;
    while (*at && (*at)->bytes < w->bytes) at = &(*at)->next;
    w->next = *at;
    *at = w;
    pthread_mutex_unlock(&lock);
}

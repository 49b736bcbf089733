/* SPDX-License-Identifier: MIT */
#include "src/cpu/poolshare.h"

#include <pthread.h>

#include "src/base/alloc.h"

typedef struct shared_pool {
    struct shared_pool *next;
    anm_pool *pool;
    int threads, users;
} shared_pool;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static shared_pool *pools; /* under the lock */

static shared_pool *find(int threads) {
    for (shared_pool *s = pools; s; s = s->next)
        if (s->threads == threads) return s;
    return NULL;
}

static anm_status add(int threads, shared_pool **out, anm_error *err) {
    shared_pool *s = *out = anm_calloc(1, sizeof *s);
    if (!s) return anm_fail_memory(err);
    s->threads = threads;
    anm_status status = anm_pool_create(threads, &s->pool, err);
    if (status != ANM_OK) {
        anm_free(s);
        return status;
    }
    s->next = pools;
    pools = s;
    return ANM_OK;
}

anm_status anm_pool_share(int threads, anm_pool **out, anm_error *err) {
    anm_status status = ANM_OK;
    *out = NULL;
    pthread_mutex_lock(&lock);
    shared_pool *s = find(threads);
    if (!s) status = add(threads, &s, err);
    if (status == ANM_OK) {
        s->users++;
        *out = s->pool;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void anm_pool_unshare(anm_pool *pool) {
    shared_pool *gone = NULL;
    pthread_mutex_lock(&lock);
    for (shared_pool **at = &pools; *at; at = &(*at)->next) {
        if ((*at)->pool != pool) continue;
        if (--(*at)->users == 0) {
            gone = *at;
            *at = gone->next;
        }
        break;
    }
    pthread_mutex_unlock(&lock);
    if (!gone) return;
    anm_pool_destroy(gone->pool);
    anm_free(gone);
}

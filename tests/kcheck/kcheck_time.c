/* SPDX-License-Identifier: MIT */
/* Time, threads that start together, and the memory's rate. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/kcheck/kcheck.h"

enum { MAX_THREADS = 64 };

double kcheck_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct team {
    void (*body)(void *context, int part, int parts);
    void *context;
    int parts;
    atomic_int ready;
} team;

typedef struct member {
    team *team;
    int part;
    double begin, end;
} member;

static void *work(void *arg) {
    member *m = arg;
    atomic_fetch_add(&m->team->ready, 1);
    while (atomic_load(&m->team->ready) < m->team->parts) continue;
    m->begin = kcheck_seconds();
    m->team->body(m->team->context, m->part, m->team->parts);
    m->end = kcheck_seconds();
    return NULL;
}

double kcheck_parallel(int threads, void (*body)(void *context, int part, int parts),
                       void *context) {
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    team t = {body, context, threads, 0};
    member members[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    for (int i = 0; i < threads; i++) members[i] = (member){.team = &t, .part = i};
    for (int i = 1; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, &members[i]) != 0) {
            fprintf(stderr, "kcheck: no thread\n");
            exit(2);
        }
    work(&members[0]);
    double begin = members[0].begin, end = members[0].end;
    for (int i = 1; i < threads; i++) {
        pthread_join(ids[i], NULL);
        if (members[i].begin < begin) begin = members[i].begin;
        if (members[i].end > end) end = members[i].end;
    }
    return end - begin;
}

typedef struct reading {
    const uint64_t *words;
    size_t count;
    uint64_t sums[MAX_THREADS];
} reading;

/* Sums in a form that every compiler makes vectors of, prefetching as the kernels do. */
static uint64_t sum_of(const uint64_t *words, size_t count) {
    uint64_t sum[32] = {0}, total = 0;
    for (size_t i = 0; i + 32 <= count; i += 32) {
        for (size_t line = 0; line < 32; line += 8) {
            __builtin_prefetch((const char *)(words + i + line) + 8192, 0, 2);
            __builtin_prefetch((const char *)(words + i + line) + 3072, 0, 3);
        }
        for (size_t lane = 0; lane < 32; lane++) sum[lane] += words[i + lane];
    }
    for (size_t lane = 0; lane < 32; lane++) total += sum[lane];
    return total;
}

static void read_part(void *context, int part, int parts) {
    reading *r = context;
    size_t from = r->count * (size_t)part / (size_t)parts;
    size_t to = r->count * ((size_t)part + 1) / (size_t)parts;
    r->sums[part] = sum_of(r->words + from, to - from);
}

double kcheck_read_rate(const void *memory, size_t bytes, int threads) {
    reading r = {memory, bytes / 8, {0}};
    double seconds = kcheck_parallel(threads, read_part, &r);
    /* The sums count for nothing, but the compiler must not know it. */
    __asm__ volatile("" : : "r"(r.sums) : "memory");
    return (double)bytes / seconds * 1e-9;
}

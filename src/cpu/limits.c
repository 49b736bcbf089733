/* SPDX-License-Identifier: MIT */
/* The machine's limits: memory read in several streams a thread, multiply-adds in registers. */
#include "anemone/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/clock.h"
#include "src/base/threads.h"
#include "src/cpu/kernels/peak.h"
#include "src/cpu/pool.h"

enum {
    ROUNDS = 5,
    STREAMS = 4,               /* a thread: one does not keep the memory busy */
    BYTES = 256 * 1024 * 1024, /* more than caches hold */
    PEAK_STEPS = 400000
};

typedef struct measure {
    const uint64_t *data;
    int64_t words; /* of a stream */
    const anm_peak *peak;
    bool tiles;
    uint64_t sink[256]; /* a cache line each 8: results that the compiler must not drop */
} measure;

static void read_streams(void *context, anm_team *team, int thread, int threads) {
    measure *m = context;
    const uint64_t *p = m->data + (int64_t)thread * STREAMS * m->words;
    uint64_t sum[8] = {0};
    (void)team;
    for (int64_t i = 0; i + 8 <= m->words; i += 8) {
        for (int s = 0; s < STREAMS; s++) __builtin_prefetch(p + s * m->words + i + 512);
        for (int k = 0; k < 8; k++)
            sum[k] ^= p[i + k] + p[m->words + i + k] + p[2 * m->words + i + k] +
                      p[3 * m->words + i + k];
    }
    for (int k = 1; k < 8; k++) sum[0] ^= sum[k];
    m->sink[thread % 32 * 8] = sum[0];
    (void)threads;
}

static void multiply(void *context, anm_team *team, int thread, int threads) {
    measure *m = context;
    float y = m->tiles ? m->peak->tiles(PEAK_STEPS / 4) : m->peak->vectors(PEAK_STEPS);
    memcpy(&m->sink[thread % 32 * 8], &y, sizeof y);
    (void)team;
    (void)threads;
}

static double best_time(anm_pool *pool, anm_pool_body body, measure *m) {
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = anm_seconds();
        anm_pool_run(pool, body, m);
        double took = anm_seconds() - begin;
        if (took < best) best = took;
    }
    return best;
}

static anm_status measure_bandwidth(anm_pool *pool, measure *m, anm_limits *out, anm_error *err) {
    int threads = anm_pool_threads(pool);
    uint64_t *data = anm_malloc_aligned(BYTES);
    if (!data) return anm_fail_memory(err);
    memset(data, 1, BYTES);
    m->data = data;
    m->words = BYTES / 8 / threads / STREAMS / 8 * 8;
    double bytes = 8.0 * (double)m->words * STREAMS * threads;
    out->bandwidth = bytes / best_time(pool, read_streams, m);
    anm_free(data);
    return ANM_OK;
}

static void measure_peaks(anm_pool *pool, measure *m, anm_isa isa, anm_limits *out) {
    double threads = anm_pool_threads(pool);
    m->peak = anm_peak_find(isa);
    out->flops = threads * PEAK_STEPS * m->peak->vector_flops / best_time(pool, multiply, m);
    m->tiles = m->peak->tiles != NULL;
    if (m->tiles)
        out->matrix_flops =
            threads * (PEAK_STEPS / 4) * m->peak->tile_flops / best_time(pool, multiply, m);
}

anm_status anm_limits_measure(int threads, const char *cpu, anm_limits *out, anm_error *err) {
    anm_isa isa;
    anm_pool *pool;
    measure m = {0};
    *out = (anm_limits){0};
    ANM_TRY(anm_isa_choose(cpu, &isa, err));
    ANM_TRY(anm_pool_create(threads, &pool, err));
    out->threads = anm_pool_threads(pool);
    snprintf(out->cpu, sizeof out->cpu, "%s", anm_isa_name(isa));
    anm_status status = measure_bandwidth(pool, &m, out, err);
    if (status == ANM_OK) measure_peaks(pool, &m, isa, out);
    anm_pool_destroy(pool);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Times the attention kernels on Qwen3-0.6B's heads: one token over fp16 caches of several depths,
 * as many layers of them as no near cache holds, beside the memory's rate; and prompts of 64 and
 * 512 rows, causal, beside the peaks of arithmetic. Of all turns the best counts, on both sides.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/cpu/kernels/attention.h"
#include "tests/kcheck/bench_peak.h"
#include "tests/kcheck/kcheck.h"

enum { HEADS = 16, KV_HEADS = 8, DIM = 128, LAYERS = 28, TURNS = 6, CONTEXT = 4096 };

typedef struct attention_bench {
    const anm_attention_kernel *kernel;
    anm_attention a; /* of the first layer */
    int layers;
    size_t layer_halves;
    void *scratch[2];
} attention_bench;

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fprintf(stderr, "kcheck: not enough memory for the benchmark\n");
        exit(2);
    }
    return memory;
}

static void run_part(void *context, int part, int parts) {
    const attention_bench *b = context;
    anm_attention a = b->a;
    int64_t units = b->kernel->units(&a);
    for (int i = 0; i < b->layers; i++) {
        a.k = (const uint16_t *)b->a.k + (size_t)i * b->layer_halves;
        a.v = (const uint16_t *)b->a.v + (size_t)i * b->layer_halves;
        b->kernel->run(&a, units * part / parts, units * (part + 1) / parts, b->scratch[part]);
    }
}

/* Rows at the end of `columns` positions of a cache for CONTEXT. */
static void shape(attention_bench *b, int64_t rows, int64_t columns, float *q, float *out,
                  int32_t *span) {
    b->a.rows = rows;
    b->a.columns = CONTEXT;
    b->a.q = q;
    b->a.q_head = b->a.out_head = DIM;
    b->a.q_row = b->a.out_row = HEADS * DIM;
    b->a.out = out;
    for (int64_t r = 0; r < rows; r++) {
        span[2 * r] = 0;
        span[2 * r + 1] = (int32_t)(columns - rows + r + 1);
    }
    b->a.span = span;
    b->a.mask_trivial = true;
}

static double best_seconds(attention_bench *b, int threads) {
    double best = 1e30;
    for (int i = 0; i < 2; i++) b->scratch[i] = allocate(b->kernel->scratch_bytes(&b->a));
    for (int turn = 0; turn < TURNS; turn++) {
        double seconds = kcheck_parallel(threads, run_part, b);
        if (seconds < best) best = seconds;
    }
    free(b->scratch[0]);
    free(b->scratch[1]);
    return best;
}

static void time_one(attention_bench *b, int64_t columns, int threads) {
    double seconds = best_seconds(b, threads), rate = 0;
    double bytes = 2.0 * 2 * KV_HEADS * DIM * (double)columns * b->layers;
    for (int turn = 0; turn < TURNS; turn++) {
        double r = kcheck_read_rate(b->a.k, b->layer_halves * 2 * (size_t)b->layers, threads);
        if (r > rate) rate = r;
    }
    printf("%-20s 1 row, %4lld columns, %d layers, threads %d: %6.2f ms, %5.1f GB/s, memory %5.1f,"
           " share %.2f\n", b->kernel->name, (long long)columns, b->layers, threads,
           seconds * 1e3, bytes / seconds * 1e-9, rate, bytes / seconds * 1e-9 / rate);
}

static void time_many(attention_bench *b, int64_t rows, int64_t columns, int threads) {
    double seconds = best_seconds(b, threads), peak = 0;
    double visible = (double)rows * ((double)columns - (double)(rows - 1) / 2);
    double rate = 4.0 * HEADS * DIM * visible * b->layers / seconds;
    printf("%-20s %lld rows, %4lld columns, threads %d: %6.1f GFLOP/s", b->kernel->name,
           (long long)rows, (long long)columns, threads, rate * 1e-9);
    for (size_t i = 0; bench_unit_at(i); i++) {
        if (bench_unit_at(i)->isa != b->kernel->isa) continue;
        for (int turn = 0; turn < TURNS; turn++) {
            double r = bench_unit_rate(bench_unit_at(i), threads);
            if (r > peak) peak = r;
        }
        printf(", %.2f of %s", rate / peak, bench_unit_at(i)->name);
        peak = 0;
    }
    printf("\n");
}

static void time_kernel(attention_bench *b, float *q, float *out, int32_t *span, int threads) {
    static const int64_t depths[] = {64, 512, 2048, 4096};
    static const int64_t prompts[][2] = {{64, 64}, {64, 512}, {512, 512}, {64, 4096}};
    for (int i = 0; i < 4; i++) {
        shape(b, 1, depths[i], q, out, span);
        b->layers = LAYERS;
        time_one(b, depths[i], threads);
    }
    for (int i = 0; i < 4; i++) {
        shape(b, prompts[i][0], prompts[i][1], q, out, span);
        b->layers = 2;
        time_many(b, prompts[i][0], prompts[i][1], threads);
    }
    fflush(stdout);
}

void bench_attention(void) {
    attention_bench b = {.layer_halves = (size_t)KV_HEADS * CONTEXT * DIM};
    b.a = (anm_attention){.heads = HEADS, .kv_heads = KV_HEADS, .dim = DIM, .value_dim = DIM,
                          .scale = 1 / sqrtf(DIM), .kv_dtype = ANM_DTYPE_FP16,
                          .k_head = (int64_t)CONTEXT * DIM, .v_head = (int64_t)CONTEXT * DIM,
                          .k_column = DIM, .v_column = DIM};
    size_t halves = b.layer_halves * LAYERS * 2;
    uint16_t *cache = NULL;
    float *q = allocate(512 * HEADS * DIM * 4), *out = allocate(512 * HEADS * DIM * 4);
    int32_t *span = allocate(512 * 8);
    const anm_attention_kernel *k;
    for (size_t i = 0; (k = anm_attention_at(i)) != NULL; i++) {
        if (k->isa == ANM_ISA_C || !kcheck_wanted(k->name, k->isa)) continue;
        if (!cache) {
            cache = allocate(halves * 2);
            kcheck_fill_normal(q, 512 * HEADS * DIM, 1);
            for (size_t j = 0; j < halves; j++)
                cache[j] = (uint16_t)(kcheck_random() >> 48 & 0xb3ff);
            b.a.k = cache;
            b.a.v = cache + halves / 2;
        }
        b.kernel = k;
        time_kernel(&b, q, out, span, kcheck.threads < 2 ? 1 : 2);
        if (kcheck.threads > 1) time_kernel(&b, q, out, span, 1);
    }
    free(cache);
    free(q);
    free(out);
    free(span);
}

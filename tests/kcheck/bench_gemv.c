/* SPDX-License-Identifier: MIT */
/*
 * Times the GEMV kernels on per-8-rows groups: streaming, over more matrices than any cache holds,
 * and over one that stays in a core's cache. The memory's rate is measured between the kernels'
 * turns, with as many threads; of all turns the best counts, on both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemv.h"
#include "tests/kcheck/kcheck.h"

enum { ROWS = 3072, COLUMNS = 1024, MATRICES = 190, TURNS = 5, GROUP_ROWS = 8 };

typedef struct gemv_bench {
    const anm_gemv_kernel *kernel;
    anm_matrix w; /* the first of `count`, which follow one another */
    int count;
    size_t bytes, lut_elements; /* of one matrix */
    void *input;
    float *y;
} gemv_bench;

/* Forms timed: bits of a table, or of affine and float elements. */
static const struct {
    anm_matrix_kind kind;
    int bits;
} forms[] = {
    {ANM_MATRIX_LUT, 1},    {ANM_MATRIX_LUT, 2},    {ANM_MATRIX_LUT, 3},  {ANM_MATRIX_LUT, 4},
    {ANM_MATRIX_LUT, 6},    {ANM_MATRIX_LUT, 8},    {ANM_MATRIX_FP16, 16}, {ANM_MATRIX_FP32, 32},
    {ANM_MATRIX_AFFINE, 4}, {ANM_MATRIX_AFFINE, 8},
};

static void run_part(void *context, int part, int parts) {
    const gemv_bench *b = context;
    anm_matrix w = b->w;
    int64_t steps = ROWS / b->kernel->row_step, row0 = steps * part / parts * b->kernel->row_step;
    int64_t row1 = part + 1 == parts ? ROWS : steps * (part + 1) / parts * b->kernel->row_step;
    for (int i = 0; i < b->count; i++) {
        w.data = (const char *)b->w.data + (size_t)i * b->bytes;
        if (w.lut) w.lut = b->w.lut + (size_t)i * b->lut_elements;
        b->kernel->run(&w, b->input, row0, row1, b->y);
    }
}

static void fail_memory(void) {
    fprintf(stderr, "kcheck: not enough memory for the benchmark\n");
    exit(2);
}

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) fail_memory();
    return memory;
}

/* Halves of any bits could be NaN; those of magnitudes below 1 are not. */
static uint16_t *small_halves(size_t n) {
    uint16_t *halves = allocate(n * 2);
    for (size_t i = 0; i < n; i++) halves[i] = (uint16_t)(kcheck_random() >> 48 & 0xb3ff);
    return halves;
}

static anm_matrix shape_of(anm_matrix_kind kind, int bits) {
    return (anm_matrix){.kind = kind, .rows = ROWS, .columns = COLUMNS, .bits = bits,
                        .group_rows = GROUP_ROWS, .group_columns = COLUMNS, .is_signed = true};
}

static void make(gemv_bench *b, anm_matrix_kind kind, int bits) {
    *b = (gemv_bench){.count = MATRICES, .bytes = (size_t)ROWS * COLUMNS * (size_t)bits / 8};
    b->w = shape_of(kind, bits);
    size_t words = b->bytes * MATRICES / 8;
    uint64_t *data = allocate(words * 8);
    for (size_t i = 0; i < words; i++)
        data[i] = kcheck_random() & (kind == ANM_MATRIX_FP16   ? 0xb3ffb3ffb3ffb3ff
                                     : kind == ANM_MATRIX_FP32 ? 0xbf7fffffbf7fffff
                                                               : UINT64_MAX);
    b->w.data = data;
    size_t tables = ROWS / GROUP_ROWS;
    b->lut_elements = tables << bits;
    if (kind == ANM_MATRIX_LUT) b->w.lut = small_halves(b->lut_elements * MATRICES);
    if (kind == ANM_MATRIX_AFFINE) b->w.scale = small_halves(tables);
    b->y = allocate(ROWS * 4);
}

static void drop(gemv_bench *b) {
    free((void *)(uintptr_t)b->w.data);
    free((void *)(uintptr_t)b->w.lut);
    free((void *)(uintptr_t)b->w.scale);
    free(b->y);
}

static void print_rate(const gemv_bench *b, int threads, double seconds, double rate) {
    double weights = (double)ROWS * COLUMNS * b->count / seconds * 1e-9;
    double bytes = (double)anm_matrix_bytes(&b->w, 0, ROWS) * b->count / seconds * 1e-9;
    printf("%-26s %2d bits, threads %d, %s %6.1f G weights/s %6.1f GB/s", b->kernel->name,
           b->w.bits, threads, b->count == 1 ? "in cache: " : "streaming:", weights, bytes);
    if (rate > 0) printf("  memory %5.1f GB/s, share %.2f", rate, bytes / rate);
    printf("\n");
    fflush(stdout);
}

static void time_streaming(gemv_bench *b, int threads) {
    double best = 1e30, rate = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        double seconds = kcheck_parallel(threads, run_part, b);
        if (seconds < best) best = seconds;
        double r = kcheck_read_rate(b->w.data, b->bytes * MATRICES, threads);
        if (r > rate) rate = r;
    }
    print_rate(b, threads, best, rate);
}

static void repeat_part(void *context, int part, int parts) {
    for (int i = 0; i < 20; i++) run_part(context, part, parts);
}

static void time_in_cache(gemv_bench *b, int threads) {
    double best = 1e30;
    b->count = 1;
    for (int turn = 0; turn < 3 * TURNS; turn++) {
        double seconds = kcheck_parallel(threads, repeat_part, b) / 20;
        if (seconds < best) best = seconds;
    }
    print_rate(b, threads, best, 0);
    b->count = MATRICES;
}

static void time_threads(gemv_bench *b, int threads) {
    time_streaming(b, threads);
    time_in_cache(b, threads);
}

static void time_kernel(gemv_bench *b, const anm_gemv_kernel *k) {
    float x[COLUMNS];
    kcheck_fill_normal(x, COLUMNS, 1);
    b->kernel = k;
    b->input = allocate(k->input_bytes(COLUMNS));
    k->prepare(x, COLUMNS, b->input);
    time_threads(b, kcheck.threads);
    if (kcheck.threads > 1) time_threads(b, 1);
    free(b->input);
}

void bench_gemv(void) {
    const anm_gemv_kernel *k;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        gemv_bench b = {.w = shape_of(forms[f].kind, forms[f].bits)};
        for (size_t i = 0; (k = anm_gemv_at(i)) != NULL; i++) {
            /* The reference takes all and would take minutes. */
            if (k->isa == ANM_ISA_C || !k->accepts(&b.w) || !kcheck_wanted(k->name, k->isa))
                continue;
            if (!b.y) make(&b, forms[f].kind, forms[f].bits);
            time_kernel(&b, k);
        }
        if (b.y) drop(&b);
    }
}

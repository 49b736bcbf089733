/* SPDX-License-Identifier: MIT */
/*
 * Times the GEMM kernels on the shapes of a 0.6B model, the preparation of the input included, over
 * as many matrices as no near cache holds. The peaks of the machine's units are measured between
 * the kernels' turns with as many threads; of all turns the best counts, on both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cpu/kernels/gemm.h"
#include "tests/kcheck/bench_peak.h"
#include "tests/kcheck/kcheck.h"

enum { TURNS = 4, GROUP_ROWS = 8, WEIGHTS = 24 << 20, MAX_UNITS = 8 };

typedef struct gemm_bench {
    const anm_gemm_kernel *kernel;
    anm_matrix w;
    int count; /* matrices, one after the other in w.data and w.lut */
    size_t bytes, lut_elements;
    int64_t tokens;
    float *x, *y;
    void *input, *scratch[2];
} gemm_bench;

static const struct {
    anm_matrix_kind kind;
    int bits;
} forms[] = {
    {ANM_MATRIX_LUT, 4}, {ANM_MATRIX_LUT, 6}, {ANM_MATRIX_LUT, 8}, {ANM_MATRIX_FP16, 16},
    {ANM_MATRIX_AFFINE, 4},
};

static const struct {
    int64_t rows, columns;
} shapes[] = {{3072, 1024}, {1024, 3072}};

static const int64_t token_counts[] = {16, 64, 128, 512};

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fprintf(stderr, "kcheck: not enough memory for the benchmark\n");
        exit(2);
    }
    return memory;
}

/* Halves of magnitudes below 1. */
static void *small_halves(size_t n) {
    uint16_t *halves = allocate(n * 2);
    for (size_t i = 0; i < n; i++) halves[i] = (uint16_t)(kcheck_random() >> 48 & 0xb3ff);
    return halves;
}

static void make(gemm_bench *b, anm_matrix_kind kind, int bits, int64_t rows, int64_t columns) {
    *b = (gemm_bench){.count = (int)(WEIGHTS / (rows * columns))};
    b->w = (anm_matrix){.kind = kind, .rows = rows, .columns = columns, .bits = bits,
                        .group_rows = GROUP_ROWS, .group_columns = columns, .is_signed = true};
    if (kind == ANM_MATRIX_AFFINE) b->w.group_rows = 1, b->w.group_columns = 32;
    b->bytes = (size_t)(rows * columns) * (size_t)bits / 8;
    size_t groups =
        (size_t)(rows / b->w.group_rows * (columns / b->w.group_columns)) * (size_t)b->count;
    b->lut_elements = groups / (size_t)b->count << bits;
    b->w.data = small_halves(b->bytes * (size_t)b->count / 2);
    if (kind != ANM_MATRIX_FP16) {
        uint64_t *words = (uint64_t *)(uintptr_t)b->w.data;
        for (size_t i = 0; i < b->bytes * (size_t)b->count / 8; i++) words[i] = kcheck_random();
    }
    if (kind == ANM_MATRIX_LUT) b->w.lut = small_halves(groups << bits);
    if (kind == ANM_MATRIX_AFFINE) b->w.scale = small_halves(groups);
    b->x = allocate((size_t)(512 * columns) * 4);
    b->y = allocate((size_t)(512 * rows) * 4);
    kcheck_fill_normal(b->x, 512 * columns, 1);
}

static void drop(gemm_bench *b) {
    free((void *)(uintptr_t)b->w.data);
    free((void *)(uintptr_t)b->w.lut);
    free((void *)(uintptr_t)b->w.scale);
    free(b->x);
    free(b->y);
}

static void run_part(void *context, int part, int parts) {
    const gemm_bench *b = context;
    anm_matrix w = b->w;
    int64_t step = b->kernel->row_step, steps = (w.rows + step - 1) / step;
    int64_t row0 = steps * part / parts * step;
    int64_t row1 = part + 1 == parts ? w.rows : steps * (part + 1) / parts * step;
    for (int i = 0; i < b->count; i++) {
        w.data = (const char *)b->w.data + (size_t)i * b->bytes;
        if (w.lut) w.lut = b->w.lut + (size_t)i * b->lut_elements;
        b->kernel->prepare(b->x, w.columns, w.columns, b->tokens, b->input, part, parts);
        b->kernel->run(&w, b->input, b->tokens, row0, row1, b->y, w.rows, b->scratch[part]);
    }
}

static void print_rate(const gemm_bench *b, int threads, double seconds, const double *peaks) {
    double rate = 2.0 * (double)(b->w.rows * b->w.columns * b->tokens) * b->count / seconds;
    printf("%-22s %s%-2d %4lldx%-4lld %3lld tokens, threads %d: %6.0f GFLOP/s", b->kernel->name,
           b->w.kind == ANM_MATRIX_LUT ? "lut" : b->w.kind == ANM_MATRIX_FP16 ? "fp" : "int",
           b->w.bits, (long long)b->w.rows, (long long)b->w.columns, (long long)b->tokens, threads,
           rate * 1e-9);
    for (size_t i = 0; bench_unit_at(i); i++)
        if (bench_unit_at(i)->isa == b->kernel->isa && peaks[i] > 0)
            printf(", %.2f of %s", rate / peaks[i], bench_unit_at(i)->name);
    printf("\n");
    fflush(stdout);
}

static void measure_peaks(double *peaks, int threads, anm_isa isa) {
    for (size_t i = 0; bench_unit_at(i); i++) {
        if (bench_unit_at(i)->isa != isa) continue;
        double rate = bench_unit_rate(bench_unit_at(i), threads);
        if (rate > peaks[i]) peaks[i] = rate;
    }
}

static void time_kernel(gemm_bench *b, int threads) {
    double best = 1e30, peaks[MAX_UNITS] = {0};
    b->input = allocate(b->kernel->input_bytes(b->w.columns, b->tokens));
    for (int i = 0; i < 2; i++)
        b->scratch[i] = allocate(b->kernel->scratch_bytes(&b->w, b->tokens));
    for (int turn = 0; turn < TURNS; turn++) {
        double seconds = kcheck_parallel(threads, run_part, b);
        if (seconds < best) best = seconds;
        measure_peaks(peaks, threads, b->kernel->isa);
    }
    print_rate(b, threads, best, peaks);
    free(b->input);
    free(b->scratch[0]);
    free(b->scratch[1]);
}

static void time_matrix(gemm_bench *b) {
    const anm_gemm_kernel *k;
    for (size_t i = 0; (k = anm_gemm_at(i)) != NULL; i++) {
        /* The reference takes all and would take minutes. */
        if (k->isa == ANM_ISA_C || !k->accepts(&b->w) || !kcheck_wanted(k->name, k->isa)) continue;
        b->kernel = k;
        for (size_t t = 0; t < sizeof token_counts / sizeof token_counts[0]; t++) {
            b->tokens = token_counts[t];
            time_kernel(b, kcheck.threads < 2 ? 1 : 2);
            if (kcheck.threads > 1) time_kernel(b, 1);
        }
    }
}

void bench_gemm(void) {
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
            gemm_bench b;
            make(&b, forms[f].kind, forms[f].bits, shapes[s].rows, shapes[s].columns);
            time_matrix(&b);
            drop(&b);
        }
}

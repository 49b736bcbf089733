/* SPDX-License-Identifier: MIT */
/*
 * Times the GEMV kernels on tables of 8 rows, and on 4-bit integers with scales of 32 columns:
 * streaming, over more matrices than any cache holds, and over one that stays in a core's cache.
 *
 * The machine's rate drifts, so kernel and memory are measured in turn, a slice of the matrices
 * each: the best of SLICES turns of either gives one ratio, and the median of the ratios counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemv.h"
#include "tests/kcheck/kcheck.h"
#include "tests/kcheck/kcheck_matrix.h"

enum { ROWS = 3072, COLUMNS = 1024, MATRICES = 190, GROUP_ROWS = 8 };
enum { SLICE = 10, SLICES = 8, RATIOS = 15, REPEATS = 10 };

typedef struct gemv_bench {
    const anm_gemv_kernel *kernel;
    anm_matrix w; /* the first of MATRICES, which follow one another */
    int first;    /* of the slice to run */
    size_t bytes, lut_elements, scale_elements; /* of one matrix */
    void *input;
    float *y;
} gemv_bench;

/* Forms timed: bits of a table, or of an element, and what rows and columns share a table. */
static const struct {
    anm_matrix_kind kind;
    int bits, group_rows, group_columns;
} forms[] = {
    {ANM_MATRIX_LUT, 1, GROUP_ROWS, COLUMNS},    {ANM_MATRIX_LUT, 2, GROUP_ROWS, COLUMNS},
    {ANM_MATRIX_LUT, 3, GROUP_ROWS, COLUMNS},    {ANM_MATRIX_LUT, 4, GROUP_ROWS, COLUMNS},
    {ANM_MATRIX_LUT, 6, GROUP_ROWS, COLUMNS},    {ANM_MATRIX_LUT, 8, GROUP_ROWS, COLUMNS},
    {ANM_MATRIX_FP16, 16, GROUP_ROWS, COLUMNS},  {ANM_MATRIX_FP32, 32, GROUP_ROWS, COLUMNS},
    {ANM_MATRIX_AFFINE, 4, GROUP_ROWS, COLUMNS}, {ANM_MATRIX_AFFINE, 4, 1, 32},
    {ANM_MATRIX_AFFINE, 8, GROUP_ROWS, COLUMNS},
};

/* The slice's matrices one after the other, as a plan's steps are. */
typedef struct bench_walk {
    const gemv_bench *bench;
    int matrix;
    int64_t row0, row1;
} bench_walk;

static anm_matrix matrix_at(const gemv_bench *b, int index) {
    anm_matrix w = b->w;
    w.data = (const char *)b->w.data + (size_t)index * b->bytes;
    if (w.lut) w.lut = b->w.lut + (size_t)index * b->lut_elements;
    return w;
}

static bool next_matrix(void *context, anm_ahead_range *out) {
    bench_walk *walk = context;
    if (walk->matrix == walk->bench->first + SLICE) return false;
    anm_matrix w = matrix_at(walk->bench, walk->matrix++);
    *out = anm_gemv_range(&w, walk->row0, walk->row1);
    return true;
}

static void run_part(void *context, int part, int parts) {
    const gemv_bench *b = context;
    int64_t steps = ROWS / b->kernel->row_step, row0 = steps * part / parts * b->kernel->row_step;
    int64_t row1 = part + 1 == parts ? ROWS : steps * (part + 1) / parts * b->kernel->row_step;
    bench_walk walk = {b, b->first, row0, row1};
    anm_ahead ahead = {.next = next_matrix, .context = &walk};
    for (int i = b->first; i < b->first + SLICE; i++) {
        anm_matrix w = matrix_at(b, i);
        if (b->kernel->run_ahead) b->kernel->run_ahead(&w, b->input, row0, row1, b->y, &ahead);
        else b->kernel->run(&w, b->input, row0, row1, b->y);
    }
}

static void repeat_part(void *context, int part, int parts) {
    const gemv_bench *b = context;
    int64_t steps = ROWS / b->kernel->row_step, row0 = steps * part / parts * b->kernel->row_step;
    int64_t row1 = part + 1 == parts ? ROWS : steps * (part + 1) / parts * b->kernel->row_step;
    for (int i = 0; i < REPEATS; i++) b->kernel->run(&b->w, b->input, row0, row1, b->y);
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

/* Tables as k-means finds them, one after the other. */
static uint16_t *rising_tables(size_t n, int bits) {
    uint16_t *halves = allocate(n * 2);
    for (size_t i = 0; i < n; i += (size_t)1 << bits)
        kcheck_rising_table(halves + i, 1 << bits, 0.05f, 0.05f);
    return halves;
}

/* Halves of any bits could be NaN; those of magnitudes below 1 are not. */
static uint16_t *small_halves(size_t n) {
    uint16_t *halves = allocate(n * 2);
    for (size_t i = 0; i < n; i++) halves[i] = (uint16_t)(kcheck_random() >> 48 & 0xb3ff);
    return halves;
}

/* Floats are below 2 and far from what a processor is slow with. */
static uint64_t random_word(anm_matrix_kind kind) {
    uint64_t word = kcheck_random();
    if (kind == ANM_MATRIX_FP16) return word & 0xb3ffb3ffb3ffb3ff;
    if (kind == ANM_MATRIX_FP32) return (word & 0x9f7fffff9f7fffff) | 0x2000000020000000;
    return word;
}

static anm_matrix shape_of(size_t form) {
    return (anm_matrix){.kind = forms[form].kind, .rows = ROWS, .columns = COLUMNS,
                        .bits = forms[form].bits, .group_rows = forms[form].group_rows,
                        .group_columns = forms[form].group_columns, .is_signed = true};
}

static void make(gemv_bench *b) {
    b->bytes = (size_t)ROWS * COLUMNS * (size_t)b->w.bits / 8;
    size_t words = b->bytes * MATRICES / 8;
    uint64_t *data = allocate(words * 8);
    for (size_t i = 0; i < words; i++) data[i] = random_word(b->w.kind);
    b->w.data = data;
    size_t tables = (size_t)(ROWS / b->w.group_rows * (COLUMNS / b->w.group_columns));
    bool lut = b->w.kind == ANM_MATRIX_LUT, affine = b->w.kind == ANM_MATRIX_AFFINE;
    b->lut_elements = lut ? tables << b->w.bits : 0;
    b->scale_elements = affine ? tables : 0;
    if (lut) b->w.lut = rising_tables(b->lut_elements * MATRICES, b->w.bits);
    if (affine) b->w.scale = small_halves(b->scale_elements * MATRICES);
    b->y = allocate(ROWS * 4);
}

static void drop(gemv_bench *b) {
    free((void *)(uintptr_t)b->w.data);
    free((void *)(uintptr_t)b->w.lut);
    free((void *)(uintptr_t)b->w.scale);
    free(b->y);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void next_slice(gemv_bench *b) {
    b->first = (b->first + SLICE) % MATRICES;
}

/* Seconds of the best kernel's and the best reader's turn. */
static void time_slices(gemv_bench *b, int threads, double *kernel, double *reader) {
    *kernel = *reader = 1e30;
    for (int turn = 0; turn < SLICES; turn++) {
        next_slice(b);
        double seconds = kcheck_parallel(threads, run_part, b);
        if (seconds < *kernel) *kernel = seconds;
        next_slice(b);
        const char *data = (const char *)b->w.data + (size_t)b->first * b->bytes;
        double bytes = (double)b->bytes * SLICE;
        seconds = bytes * 1e-9 / kcheck_read_rate(data, b->bytes * SLICE, threads);
        if (seconds < *reader) *reader = seconds;
    }
}

static double in_cache(gemv_bench *b, int threads) {
    double best = 1e30;
    for (int turn = 0; turn < SLICES * RATIOS / 4; turn++) {
        double seconds = kcheck_parallel(threads, repeat_part, b) / REPEATS;
        if (seconds < best) best = seconds;
    }
    return best;
}

static void time_threads(gemv_bench *b, int threads) {
    double kernel[RATIOS], reader[RATIOS], ratio[RATIOS], weights = (double)ROWS * COLUMNS * 1e-9;
    double data = (double)b->bytes * 1e-9, bytes = (double)anm_matrix_bytes(&b->w, 0, ROWS) * 1e-9;
    for (int i = 0; i < RATIOS; i++) {
        time_slices(b, threads, &kernel[i], &reader[i]);
        ratio[i] = kernel[i] / reader[i] * data / bytes;
    }
    qsort(kernel, RATIOS, sizeof *kernel, compare);
    qsort(reader, RATIOS, sizeof *reader, compare);
    qsort(ratio, RATIOS, sizeof *ratio, compare);
    double median = kernel[RATIOS / 2] / SLICE;
    printf("%-26s %2d bits, groups of %4lld columns, threads %d: %6.1f G weights/s %5.1f GB/s, "
           "memory %5.1f GB/s, time / limit %.2f (%.2f .. %.2f), in cache %.1f G weights/s\n",
           b->kernel->name, b->w.bits, (long long)b->w.group_columns, threads, weights / median,
           bytes / median, data * SLICE / reader[RATIOS / 2], ratio[RATIOS / 2], ratio[0],
           ratio[RATIOS - 1], weights / in_cache(b, threads));
    fflush(stdout);
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
        gemv_bench b = {.w = shape_of(f)};
        for (size_t i = 0; (k = anm_gemv_at(i)) != NULL; i++) {
            /* Not those that take what the others leave: they would take minutes. */
            bool best = anm_gemv_find(&b.w, k->isa) == k || anm_gemv_find_exact(&b.w, k->isa) == k;
            if (k->isa == ANM_ISA_C || !best || !kcheck_wanted(k->name, k->isa)) continue;
            if (!b.y) make(&b);
            time_kernel(&b, k);
        }
        if (b.y) drop(&b);
    }
}

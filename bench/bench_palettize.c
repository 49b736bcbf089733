/* SPDX-License-Identifier: MIT */
/*
 * Times palettization of normal(0, 0.02) fp16 weights and prints its relative error, for
 * two shapes, several widths and granularities, on 1 and 2 threads: bench_palettize [rounds]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/half.h"
#include "src/convert/palettize.h"

enum { COUNT = 1024 * 3072 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* splitmix64 */
static double uniform(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ((double)((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
}

/* Box and Muller's transform. */
static double fill(uint16_t *weights, size_t n) {
    uint64_t state = 12345;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double radius = sqrt(-2 * log(uniform(&state))), turn = uniform(&state);
        weights[i] = anm_half_from_double(0.02 * radius * cos(6.283185307179586 * turn));
        double w = (double)anm_half_to_float(weights[i]);
        sum += w * w;
    }
    return sum;
}

static double best_time(const anm_palette_matrix *m, uint16_t *lut, uint8_t *indices,
                        double *errors, int rounds) {
    double best = INFINITY;
    anm_error err;
    for (int i = 0; i < rounds; i++) {
        double start = now();
        if (anm_palettize_matrix(m, lut, indices, errors, &err) != ANM_OK) exit(1);
        best = fmin(best, now() - start);
    }
    return best;
}

int main(int argc, char **argv) {
    static const int widths[] = {2, 4, 6, 8};
    int rounds = argc > 1 ? atoi(argv[1]) : 3;
    uint16_t *weights = malloc(COUNT * sizeof *weights);
    uint16_t *lut = malloc(COUNT * sizeof *lut);
    uint8_t *indices = malloc(COUNT);
    double *errors = malloc(COUNT * sizeof *errors);
    if (!weights || !lut || !indices || !errors) return 1;
    double power = fill(weights, COUNT);
    printf("%-10s %4s %-8s %7s %9s %12s %9s\n", "O x I", "bits", "tables", "threads", "ms",
           "M weights/s", "rel RMSE");
    for (int c = 0; c < 32; c++) {
        int64_t rows = c & 16 ? 3072 : 1024;
        anm_palette_matrix m = {weights, rows, COUNT / rows, NULL, 0, c & 2 ? rows : 8,
                                widths[c >> 2 & 3], 1 + (c & 1)};
        double seconds = best_time(&m, lut, indices, errors, rounds), sum = 0;
        for (int64_t i = 0; i < anm_palette_matrix_groups(&m); i++) sum += errors[i];
        printf("%4lldx%4lld  %4d %-8s %7d %9.1f %12.1f %9.5f\n", (long long)rows,
               (long long)m.columns, m.bits, c & 2 ? "tensor" : "group 8", m.threads,
               seconds * 1e3, COUNT / seconds * 1e-6, sqrt(sum / power));
    }
    return 0;
}

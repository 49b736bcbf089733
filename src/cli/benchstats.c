/* SPDX-License-Identifier: MIT */
#include "src/cli/benchstats.h"

#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(const double *values, size_t count, double *sorted) {
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
}

double bench_median(const double *values, size_t count) {
    double s[BENCH_MOST_REPEATS];
    sort(values, count, s);
    return count % 2 ? s[count / 2] : (s[count / 2 - 1] + s[count / 2]) / 2;
}

double bench_spread(const double *values, size_t count) {
    double s[BENCH_MOST_REPEATS];
    sort(values, count, s);
    return 50 * (s[count - 1] - s[0]) / bench_median(values, count);
}

/* SPDX-License-Identifier: MIT */
/* What repeats of a measurement come to. */
#ifndef ANM_CLI_BENCHSTATS_H
#define ANM_CLI_BENCHSTATS_H

#include <stddef.h>

enum { BENCH_MOST_REPEATS = 100 };

/* Of at least one and at most BENCH_MOST_REPEATS values. */
double bench_median(const double *values, size_t count);
/* Half of the distance between the least and the greatest, in percent of the median. */
double bench_spread(const double *values, size_t count);

#endif

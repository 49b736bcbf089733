/* SPDX-License-Identifier: MIT */
/* Peaks of this machine's arithmetic, to hold kernels against. */
#ifndef ANM_TESTS_BENCH_PEAK_H
#define ANM_TESTS_BENCH_PEAK_H

#include <stddef.h>

#include "src/cpu/isa.h"

typedef struct bench_unit {
    const char *name;
    anm_isa isa; /* the level that has it */
} bench_unit;

const bench_unit *bench_unit_at(size_t index); /* NULL past the end */
/* Operations a second (a multiply-add is two) of `threads` threads, in one short run. */
double bench_unit_rate(const bench_unit *unit, int threads);

#endif

/* SPDX-License-Identifier: MIT */
/* Time that only goes on, for durations and deadlines. */
#ifndef ANM_BASE_CLOCK_H
#define ANM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds since some moment that is the same for the whole process. */
static inline double anm_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The same in nanoseconds. */
static inline uint64_t anm_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif

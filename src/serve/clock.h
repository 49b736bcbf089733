/* SPDX-License-Identifier: MIT */
/* Seconds that only go forward. */
#ifndef ANM_SERVE_CLOCK_H
#define ANM_SERVE_CLOCK_H

#include <time.h>

static inline double anm_serve_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif

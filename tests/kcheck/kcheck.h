/* SPDX-License-Identifier: MIT */
/*
 * What the checks of all subjects share: which kernels are wanted, random data, buffers that a
 * stray access cannot leave unnoticed, verdicts, and time.
 */
#ifndef ANM_TESTS_KCHECK_H
#define ANM_TESTS_KCHECK_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cpu/isa.h"

typedef struct kcheck_options {
    uint64_t seed;
    const char *pattern; /* of kernel names, as a shell writes them; NULL: all */
    anm_isa level;       /* kernels at or below it */
    bool bench;
    int threads;
} kcheck_options;

extern kcheck_options kcheck;

/* The kernel is asked for and this machine can run it; else it is not counted at all. */
bool kcheck_wanted(const char *name, anm_isa isa);

/* One sequence per kernel, so that a kernel's data do not depend on which others run. */
void kcheck_seed(const char *name);
uint64_t kcheck_random(void);
int64_t kcheck_between(int64_t low, int64_t high); /* both included */
float kcheck_uniform(void);                        /* -1 .. 1 */
float kcheck_normal(void);
void kcheck_fill_bytes(void *to, size_t bytes);
void kcheck_fill_normal(float *to, int64_t n, float deviation);

/*
 * `bytes` between two pages that cannot be touched: they end at the second one, or, every other
 * time, begin after the first. `align` (a power of two) is kept, so that where it does not divide
 * `bytes` a few bytes behind the end hold a pattern instead, which kcheck_release examines. All
 * buffers are released together.
 */
void *kcheck_buffer(size_t bytes, size_t align);
/* Forgets all buffers; false if a pattern behind one was overwritten. */
bool kcheck_release(void);

/* Between begin and end: one kernel, one line of the output. */
void kcheck_begin(const char *name);
/* An error beside its bound, of the case that `format` names: above 1 of it the kernel fails. */
void kcheck_error(double error, double bound, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void kcheck_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kcheck_end(void);

/*
 * Runs call(context), coming back if it touches what it must not; then the kernel has failed and
 * the answer is false.
 */
bool kcheck_guarded(void (*call)(void *context), void *context, const char *what);

double kcheck_seconds(void);
/*
 * Runs body(context, part, parts) on `threads` threads at the same time and returns the seconds
 * between the first's start and the last's end.
 */
double kcheck_parallel(int threads, void (*body)(void *context, int part, int parts),
                       void *context);
/* GB/s at which `threads` threads read `bytes` of memory, each its part, once. */
double kcheck_read_rate(const void *memory, size_t bytes, int threads);

void check_matrix(void);
void check_gemv(void);
void check_gemm(void);
void check_attention(void);
void check_rows(void);
void check_tiles(void); /* with ANM_HAVE_EMULATED_TILES */
void bench_gemv(void);
void bench_gemm(void);
void bench_attention(void);

#endif

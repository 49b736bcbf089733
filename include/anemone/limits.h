/* SPDX-License-Identifier: MIT */
/* What the machine at hand can do at most: the yardsticks of `anemone bench`. */
#ifndef ANEMONE_LIMITS_H
#define ANEMONE_LIMITS_H

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_limits {
    double bandwidth;      /* bytes read a second from memory, by all threads together */
    double flops;          /* of fp32 multiply-adds in vectors, two a multiply-add */
    double matrix_flops;   /* of bf16 tiles; 0: the machine has none, or may not use them */
    char cpu[32];          /* the level of instructions these are for: "avx512vnni" */
    int threads;
} anm_limits;

/*
 * Measures for about half a second on `threads` threads (0: one a processor that the process may
 * use), at the level `cpu` (NULL: as predictions choose it). Other work on the machine lowers the
 * figures: measure them beside what is compared with them.
 */
ANM_API ANM_MUST_CHECK anm_status anm_limits_measure(int threads, const char *cpu,
                                                     anm_limits *out, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* Where the time of a benchmark went: by kind of step and by part of the model. */
#ifndef ANM_CLI_BENCHPROFILE_H
#define ANM_CLI_BENCHPROFILE_H

#include <jansson.h>
#include <stdbool.h>

#include "anemone/llm.h"

enum { BENCH_ROWS = 96 };

typedef struct bench_row {
    bool decode;
    char name[64]; /* kind of step, or part of the model */
    double seconds;
    double bytes, flops; /* of all runs */
    size_t steps;
} bench_row;

typedef struct bench_profile {
    bool on;
    bench_row kinds[BENCH_ROWS], parts[BENCH_ROWS];
    size_t kind_count, part_count;
    size_t tokens[2];              /* profiled, by decode */
    double weights[2], flops[2];   /* of one token, by decode */
    double cache;                  /* bytes of one token's keys and values, of the last run */
} bench_profile;

/* Around a measurement: `tokens` were evaluated. */
void bench_profile_start(bench_profile *p, const anm_llm *llm, bool decode);
void bench_profile_stop(bench_profile *p, const anm_llm *llm, bool decode, size_t tokens);
/* Weights read, operations, and keys and values read in the last measurement, for a token. */
double bench_profile_weights(const bench_profile *p, bool decode);
double bench_profile_cache(const bench_profile *p);
double bench_profile_flops(const bench_profile *p, bool decode);
void bench_profile_print(const bench_profile *p, bool parts);
json_t *bench_profile_json(const bench_profile *p, bool parts);

#endif

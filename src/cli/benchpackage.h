/* SPDX-License-Identifier: MIT */
/* anemone bench PACKAGE: speed of one function of any package. */
#ifndef ANM_CLI_BENCHPACKAGE_H
#define ANM_CLI_BENCHPACKAGE_H

#include "anemone/program.h"
#include "src/cli/shapearg.h"

typedef struct package_bench {
    const char *path, *function, *cpu, *matmul;
    const shape_args *shapes;
    anm_engine_kind engine;
    int threads;
    size_t repeats; /* at most 100 */
    bool profile, json;
} package_bench;

/* Whether the path is one package or compiled model, not a folder of them. */
bool bench_is_package(const char *path);
/* Gives the exit code. */
int bench_package(const package_bench *b);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Checks every kernel of every level against its reference, and times them.
 *
 * usage: kcheck [--seed N] [--kernel PATTERN] [--cpu LEVEL] [--bench] [--threads N]
 */
#include "tests/kcheck/kcheck.h"

#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/threads.h"

kcheck_options kcheck = {.seed = 1};

static struct {
    const char *name;
    double worst; /* error / bound */
    char worst_case[200];
    int cases;
    bool failed;
    int passed_kernels, failed_kernels;
} now;

/* The best level is taken for all that the machine has: a ladder leaves out levels beside it. */
static bool at_or_below(anm_isa isa, anm_isa level) {
    if (level == anm_isa_best()) return true;
    while (level != isa && level != ANM_ISA_C) level = anm_isa_below(level);
    return level == isa;
}

bool kcheck_wanted(const char *name, anm_isa isa) {
    if (!at_or_below(isa, kcheck.level) || !anm_isa_available(isa)) return false;
    return !kcheck.pattern || fnmatch(kcheck.pattern, name, 0) == 0;
}

void kcheck_begin(const char *name) {
    now.name = name;
    now.worst = 0;
    now.worst_case[0] = '\0';
    now.cases = 0;
    now.failed = false;
    kcheck_seed(name);
}

void kcheck_error(double error, double bound, const char *format, ...) {
    va_list args;
    double share = error == 0 ? 0 : error / bound;
    now.cases++;
    if (share <= now.worst) return; /* a NaN goes on */
    now.worst = share;
    va_start(args, format);
    vsnprintf(now.worst_case, sizeof now.worst_case, format, args);
    va_end(args);
    if (share <= 1) return;
    if (!now.failed) printf("%s: error %g, bound %g: %s\n", now.name, error, bound, now.worst_case);
    now.failed = true;
}

void kcheck_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%s: ", now.name);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    now.failed = true;
}

/* The lines are those of a cmocka program: tools/count_tests.py counts them. */
void kcheck_end(void) {
    if (now.cases == 0) kcheck_fail("no case is one it accepts");
    if (now.failed) {
        printf("[  FAILED  ] %s\n", now.name);
        now.failed_kernels++;
    } else {
        printf("[       OK ] %-28s %5d cases, worst error %.3f of its bound: %s\n", now.name,
               now.cases, now.worst, now.worst_case);
        now.passed_kernels++;
    }
    fflush(stdout);
}

static void usage(const char *problem, const char *what) {
    fprintf(stderr,
            "kcheck: %s %s\n"
            "usage: kcheck [--seed N] [--kernel PATTERN] [--cpu LEVEL] [--bench] [--threads N]\n",
            problem, what);
    exit(2);
}

static void read_options(int argc, char **argv, const char **level) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0) {
            kcheck.bench = true;
            continue;
        }
        if (i + 1 == argc) usage("no value for, or no such option:", argv[i]);
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--seed") == 0) kcheck.seed = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--kernel") == 0) kcheck.pattern = value;
        else if (strcmp(argv[i], "--cpu") == 0) *level = value;
        else if (strcmp(argv[i], "--threads") == 0) kcheck.threads = atoi(value);
        else usage("no such option:", argv[i]);
        i++;
    }
}

int main(int argc, char **argv) {
    const char *level = NULL;
    anm_error err = {0};
    read_options(argc, argv, &level);
    if (anm_isa_choose(level, &kcheck.level, &err) != ANM_OK) usage("", err.message);
    if (kcheck.threads <= 0) kcheck.threads = anm_cpu_count();
    printf("kcheck: level %s, seed %llu\n", anm_isa_name(kcheck.level),
           (unsigned long long)kcheck.seed);
    if (kcheck.bench) {
        bench_gemv();
        bench_gemm();
        bench_attention();
        return 0;
    }
    check_matrix();
    check_gemv();
    check_gemm();
    check_attention();
    check_rows();
#ifdef ANM_HAVE_EMULATED_TILES
    check_tiles();
#endif
    printf("%d passed, %d failed\n", now.passed_kernels, now.failed_kernels);
    return now.failed_kernels != 0 || now.passed_kernels == 0;
}

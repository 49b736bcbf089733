/* SPDX-License-Identifier: MIT */
/*
 * Speed of the plain forward pass: bench_forward MODEL_DIR [TOKENS [LENGTH [THREADS]]]. TOKENS in
 * sequences of LENGTH go through the model; logits of all of them are computed and let go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "src/forward/forward_model.h"

enum { MOST_TOKENS = 1 << 20 };

static anm_status ignore(void *context, size_t sequence, size_t position, const float *logits,
                         size_t vocab, anm_error *err) {
    *(double *)context += logits[0];
    return ANM_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static anm_status measure(const anm_forward *f, size_t tokens, size_t length, int threads,
                          anm_error *err) {
    static int32_t ids[MOST_TOKENS];
    static anm_forward_sequence sequences[MOST_TOKENS];
    size_t count = 0;
    double sum = 0, started = now();
    struct rusage usage;
    anm_forward_hooks hooks = {.context = &sum, .logits = ignore};
    for (size_t i = 0; i < tokens; i++) ids[i] = (int32_t)(i * 7919 % anm_forward_vocab_size(f));
    for (size_t i = 0; i + length <= tokens; i += length)
        sequences[count++] = (anm_forward_sequence){ids + i, length, 0};
    ANM_TRY(anm_forward_run(f, sequences, count, &hooks, threads, err));
    double seconds = now() - started;
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu tokens in %.2f s: %.1f tokens/s; peak resident %ld MB (mapped weights included)\n",
           count * length, seconds, (double)(count * length) / seconds, usage.ru_maxrss / 1024);
    return ANM_OK;
}

int main(int argc, char **argv) {
    size_t tokens = argc > 2 ? strtoull(argv[2], NULL, 10) : 512;
    size_t length = argc > 3 ? strtoull(argv[3], NULL, 10) : tokens;
    anm_forward *f = NULL;
    anm_error err;
    if (argc < 2 || !tokens || tokens > MOST_TOKENS || !length || length > tokens) {
        fprintf(stderr, "usage: bench_forward MODEL_DIR [TOKENS [LENGTH [THREADS]]]\n");
        return 1;
    }
    anm_status status = anm_forward_open(argv[1], &f, &err);
    if (status == ANM_OK)
        status = measure(f, tokens, length, argc > 4 ? atoi(argv[4]) : 0, &err);
    if (status != ANM_OK) fprintf(stderr, "%s: %s\n", err.where, err.message);
    anm_forward_close(f);
    return status == ANM_OK ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Times opening a tokenizer, encoding a text and decoding its ids, each several times, and prints
 * the median and the best: bench_tokenizer TOKENIZER.json TEXT [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "anemone/tokenizer.h"
#include "src/base/file.h"

enum { MAX_ROUNDS = 99 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fail(const anm_error *err) {
    char text[900];
    anm_error_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static void report(const char *what, double *seconds, int rounds, size_t bytes) {
    qsort(seconds, (size_t)rounds, sizeof *seconds, ascending);
    double median = seconds[rounds / 2], best = seconds[0];
    printf("%-14s median %8.2f ms  best %8.2f ms", what, median * 1e3, best * 1e3);
    if (bytes) printf("  %7.1f MB/s (median)", (double)bytes / median * 1e-6);
    printf("\n");
}

static anm_tokenizer *time_open(const char *path, double *seconds, int rounds) {
    anm_tokenizer *t = NULL;
    anm_error err;
    for (int i = 0; i < rounds; i++) {
        anm_tokenizer_close(t);
        double start = now();
        if (anm_tokenizer_open(path, &t, &err) != ANM_OK) fail(&err);
        seconds[i] = now() - start;
    }
    return t;
}

static void time_decoding(const anm_tokenizer *t, const anm_token_list *ids, double *seconds,
                          int rounds) {
    anm_error err;
    size_t len = 0;
    for (int i = 0; i < rounds; i++) {
        char *text;
        double start = now();
        if (anm_tokenizer_decode(t, ids->ids, ids->len, false, &text, &len, &err) != ANM_OK)
            fail(&err);
        seconds[i] = now() - start;
        anm_tokenizer_text_free(text);
    }
    report("decode", seconds, rounds, len);
}

/* The first round also pays for an empty word cache, so it is shown alone. */
static void time_encoding(const anm_tokenizer *t, const anm_mapping *text, double *seconds,
                          int rounds, anm_token_list *ids) {
    anm_error err;
    for (int i = 0; i <= rounds; i++) {
        double start = now();
        if (anm_tokenizer_encode(t, (const char *)text->data, text->size, NULL, ids, &err) !=
            ANM_OK)
            fail(&err);
        seconds[i ? i - 1 : 0] = now() - start;
        if (i == 0) report("encode, cold", seconds, 1, text->size);
    }
    report("encode, warm", seconds, rounds, text->size);
}

int main(int argc, char **argv) {
    double seconds[MAX_ROUNDS];
    int rounds = argc > 3 ? atoi(argv[3]) : 7;
    anm_mapping text;
    anm_error err;
    anm_token_list ids = {0};
    if (argc < 3 || rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_tokenizer TOKENIZER.json TEXT [rounds, at most %d]\n",
                MAX_ROUNDS);
        return 2;
    }
    anm_tokenizer *t = time_open(argv[1], seconds, rounds);
    report("open", seconds, rounds, 0);
    if (anm_mapping_open(argv[2], &text, &err) != ANM_OK) fail(&err);
    time_encoding(t, &text, seconds, rounds, &ids);
    printf("%zu bytes, %zu tokens\n", text.size, ids.len);
    time_decoding(t, &ids, seconds, rounds);
    anm_token_list_free(&ids);
    anm_mapping_close(&text);
    anm_tokenizer_close(t);
    return 0;
}

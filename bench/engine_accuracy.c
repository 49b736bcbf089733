/* SPDX-License-Identifier: MIT */
/*
 * engine_accuracy DIR COUNT TEXT_FILE | engine_accuracy DIR --ids N N ..
 * Logits of a converted model at every level of instructions that this machine has, against the
 * interpreter's fp32 arithmetic on the same path: all tokens one by one (decode), or half of them
 * by prefill. (ANEMLL packages of several chunks give other logits after a prefill than without.)
 * A line for each: level, path, KL, largest KL, rms, top-1, margin lost, held or missed.
 * bench/accuracy.py makes the table of many models. Exits with 1 when a bar is missed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/cpu/isa.h"
#include "tests/unit/accuracy.h"

enum { MOST_TOKENS = 4096, MOST_TEXT = 1 << 24 };

typedef struct text {
    int32_t ids[MOST_TOKENS];
    size_t count;
} text;

static anm_status encode(const char *dir, const char *path, size_t most, text *out,
                         anm_error *err) {
    anm_tokenizer *tokenizer = NULL;
    anm_token_list list = {0};
    char *data;
    size_t size;
    anm_arena *arena = anm_arena_create();
    anm_status status = anm_file_read(arena, path, MOST_TEXT, &data, &size, err);
    if (status == ANM_OK) status = anm_tokenizer_open(dir, &tokenizer, err);
    if (status == ANM_OK) status = anm_tokenizer_encode(tokenizer, data, size, NULL, &list, err);
    out->count = list.len < most ? list.len : most;
    if (list.len) memcpy(out->ids, list.ids, out->count * sizeof *out->ids);
    anm_token_list_free(&list);
    anm_tokenizer_close(tokenizer);
    anm_arena_destroy(arena);
    return status;
}

static anm_status read_text(int argc, char **argv, text *out, anm_error *err) {
    if (strcmp(argv[2], "--ids") != 0) {
        size_t most = strtoull(argv[2], NULL, 10);
        return encode(argv[1], argv[3], most < MOST_TOKENS ? most : MOST_TOKENS, out, err);
    }
    for (int i = 3; i < argc && out->count < MOST_TOKENS; i++)
        out->ids[out->count++] = (int32_t)strtol(argv[i], NULL, 10);
    return ANM_OK;
}

typedef struct measurement {
    const char *dir;
    const text *text;
    accuracy_logits wanted[2]; /* by decode, by prefill */
    bool missed;
} measurement;

static anm_status run(const measurement *m, const anm_llm_options *options, bool prefill,
                      accuracy_logits *out, anm_error *err) {
    size_t prompt = prefill ? m->text->count / 2 : 0;
    return accuracy_run(m->dir, options, m->text->ids, m->text->count, prompt, out, err);
}

static anm_status measure(measurement *m, const char *label, const anm_llm_options *options,
                          bool prefill, anm_error *err) {
    accuracy_logits got;
    anm_status status = run(m, options, prefill, &got, err);
    if (status == ANM_OK) {
        accuracy_figures f = accuracy_compare(&m->wanted[prefill], &got);
        bool holds = accuracy_holds(&f, prefill);
        m->missed = m->missed || !holds;
        printf("%s %s %.3g %.3g %.3g %.4f %.2f %s\n", label, prefill ? "prefill" : "decode", f.kl,
               f.kl_max, f.rms, f.top1, f.margin_lost, holds ? "held" : "missed");
        fflush(stdout);
    }
    free(got.values);
    return status;
}

static anm_status measure_both(measurement *m, const char *label, const anm_llm_options *options,
                               anm_error *err) {
    anm_status status = measure(m, label, options, false, err);
    return status == ANM_OK ? measure(m, label, options, true, err) : status;
}

static anm_status measure_all(measurement *m, anm_error *err) {
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.engine = ANM_ENGINE_REFERENCE;
    options.precision = ANM_PRECISION_FP32;
    anm_status status = run(m, &options, false, &m->wanted[0], err);
    if (status == ANM_OK) status = run(m, &options, true, &m->wanted[1], err);
    options.precision = ANM_PRECISION_FP16;
    if (status == ANM_OK) status = measure_both(m, "interpreter", &options, err);
    options.engine = ANM_ENGINE_FAST;
    for (int isa = 0; isa < ANM_ISA_COUNT && status == ANM_OK; isa++) {
        options.cpu = anm_isa_name((anm_isa)isa);
        if (anm_isa_available((anm_isa)isa))
            status = measure_both(m, options.cpu, &options, err);
    }
    return status;
}

int main(int argc, char **argv) {
    static text tokens;
    anm_error err;
    if (argc < 4) {
        fprintf(stderr, "usage: engine_accuracy DIR COUNT TEXT_FILE | DIR --ids N N ..\n");
        return 2;
    }
    measurement m = {.dir = argv[1], .text = &tokens};
    anm_status status = read_text(argc, argv, &tokens, &err);
    if (status == ANM_OK) status = measure_all(&m, &err);
    if (status != ANM_OK) fprintf(stderr, "%s: %s\n", err.where, err.message);
    free(m.wanted[0].values);
    free(m.wanted[1].values);
    return status != ANM_OK ? 2 : m.missed;
}

/* SPDX-License-Identifier: MIT */
/*
 * Gemma 3 against logits that tools/reference/gemma3.py computed: every position through single
 * steps and through batches, below, across and beyond the window; the caches between them; a
 * residual stream that fp16 could not hold.
 */
#include <string.h>

#include "anemone/convert.h"
#include "anemone/safetensors.h"
#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "tests/unit/converted.h"
#include "tests/unit/testing.h"

enum { COUNT = 40, VOCAB = 83, BATCH = 4, CONTEXT = 48 };

typedef struct reference {
    int32_t tokens[COUNT];
    double logits[COUNT * VOCAB], rounded[COUNT * VOCAB];
} reference;

static void read_values(const anm_safetensors *file, const char *name, double *out) {
    const anm_tensor *t = anm_safetensors_find(file, name);
    assert_non_null(t);
    assert_int_equal(anm_shape_elements(t->shape, t->rank), COUNT * VOCAB);
    for (int64_t i = 0; i < COUNT * VOCAB; i++) out[i] = anm_element_get(t->dtype, t->data, i);
}

static void read_reference(const char *name, reference *out) {
    char path[600];
    anm_error err;
    anm_safetensors *file;
    snprintf(path, sizeof path, ANM_TEST_DATA "/gemma3/%s/reference.safetensors", name);
    assert_ok(anm_safetensors_open(path, &file, &err), &err);
    const anm_tensor *t = anm_safetensors_find(file, "tokens");
    assert_non_null(t);
    for (int i = 0; i < COUNT; i++)
        out->tokens[i] = (int32_t)anm_element_get(t->dtype, t->data, i);
    read_values(file, "logits", out->logits);
    read_values(file, "rounded", out->rounded);
    anm_safetensors_close(file);
}

static const char *convert_case(const char *name, int64_t context, int64_t batch) {
    static char out[64];
    char model[600];
    anm_error err;
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = context;
    options.batch_size = batch;
    snprintf(model, sizeof model, ANM_TEST_DATA "/gemma3/%s", name);
    snprintf(out, sizeof out, "test_gemma3.%s", name);
    assert_ok(anm_path_remove(out, &err), &err);
    assert_ok(anm_convert(model, out, &options, NULL, &err), &err);
    return out;
}

/* fp32 is held to the reference with the package's own constants: what is left is arithmetic. */
typedef struct trial {
    const char *name;
    converted m;
    const reference *r;
    const double *truth;
    double worst, rms;
} trial;

static void start(trial *t, const char *name, const char *dir, const reference *r,
                  anm_precision precision) {
    bool half = precision == ANM_PRECISION_FP16;
    *t = (trial){.name = name, .r = r, .truth = half ? r->logits : r->rounded};
    t->worst = half ? 0.02 : 1e-4;
    t->rms = half ? 0.004 : 1e-5;
    converted_open(&t->m, dir, "gemma3", precision);
    assert_int_equal(t->m.vocab, VOCAB);
}

static void judge(const trial *t, const char *what, const double *got, int64_t first,
                  int64_t rows) {
    logit_error e = compare_logits(got, t->truth + first * VOCAB, rows, VOCAB, t->worst);
    bool one = rows == 1; /* the rms of a row, not of all */
    if (!one)
        print_message("%s %s: worst %.4f %%, rms %.5f %%\n", t->name, what, 100 * e.worst,
                      100 * e.rms);
    if (e.worst > t->worst || e.rms > (one ? 2 : 1) * t->rms || e.argmax_wrong)
        fail_msg("%s %s at %d: worst %.4f %%, rms %.5f %%", t->name, what, (int)first,
                 100 * e.worst, 100 * e.rms);
}

static void decode_all(trial *t) {
    double *got = calloc(COUNT * VOCAB, sizeof *got);
    for (int i = 0; i < COUNT; i++)
        converted_decode(&t->m, t->r->tokens[i], i, got + i * VOCAB);
    judge(t, "single steps", got, 0, COUNT);
    free(got);
}

/* Batches for the first n tokens, the last one padded, then single steps: any n. */
static void prefill_and_decode(trial *t) {
    double *got = calloc(COUNT * VOCAB, sizeof *got), *last = calloc(COUNT * VOCAB, sizeof *got);
    for (int n = 1; n <= COUNT; n++) {
        converted_reset(&t->m);
        converted_prefill(&t->m, t->r->tokens, n, last + (n - 1) * VOCAB);
        int end = n + 3 < COUNT ? n + 3 : COUNT;
        for (int i = n; i < end; i++) converted_decode(&t->m, t->r->tokens[i], i, got);
        if (end > n) judge(t, "steps behind batches", got, end - 1, 1);
    }
    judge(t, "batches", last, 0, COUNT);
    free(got);
    free(last);
}

static void check_case(const char *name) {
    static const anm_precision precisions[] = {ANM_PRECISION_FP16, ANM_PRECISION_FP32};
    reference *r = calloc(1, sizeof *r);
    read_reference(name, r);
    const char *dir = convert_case(name, CONTEXT, BATCH);
    for (int i = 0; i < 2; i++) {
        trial t;
        start(&t, name, dir, r, precisions[i]);
        decode_all(&t);
        prefill_and_decode(&t);
        converted_close(&t.m);
    }
    free(r);
}

static void text_model(void **state) {
    check_case("text");
}

static void part_of_a_larger_model(void **state) {
    check_case("part");
}

static void large_residual(void **state) {
    check_case("large");
}

/* ANEMLL's runners take batches from multiples of their size: one must end at the window. */
static void batch_must_divide_the_window(void **state) {
    anm_error err;
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = CONTEXT;
    options.batch_size = 3;
    assert_int_equal(anm_convert(ANM_TEST_DATA "/gemma3/text", "test_gemma3.none", &options, NULL,
                                 &err),
                     ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "batch_size");
    assert_non_null(strstr(err.message, "window of 8"));
    assert_false(anm_path_exists("test_gemma3.none"));
}

static void check_state(const anm_feature *s, const char *name, int64_t layers, int64_t rows) {
    const int64_t shape[4] = {2 * layers, 2, rows, 8};
    assert_string_equal(s->name, name);
    assert_int_equal(s->rank, 4);
    assert_memory_equal(s->shape, shape, sizeof shape);
}

/* The functions, states and settings by which ANEMLL 0.3.5's runners know such a model. */
static void interface_is_anemlls(void **state) {
    static const char *const names[] = {"infer", "prefill", "infer_rotate", "prefill_rotate"};
    char *text;
    size_t size;
    anm_error err;
    anm_program *p;
    anm_arena *arena = anm_arena_create();
    const char *dir = convert_case("text", CONTEXT, BATCH);
    const char *path = anm_path_join(arena, dir, "gemma3_FFN_PF_chunk_01of01.mlpackage");
    assert_ok(anm_program_open(path, &p, &err), &err);
    assert_int_equal(anm_program_function_count(p), 4);
    for (size_t i = 0; i < 4; i++) {
        const anm_function *f = anm_program_function_at(p, i);
        assert_string_equal(anm_function_name(f), names[i]);
        assert_int_equal(anm_function_input_count(f), 4);
        assert_int_equal(anm_function_state_count(f), 2);
        check_state(anm_function_state(f, 0), "model_model_kv_cache_local", 3, 8);
        check_state(anm_function_state(f, 1), "model_model_kv_cache_global", 1, CONTEXT);
    }
    anm_program_close(p);
    assert_ok(anm_file_read(arena, anm_path_join(arena, dir, "meta.yaml"), 4096, &text, &size,
                            &err), &err);
    assert_non_null(strstr(text, "\n    sliding_window: 8\n    prefill_dynamic_slice: true\n"));
    assert_non_null(strstr(text, "\n    split_lm_head: 16\n"));
    /* A context that the window covers needs no more than the usual two. */
    path = anm_path_join(arena, convert_case("text", 8, 4), "gemma3_FFN_PF_chunk_01of01.mlpackage");
    assert_ok(anm_program_open(path, &p, &err), &err);
    assert_int_equal(anm_program_function_count(p), 2);
    anm_program_close(p);
    anm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_model),
        cmocka_unit_test(part_of_a_larger_model),
        cmocka_unit_test(large_residual),
        cmocka_unit_test(interface_is_anemlls),
        cmocka_unit_test(batch_must_divide_the_window),
    };
    return cmocka_run_group_tests_name("gemma3", tests, NULL, NULL);
}

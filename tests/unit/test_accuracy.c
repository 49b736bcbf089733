/* SPDX-License-Identifier: MIT */
/*
 * The demo model on every level of instructions that the machine has stays within the bars of
 * KL and top-1, in decode and after a prefill. bench/accuracy.py measures more models and widths.
 */
#include "tests/unit/accuracy.h"

#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/safetensors.h"
#include "src/base/file.h"
#include "src/cpu/isa.h"
#include "tests/unit/testing.h"

#define OUT "test_accuracy.out"
enum { TOKENS = 40, PROMPT = 21 };

static void convert(int bits) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.batch_size = 16;
    options.lut_embeddings.bits = options.lut_ffn.bits = options.lut_head.bits = bits;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(ANM_TEST_SOURCE_ROOT "/models/demo", OUT, &options, NULL, &err), &err);
}

static accuracy_logits run(const anm_llm_options *options, size_t prompt) {
    anm_safetensors *file;
    anm_error err;
    accuracy_logits logits;
    assert_ok(anm_safetensors_open(ANM_TEST_DATA "/demo-logits.safetensors", &file, &err), &err);
    const int32_t *ids = anm_safetensors_find(file, "input_ids")->data;
    assert_ok(accuracy_run(OUT, options, ids, TOKENS, prompt, &logits, &err), &err);
    anm_safetensors_close(file);
    return logits;
}

/* The level's kernels, and after a prompt those of its in 8 bits, which AUTO may take. */
static void check_level(int bits, size_t prompt, anm_llm_options *options,
                        const accuracy_logits *wanted) {
    static const char *const precisions[] = {"high", "auto", "medium"};
    for (int i = 0; i < (prompt ? 3 : 1); i++) {
        options->matmul_precision = precisions[i];
        accuracy_logits got = run(options, prompt);
        accuracy_figures f = accuracy_compare(wanted, &got);
        bool coarse = strcmp(precisions[i], "medium") == 0;
        if (!accuracy_holds(&f, prompt) || (coarse && f.kl > ACCURACY_KL_MEDIUM))
            fail_msg("%d bits at %s, %s, after a prompt of %zu: KL %g, margin lost %g", bits,
                     options->cpu, precisions[i], prompt, f.kl, f.margin_lost);
        free(got.values);
    }
}

static void check(int bits, size_t prompt) {
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.engine = ANM_ENGINE_REFERENCE;
    options.precision = ANM_PRECISION_FP32;
    accuracy_logits wanted = run(&options, prompt);
    assert_int_equal(wanted.rows, prompt ? TOKENS - prompt + 1 : TOKENS);
    options.engine = ANM_ENGINE_FAST;
    options.precision = ANM_PRECISION_FP16;
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (!anm_isa_available((anm_isa)isa)) continue;
        options.cpu = anm_isa_name((anm_isa)isa);
        check_level(bits, prompt, &options, &wanted);
    }
    free(wanted.values);
}

static void check_bits(int bits) {
    convert(bits);
    check(bits, 0);
    check(bits, PROMPT);
}

static void halves_are_within_the_bars(void **state) { check_bits(0); }
static void four_bits_are_within_the_bars(void **state) { check_bits(4); }
static void six_bits_are_within_the_bars(void **state) { check_bits(6); }

/* Two rows whose figures are known; and what must not pass. */
static void the_bars_can_be_missed(void **state) {
    float p[] = {0, 1, 2, 5, 3, 3.5f}, same[6], other[6];
    accuracy_logits a = {p, 2, 3}, b = {same, 2, 3}, c = {other, 2, 3};
    for (int i = 0; i < 6; i++) same[i] = other[i] = p[i] + 4; /* softmax does not see it */
    accuracy_figures f = accuracy_compare(&a, &b);
    assert_true(f.kl < 1e-12 && f.rms < 1e-6 && f.top1 == 1 && f.margin_lost == 0);
    assert_true(accuracy_holds(&f, false));
    other[2] -= 1.5f; /* 2 became 0.5: 1 is the greatest */
    f = accuracy_compare(&a, &c);
    double q = exp(0) + exp(1) + exp(0.5), z = exp(0) + exp(1) + exp(2), m = exp(2) / z;
    assert_true(fabs(f.kl_max - (log(q / z) + m * 1.5)) < 1e-6);
    assert_true(fabs(f.kl - f.kl_max / 2) < 1e-6 && f.top1 == 0.5);
    assert_true(fabs(f.rms - sqrt(1.5 * 1.5 * (2.0 / 3) / 6)) < 1e-6);
    assert_true(fabs(f.margin_lost - 1 / f.rms) < 1e-5);
    assert_false(accuracy_holds(&f, false) || accuracy_holds(&f, true));
    other[4] = NAN;
    f = accuracy_compare(&a, &c);
    assert_false(accuracy_holds(&f, true));
}

static int clean_up(void **state) {
    return anm_path_remove(OUT, NULL) != ANM_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bars_can_be_missed),
        cmocka_unit_test(halves_are_within_the_bars),
        cmocka_unit_test(four_bits_are_within_the_bars),
        cmocka_unit_test(six_bits_are_within_the_bars),
    };
    return cmocka_run_group_tests_name("accuracy", tests, NULL, clean_up);
}

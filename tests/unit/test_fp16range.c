/* SPDX-License-Identifier: MIT */
/* Models beyond fp16's range: the demo model with powers of two moved to where they hurt. */
#include "tests/unit/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/safetensors.h"
#include "src/base/alloc.h"
#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/hf/checkpoint.h"
#include "tests/unit/converted.h"
#include "tests/unit/tiny_model.h"

#define DEMO ANM_TEST_SOURCE_ROOT "/models/demo"
#define DIR "test_fp16range.hf"
#define OUT "test_fp16range.out"
#define TEXT "test_fp16range.txt"

enum { TOKENS = 12, MOST_TENSORS = 200 };

/* What a tensor is multiplied with; 1 for most. */
typedef double multiplier(const char *name);

static bool ends(const char *name, const char *end) {
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

static double louder_stream(const char *name) {
    bool adds = ends(name, "embed_tokens.weight") || ends(name, "o_proj.weight") ||
                ends(name, "down_proj.weight");
    /* The head is the embedding: the last norm takes from it what the embedding got. */
    return adds ? 0x1p14 : strcmp(name, "model.norm.weight") == 0 ? 0x1p-14 : 1;
}

static double louder_up(const char *name) {
    if (strncmp(name, "model.layers.2.", 15) != 0) return 1;
    return ends(name, "up_proj.weight") ? 0x1p17 : ends(name, "down_proj.weight") ? 0x1p-17 : 1;
}

static double louder_values(const char *name) {
    if (strncmp(name, "model.layers.4.", 15) != 0) return 1;
    return ends(name, "v_proj.weight") ? 0x1p16 : ends(name, "o_proj.weight") ? 0x1p-16 : 1;
}

static double louder_gate(const char *name) {
    return strcmp(name, "model.layers.3.mlp.gate_proj.weight") == 0 ? 0x1p17 : 1;
}

static void copy_file(anm_arena *arena, const char *name) {
    char *text;
    size_t size;
    anm_error err;
    const char *from = anm_path_join(arena, DEMO, name), *to = anm_path_join(arena, DIR, name);
    assert_ok(anm_file_read(arena, from, 1 << 22, &text, &size, &err), &err);
    assert_ok(anm_file_write(to, text, size, &err), &err);
}

static void write_model(multiplier *times, double epsilon) {
    static anm_tensor tensors[MOST_TENSORS];
    anm_error err;
    anm_checkpoint *c;
    char *text, config[4000];
    size_t size, count;
    anm_arena *arena = anm_arena_create();
    fresh_directory(DIR);
    copy_file(arena, "tokenizer.json");
    copy_file(arena, "tokenizer_config.json");
    assert_ok(anm_file_read(arena, DEMO "/config.json", 1 << 16, &text, &size, &err), &err);
    char *key = strstr(text, "\"rms_norm_eps\": 1e-06");
    assert_non_null(key);
    snprintf(config, sizeof config, "%.*s\"rms_norm_eps\": %.17g%s", (int)(key - text), text,
             epsilon, key + strlen("\"rms_norm_eps\": 1e-06"));
    assert_ok(anm_file_write(DIR "/config.json", config, strlen(config), &err), &err);
    assert_ok(anm_checkpoint_open(DEMO, &c, &err), &err);
    count = anm_checkpoint_count(c);
    assert_in_range(count, 1, MOST_TENSORS);
    for (size_t i = 0; i < count; i++) {
        const anm_weight *w = anm_checkpoint_get(c, i);
        size_t n = (size_t)anm_shape_elements(w->tensor->shape, w->tensor->rank);
        float *values = anm_arena_alloc(arena, n * sizeof *values);
        double factor = times(w->tensor->name);
        anm_weight_floats(w, 0, n, values);
        for (size_t k = 0; k < n; k++) values[k] = (float)((double)values[k] * factor);
        tensors[i] = *w->tensor;
        tensors[i].dtype = ANM_DTYPE_FP32;
        tensors[i].data = values;
        tensors[i].bytes = n * sizeof *values;
    }
    assert_ok(anm_safetensors_write(DIR "/model.safetensors", tensors, count, NULL, &err), &err);
    anm_checkpoint_close(c);
    anm_arena_destroy(arena);
}

static double *logits_of(const char *model, bool calibrated, anm_convert_rescale rescale,
                         anm_convert_report **report) {
    static const char text[] = "Once there was a fox named Mila. She lived near the river.\n";
    anm_convert_options options;
    anm_error err;
    converted m;
    assert_ok(anm_file_write(TEXT, text, sizeof text - 1, &err), &err);
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.calibrate = calibrated ? TEXT : NULL;
    options.rescale = rescale;
    options.allow_overflow = 1;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(model, OUT, &options, report, &err), &err);
    converted_open(&m, OUT, "qwen", ANM_PRECISION_FP16);
    double *out = calloc((size_t)(TOKENS * m.vocab), sizeof *out);
    assert_non_null(out);
    for (int32_t t = 0; t < TOKENS; t++)
        converted_decode(&m, 300 + 91 * t, t, out + t * m.vocab);
    converted_close(&m);
    return out;
}

static size_t told(const anm_convert_report *report, const char *what) {
    size_t count = 0;
    for (size_t i = 0; i < anm_convert_report_warning_count(report); i++)
        count += strstr(anm_convert_report_warning(report, i), what) != NULL;
    return count;
}

static double rms(const double *a, const double *b) {
    return compare_logits(a, b, TOKENS, 2048, 0).rms;
}

/* Beyond fp16 without rescaling; with it, as near as the powers of two leave the digits. */
static void check(multiplier *times, double epsilon, const char *what, double most) {
    anm_convert_report *report;
    double *want = logits_of(DEMO, false, ANM_CONVERT_RESCALE_AUTO, NULL);
    write_model(times, epsilon);
    double *off = logits_of(DIR, true, ANM_CONVERT_RESCALE_OFF, &report);
    assert_true(told(report, "beyond fp16's 65504") > 0);
    assert_int_equal(told(report, what), 0);
    anm_convert_report_free(report);
    double before = rms(off, want);
    assert_true(!(before < 0.5)); /* NaN, mostly */
    double *on = logits_of(DIR, true, ANM_CONVERT_RESCALE_AUTO, &report);
    assert_int_equal(told(report, "beyond fp16's 65504"), 0);
    assert_int_equal(told(report, what), 1);
    anm_convert_report_free(report);
    double after = rms(on, want);
    printf("%s: rms %.3g of the deviation without, %.3g with rescaling\n", what, before, after);
    assert_true(after < most);
    free(want);
    free(off);
    free(on);
}

static void streams_are_scaled(void **state) {
    check(louder_stream, 1e-6, "the residual stream reaches", 0.004);
}

static void powers_move_from_up_to_down(void **state) {
    check(louder_up, 1e-6, "between up_proj and down_proj", 0.004);
}

static void powers_move_from_values_to_the_output(void **state) {
    check(louder_values, 1e-6, "between v_proj and o_proj", 0.004);
}

/* A gate has an activation behind it: nothing can be moved, and it is told. */
static void what_cannot_be_scaled_is_told(void **state) {
    anm_convert_report *report;
    write_model(louder_gate, 1e-6);
    free(logits_of(DIR, true, ANM_CONVERT_RESCALE_AUTO, &report));
    assert_true(told(report, "model.layers.3.gate reaches") == 1);
    anm_convert_report_free(report);
}

static void nothing_is_said_of_models_in_range(void **state) {
    anm_convert_report *report;
    double *want = logits_of(DEMO, false, ANM_CONVERT_RESCALE_AUTO, NULL);
    double *got = logits_of(DEMO, true, ANM_CONVERT_RESCALE_AUTO, &report);
    assert_int_equal(anm_convert_report_warning_count(report), 0);
    assert_memory_equal(got, want, (size_t)TOKENS * 2048 * sizeof *got);
    anm_convert_report_free(report);
    free(want);
    free(got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_scaled),
        cmocka_unit_test(powers_move_from_up_to_down),
        cmocka_unit_test(powers_move_from_values_to_the_output),
        cmocka_unit_test(what_cannot_be_scaled_is_told),
        cmocka_unit_test(nothing_is_said_of_models_in_range),
    };
    /* The fast engine carries fp32 between ops: nothing overflows there. */
    setenv("ANEMONE_ENGINE", "reference", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Converted models give the logits of their checkpoints: against references computed elsewhere in
 * float64 (fixtures), and against our own plain forward pass, which needs no fixtures.
 */
#include <string.h>

#include "anemone/convert.h"
#include "anemone/safetensors.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "tests/unit/converted.h"
#include "tests/unit/reference_forward.h"
#include "tests/unit/testing.h"

static void convert_to(const char *model, const char *out, int64_t context, int64_t batch) {
    anm_error err;
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = context;
    options.batch_size = batch;
    assert_ok(anm_path_remove(out, &err), &err);
    assert_ok(anm_convert(model, out, &options, NULL, &err), &err);
}

typedef struct bars {
    double worst, rms;
} bars;
static const bars fp16_bars = {0.02, 0.004}, fp32_bars = {0.006, 0.004};

static void judge(const char *what, logit_error e, bars limit) {
    print_message("%s: worst %.3f %%, rms %.4f %% of the logits' deviation, %d argmax wrong\n",
                  what, 100 * e.worst, 100 * e.rms, (int)e.argmax_wrong);
    if (e.worst > limit.worst || e.rms > limit.rms || e.argmax_wrong)
        fail_msg("%s: beyond %.3f %% worst, %.4f %% rms", what, 100 * limit.worst,
                 100 * limit.rms);
}

/* Every position through infer, and prefill of all and of a part, against truth [count, vocab]. */
static void check_model(const char *what, const char *dir, const char *prefix,
                        anm_precision precision, const int32_t *tokens, int64_t count,
                        const double *truth) {
    converted m;
    char label[200];
    bars limit = precision == ANM_PRECISION_FP16 ? fp16_bars : fp32_bars;
    const char *mode = precision == ANM_PRECISION_FP16 ? "fp16" : "fp32";
    converted_open(&m, dir, prefix, precision);
    double *got = calloc((size_t)(count * m.vocab), sizeof *got);
    for (int64_t t = 0; t < count; t++) converted_decode(&m, tokens[t], t, got + t * m.vocab);
    snprintf(label, sizeof label, "%s infer %s", what, mode);
    judge(label, compare_logits(got, truth, count, m.vocab, limit.worst), limit);
    const int64_t lengths[] = {count, m.batch, m.batch + 1, 1};
    for (int i = 0; i < 4; i++) {
        int64_t last = lengths[i] - 1;
        converted_reset(&m);
        converted_prefill(&m, tokens, lengths[i], got);
        snprintf(label, sizeof label, "%s prefill of %d %s", what, (int)lengths[i], mode);
        judge(label, compare_logits(got, truth + last * m.vocab, 1, m.vocab, limit.worst),
              (bars){limit.worst, 2 * limit.rms}); /* one row: rms of the row, not of all */
    }
    free(got);
    converted_close(&m);
}

static int64_t read_tokens(const char *path, int32_t *tokens, size_t most) {
    json_t *root, *list, *item;
    anm_error err;
    size_t i;
    assert_ok(anm_json_load(path, &root, &err), &err);
    list = json_object_get(root, "tokens");
    assert_in_range(json_array_size(list), 1, most);
    json_array_foreach(list, i, item) tokens[i] = (int32_t)json_integer_value(item);
    int64_t count = (int64_t)json_array_size(list);
    json_decref(root);
    return count;
}

static double *read_logits(const char *path, int64_t count) {
    anm_safetensors *file;
    anm_error err;
    assert_ok(anm_safetensors_open(path, &file, &err), &err);
    const anm_tensor *t = anm_safetensors_find(file, "logits");
    assert_non_null(t);
    assert_int_equal(t->shape[0], count);
    int64_t n = anm_shape_elements(t->shape, t->rank);
    double *out = malloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) out[i] = anm_element_get(t->dtype, t->data, i);
    anm_safetensors_close(file);
    return out;
}

static void check_fixture(const char *name, const char *prefix) {
    char path[300], model[1024], tokens_path[1024], truth_path[1024], out[64];
    int32_t tokens[64];
    snprintf(path, sizeof path, "anemll/%s/hf/config.json", name);
    snprintf(model, sizeof model, "%s", fixture_path(path));
    *strrchr(model, '/') = '\0';
    snprintf(path, sizeof path, "anemll/%s/tokens.json", name);
    snprintf(tokens_path, sizeof tokens_path, "%s", fixture_path(path));
    snprintf(path, sizeof path, "anemll/%s/ref/hf_float64.safetensors", name);
    snprintf(truth_path, sizeof truth_path, "%s", fixture_path(path));
    snprintf(out, sizeof out, "test_convert_logits.%s", name);
    int64_t count = read_tokens(tokens_path, tokens, 64);
    double *truth = read_logits(truth_path, count);
    convert_to(model, out, 128, 32);
    check_model(name, out, prefix, ANM_PRECISION_FP16, tokens, count, truth);
    check_model(name, out, prefix, ANM_PRECISION_FP32, tokens, count, truth);
    free(truth);
}

static void qwen3_fixture(void **state) {
    check_fixture("qwen3-a", "qwen");
}

static void qwen25_fixture(void **state) {
    check_fixture("qwen25-a", "qwen25");
}

static void llama_fixture(void **state) {
    check_fixture("llama-tied", "llama");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qwen3_fixture),
        cmocka_unit_test(qwen25_fixture),
        cmocka_unit_test(llama_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

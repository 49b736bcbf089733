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
#include "tests/unit/tiny_model.h"

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

/*
 * ANEMLL's runners: all of the prompt through prefill, its last token once more through infer, and
 * on from there. What padding wrote into the cache must not show.
 */
static void check_anemll_flow(const char *what, converted *m, const int32_t *tokens, int64_t count,
                              const double *truth) {
    int64_t prompt = count - 8, rows = count - prompt + 1;
    double *got = calloc((size_t)(rows * m->vocab), sizeof *got);
    bars limit = m->precision == ANM_PRECISION_FP16 ? fp16_bars : fp32_bars;
    converted_reset(m);
    converted_prefill(m, tokens, prompt, NULL);
    for (int64_t i = 0; i < rows; i++)
        converted_decode(m, tokens[prompt - 1 + i], prompt - 1 + i, got + i * m->vocab);
    const double *expected = truth + (prompt - 1) * m->vocab;
    judge(what, compare_logits(got, expected, rows, m->vocab, limit.worst), limit);
    free(got);
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
    snprintf(label, sizeof label, "%s as ANEMLL runs it, %s", what, mode);
    check_anemll_flow(label, &m, tokens, count, truth);
    free(got);
    converted_close(&m);
}

static int64_t read_ids(const char *path, const char *key, int32_t *tokens, size_t most) {
    json_t *root, *list, *item;
    anm_error err;
    size_t i;
    assert_ok(anm_json_load(path, &root, &err), &err);
    list = json_object_get(root, key);
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
    int64_t count = read_ids(tokens_path, "tokens", tokens, 64);
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

/* A trained model: prefill the prompt, then the most likely token after the other. */
static void stories_fixture(void **state) {
    enum { MOST = 128 };
    char model[1024];
    int32_t expected[MOST], ids[MOST];
    converted m;
    double logits[512], gap;
    const char *reference = fixture_path("models/stories260K-hf/greedy_reference.json");
    int64_t prompt = read_ids(reference, "prompt_ids", ids, MOST);
    int64_t count = read_ids(reference, "greedy_ids", expected, MOST);
    snprintf(model, sizeof model, "%s", fixture_path("models/stories260K-hf/config.json"));
    *strrchr(model, '/') = '\0';
    convert_to(model, "test_convert_logits.stories", 128, 4);
    converted_open(&m, "test_convert_logits.stories", "llama", ANM_PRECISION_FP16);
    assert_int_equal(m.vocab, 512);
    converted_prefill(&m, ids, prompt, logits);
    for (int64_t t = prompt; t < count; t++) {
        ids[t] = (int32_t)top_logit(logits, m.vocab, &gap);
        converted_decode(&m, ids[t], t, logits);
    }
    assert_memory_equal(ids, expected, (size_t)count * sizeof *ids);
    converted_close(&m);
}

typedef struct tiny_case {
    const char *name, *prefix;
    tiny_model model;
    int64_t context, batch;
} tiny_case;

#define LLAMA "llama", "LlamaForCausalLM"
#define SCALED "\"rope_theta\": 10000, \"rms_norm_eps\": 1e-5, \"rope_scaling\": " SCALING
#define SCALING "{\"rope_type\": \"llama3\", " FACTORS ", \"original_max_position_embeddings\": 64}"
#define FACTORS "\"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4"

/* Together they take every branch of the graph builder. Vocabularies that do not divide. */
static const tiny_case tiny_cases[] = {
    {"tiny-qwen3", "qwen",
     {"qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 64, 75, .tied = true, .qk_norm = true,
      .dtype = ANM_DTYPE_BF16, .config = "\"rope_theta\": 1e6"}, 24, 8},
    {"tiny-llama3", "llama",
     {LLAMA, 48, 2, 6, 2, 8, 64, 67, .dtype = ANM_DTYPE_FP32, .config = SCALED}, 24, 8},
    /* One key head per query head, biases everywhere, a state longer than the context. */
    {"tiny-biases", "llama",
     {LLAMA, 32, 1, 4, 4, 8, 40, 64, .tied = true, .qkv_bias = true, .out_bias = true,
      .mlp_bias = true, .dtype = ANM_DTYPE_FP16, .config = "\"state_length\": 40"}, 24, 8},
    /* Linear scaling, batches of one token. */
    {"tiny-linear", "llama",
     {LLAMA, 32, 2, 4, 2, 8, 40, 64, .dtype = ANM_DTYPE_BF16,
      .config = "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4}"}, 20, 1},
    /* YaRN: kept, mixed and stretched dimensions among the 8 of a head of 16. */
    {"tiny-yarn", "qwen25",
     {"qwen2", "Qwen2ForCausalLM", 32, 2, 4, 2, 16, 40, 64, .tied = true, .qkv_bias = true,
      .dtype = ANM_DTYPE_BF16,
      .config = "\"rope_theta\": 10000, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, "
                "\"original_max_position_embeddings\": 512}"}, 24, 8},
    {"tiny-qwen2", "qwen25",
     {"qwen2", "Qwen2ForCausalLM", 32, 2, 4, 2, 8, 40, 64, .tied = true, .qkv_bias = true,
      .dtype = ANM_DTYPE_BF16}, 24, 12},
};

static void check_tiny(const tiny_case *c) {
    enum { COUNT = 20 };
    char dir[64], out[64];
    int32_t tokens[COUNT];
    for (int i = 0; i < COUNT; i++) tokens[i] = (int32_t)((i * i * 7 + 3 * i + 1) % c->model.vocab);
    snprintf(dir, sizeof dir, "test_convert_logits.%s.hf", c->name);
    snprintf(out, sizeof out, "test_convert_logits.%s", c->name);
    tiny_model_write(&c->model, dir);
    double *truth = calloc((size_t)(COUNT * c->model.vocab), sizeof *truth);
    reference_forward(dir, tokens, COUNT, truth);
    convert_to(dir, out, c->context, c->batch);
    check_model(c->name, out, c->prefix, ANM_PRECISION_FP16, tokens, COUNT, truth);
    check_model(c->name, out, c->prefix, ANM_PRECISION_FP32, tokens, COUNT, truth);
    free(truth);
}

static void tiny_models(void **state) {
    for (size_t i = 0; i < sizeof tiny_cases / sizeof tiny_cases[0]; i++)
        check_tiny(&tiny_cases[i]);
}

/* The reference itself, against logits that somebody else computed. */
static void reference_is_right(void **state) {
    static const char *const names[] = {"qwen3-a", "qwen25-a", "llama-tied"};
    for (int i = 0; i < 3; i++) {
        char path[300], dir[1024];
        int32_t tokens[64];
        snprintf(path, sizeof path, "anemll/%s/hf/config.json", names[i]);
        snprintf(dir, sizeof dir, "%s", fixture_path(path));
        *strrchr(dir, '/') = '\0';
        snprintf(path, sizeof path, "anemll/%s/tokens.json", names[i]);
        int64_t count = read_ids(fixture_path(path), "tokens", tokens, 64);
        snprintf(path, sizeof path, "anemll/%s/ref/hf_float64.safetensors", names[i]);
        double *truth = read_logits(fixture_path(path), count);
        double *got = calloc((size_t)(count * 1024), sizeof *got);
        reference_forward(dir, tokens, count, got);
        judge(names[i], compare_logits(got, truth, count, 1024, 0), (bars){1e-6, 1e-7});
        free(truth);
        free(got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_models),
        cmocka_unit_test(reference_is_right),
        cmocka_unit_test(qwen3_fixture),
        cmocka_unit_test(qwen25_fixture),
        cmocka_unit_test(llama_fixture),
        cmocka_unit_test(stories_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

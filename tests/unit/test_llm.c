/* SPDX-License-Identifier: MIT */
/* The LLM tier on ANEMLL's packages: sessions against the reference flow, wiring, sampling. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/safetensors.h"
#include "src/base/file.h"
#include "src/base/half.h"
#include "src/mil/builder.h"
#include "src/package/package.h"
#include "tests/unit/open_model.h"

static const char *model_dir(const char *relative, const char *inside) {
    static char dir[1024];
    char file[256];
    snprintf(file, sizeof file, "%s/%s/Manifest.json", relative, inside);
    snprintf(dir, sizeof dir, "%s", fixture_path(file));
    *strrchr(dir, '/') = '\0';
    *strrchr(dir, '/') = '\0';
    return dir;
}

static double deviation(const float *x, size_t n) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) sum += x[i], square += (double)x[i] * x[i];
    return sqrt(square / (double)n - sum / (double)n * (sum / (double)n));
}

/*
 * The larger one; not fmax, which would let a NaN pass as no difference, and whose two nested
 * reductions crash gcc 12 for aarch64 at -O3.
 */
static double larger(double worst, double next) {
    return isnan(worst) || next <= worst ? worst : next;
}

/* Largest difference as a share of the reference's standard deviation. */
static double difference(const float *x, const anm_tensor *reference, size_t n) {
    float *r = malloc(n * sizeof *r);
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        r[i] = reference->dtype == ANM_DTYPE_FP16
                   ? anm_half_to_float(((const uint16_t *)reference->data)[i])
                   : ((const float *)reference->data)[i];
    for (size_t i = 0; i < n; i++) worst = larger(worst, fabs((double)x[i] - r[i]));
    worst /= deviation(r, n);
    free(r);
    return worst;
}

/* 39 tokens in any mixture of batches and steps, then 8 decode steps: the reference's logits. */
static void follow_reference(const char *set, const char *ref, anm_precision precision,
                             double tolerance) {
    char inside[64], file[128], name[32];
    anm_error err;
    anm_safetensors *tensors;
    anm_session *s;
    snprintf(inside, sizeof inside, "%s_embeddings.mlpackage",
             strstr(set, "llama") ? "llama" : "qwen");
    const char *dir = model_dir(set, inside);
    snprintf(file, sizeof file, "%s", ref);
    assert_ok(anm_safetensors_open(fixture_path(file), &tensors, &err), &err);
    const anm_tensor *tokens = anm_safetensors_find(tensors, "tokens");
    const int32_t *ids = tokens->data;
    anm_llm *llm = open_llm(dir, precision);
    assert_int_equal(anm_llm_batch_size(llm), 32);
    assert_int_equal(anm_llm_context_length(llm), 128);
    assert_int_equal(anm_llm_vocab_size(llm), 1024);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    double worst = 0;
    for (int step = 0; step < 8; step++) {
        if (step == 0) assert_ok(anm_session_sync(s, ids, 40, &err), &err);
        else assert_ok(anm_session_append(s, ids[39 + step], &err), &err);
        snprintf(name, sizeof name, "step%d_logits", step);
        worst = larger(worst, difference(anm_session_logits(s),
                                         anm_safetensors_find(tensors, name), 1024));
    }
    printf("%s: largest difference of logits %.4f %% of std\n", ref, 100 * worst);
    assert_true(worst < tolerance);

    /* Rewinding into the prompt and coming back gives the same as a fresh timeline. */
    float *before = malloc(1024 * sizeof *before);
    memcpy(before, anm_session_logits(s), 1024 * sizeof *before);
    anm_session_rewind(s, 17);
    assert_null(anm_session_logits(s));
    assert_ok(anm_session_sync(s, ids, 47, &err), &err);
    double moved = 0;
    for (int i = 0; i < 1024; i++)
        moved = larger(moved, fabs((double)before[i] - anm_session_logits(s)[i]));
    assert_true(moved < tolerance * deviation(before, 1024));
    free(before);
    anm_session_destroy(s);
    anm_llm_close(llm);
    anm_safetensors_close(tensors);
}

/*
 * A session chooses its own mixture of batches and single steps, so in fp16 its roundings differ
 * from the reference's (test_interp_anemll drives the packages exactly as ANEMLL does); in fp32
 * nothing is rounded and the logits agree closely. Not used: ANEMLL's Qwen packages of two chunks,
 * whose infer normalises between the chunks while prefill does not.
 */
static void sessions_follow_anemll(void **state) {
    follow_reference("anemll/qwen3-a/fp16-1chunk",
                     "anemll/qwen3-a/ref/pkgflow_1chunk_fp16.safetensors", ANM_PRECISION_FP16,
                     0.02);
    follow_reference("anemll/qwen3-a/fp16-1chunk",
                     "anemll/qwen3-a/ref/pkgflow_1chunk_fp32.safetensors", ANM_PRECISION_FP32,
                     0.006);
    follow_reference("anemll/llama-tied/fp16",
                     "anemll/llama-tied/ref/pkgflow_2chunk_fp16.safetensors", ANM_PRECISION_FP16,
                     0.02);
    follow_reference("anemll/llama-tied/fp16",
                     "anemll/llama-tied/ref/pkgflow_2chunk_fp32.safetensors", ANM_PRECISION_FP32,
                     0.006);
}

static void sessions_refuse_bad_tokens(void **state) {
    anm_error err;
    anm_session *s;
    int32_t ids[129] = {0};
    anm_llm *llm = open_llm(model_dir("anemll/qwen3-a/fp16", "qwen_embeddings.mlpackage"),
                              ANM_PRECISION_FP16);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_int_equal(anm_session_sync(s, ids, 0, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_session_sync(s, ids, 129, &err), ANM_ERROR_LIMIT);
    ids[3] = 1024;
    assert_int_equal(anm_session_sync(s, ids, 5, &err), ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "1024"));
    ids[3] = -1;
    assert_int_equal(anm_session_sync(s, ids, 5, &err), ANM_ERROR_ARGUMENT);
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* The whole context may be used, and one token more is refused. */
static void context_can_be_filled(void **state) {
    anm_error err;
    anm_session *s;
    int32_t ids[128];
    anm_llm *llm = open_llm(model_dir("anemll/qwen3-a/fp16", "qwen_embeddings.mlpackage"),
                              ANM_PRECISION_FP16);
    for (int i = 0; i < 128; i++) ids[i] = i * 7 % 1024;
    assert_ok(anm_session_create(llm, &s, &err), &err);
    anm_generate_options options;
    anm_generate_result result;
    anm_generate_options_init(&options);
    assert_ok(anm_generate(s, ids, 126, &options, &result, &err), &err);
    assert_int_equal(result.stop_reason, ANM_STOP_CONTEXT);
    assert_int_equal(result.generated_tokens, 3);
    assert_int_equal(anm_session_append(s, 1, &err), ANM_ERROR_LIMIT);
    assert_ok(anm_session_sync(s, ids, 128, &err), &err);
    anm_session_destroy(s);
    anm_llm_close(llm);
}

static void incomplete_directories_are_named(void **state) {
    char root[] = "anm-llm-XXXXXX", link[128], target[1200];
    anm_error err;
    anm_llm *llm;
    assert_non_null(mkdtemp(root));
    assert_int_equal(anm_llm_open("/nonexistent", NULL, &llm, &err), ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_llm_open(root, NULL, &llm, &err), ANM_ERROR_NOT_FOUND);
    snprintf(link, sizeof link, "%s/model.safetensors", root);
    assert_ok(anm_file_write(link, "", 0, &err), &err);
    assert_int_equal(anm_llm_open(root, NULL, &llm, &err), ANM_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "anemone convert"));

    const char *dir = model_dir("anemll/qwen3-a/fp16", "qwen_embeddings.mlpackage");
    static const char *const parts[] = {"qwen_embeddings.mlpackage", "qwen_lm_head.mlpackage",
                                        "qwen_FFN_PF_chunk_02of02.mlpackage"};
    for (int i = 0; i < 3; i++) {
        snprintf(target, sizeof target, "ln -s '%s/%s' %s/", dir, parts[i], root);
        assert_int_equal(system(target), 0);
        assert_int_equal(anm_llm_open(root, NULL, &llm, &err), ANM_ERROR_MISMATCH);
        assert_null(llm);
    }
    assert_non_null(strstr(err.message, "chunk 1 of 2"));
    assert_ok(anm_path_remove(root, &err), &err);
}

/* A chunk whose interface makes current_pos `length` long; the session's has one element. */
static void write_chunk(const char *path, int64_t length) {
    const int64_t hidden[3] = {1, 1, 4}, mask[4] = {1, 1, 1, 8};
    anm_error err;
    anm_package_writer *w;
    anm_mil_builder b;
    anm_feature in[3] = {
        {.name = "hidden_states", .dtype = ANM_DTYPE_FP16, .rank = 3, .shape = {1, 1, 4}},
        {.name = "causal_mask", .dtype = ANM_DTYPE_FP16, .rank = 4, .shape = {1, 1, 1, 8}},
        {.name = "current_pos", .dtype = ANM_DTYPE_INT32, .rank = 1, .shape = {length}}};
    anm_feature out = {.name = "y", .dtype = ANM_DTYPE_FP16};
    anm_interface face = {
        .name = "main", .inputs = in, .input_count = 3, .outputs = &out, .output_count = 1};
    anm_description d = {.functions = &face, .function_count = 1};
    anm_mil_program *program = anm_mil_program_create();
    program->spec_version = 9;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    anm_mil_value *x = anm_mil_builder_input(&b, "hidden_states", ANM_DTYPE_FP16, 3, hidden);
    anm_mil_builder_input(&b, "causal_mask", ANM_DTYPE_FP16, 4, mask);
    anm_mil_builder_input(&b, "current_pos", ANM_DTYPE_INT32, 1, &length);
    anm_mil_value *y = anm_mil_emit(&b, "relu", "y", {"x", x});
    anm_mil_builder_outputs(&b, &y, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);
    assert_ok(anm_package_writer_open(path, &w, &err), &err);
    assert_ok(anm_package_writer_commit(w, program, &d, &err), &err);
    anm_mil_program_destroy(program);
}

/* Interfaces that would make the session give more than its buffers hold are refused. */
static void sizes_of_inputs_are_checked(void **state) {
    char root[] = "anm-llm-XXXXXX", path[128];
    anm_error err;
    anm_llm *llm;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/x_chunk_01of01.mlpackage", root);
    write_chunk(path, 1);
    assert_int_equal(anm_llm_open(root, NULL, &llm, &err), ANM_ERROR_MISMATCH);
    assert_non_null(strstr(err.message, "embeddings are missing"));
    write_chunk(path, 100000);
    assert_int_equal(anm_llm_open(root, NULL, &llm, &err), ANM_ERROR_MISMATCH);
    assert_non_null(strstr(err.message, "current_pos"));
    assert_null(llm);
    assert_ok(anm_path_remove(root, &err), &err);
}

static anm_sampler *sampler(float temperature, int top_k, float top_p, uint64_t seed) {
    anm_sampling_options o;
    anm_sampler *s;
    anm_error err;
    anm_sampling_options_init(&o);
    o.temperature = temperature;
    o.top_k = top_k;
    o.top_p = top_p;
    o.seed = seed;
    assert_ok(anm_sampler_create(&o, &s, &err), &err);
    return s;
}

static void greedy_takes_the_first_largest(void **state) {
    const float logits[6] = {1, NAN, 3, 2, 3, -INFINITY};
    const float none[2] = {NAN, NAN};
    anm_sampler *s = sampler(0, 0, 1, 0);
    assert_int_equal(anm_sampler_pick(s, logits, 6), 2);
    assert_int_equal(anm_sampler_pick(s, none, 2), -1);
    /* Wherever it is among more than a vector of them, NaN before and after. */
    for (int at = 1; at < 49; at++) {
        float many[50];
        for (int i = 0; i < 50; i++) many[i] = i % 3 == 0 ? NAN : -(float)i;
        many[at] = 0;
        many[49] = 0;
        assert_int_equal(anm_sampler_pick(s, many, 50), at);
    }
    anm_sampler_destroy(s);
}

static void count_picks(anm_sampler *s, const float *logits, size_t n, int draws, int *counts) {
    memset(counts, 0, n * sizeof *counts);
    for (int i = 0; i < draws; i++) counts[anm_sampler_pick(s, logits, n)]++;
    anm_sampler_destroy(s);
}

/* log(1), log(2), log(4), log(1): probabilities 1/8, 2/8, 4/8, 1/8. */
static void samples_follow_the_distribution(void **state) {
    const float logits[4] = {0, 0.693147f, 1.386294f, 0};
    int n[4];
    count_picks(sampler(1, 0, 1, 7), logits, 4, 80000, n);
    assert_in_range(n[0], 9500, 10500);
    assert_in_range(n[1], 19300, 20700);
    assert_in_range(n[2], 39000, 41000);
    count_picks(sampler(1, 2, 1, 7), logits, 4, 30000, n);
    assert_int_equal(n[0] + n[3], 0);
    assert_in_range(n[1], 9500, 10500);
    count_picks(sampler(1, 0, 0.7f, 7), logits, 4, 30000, n); /* 4/8 + 2/8 reach 0.7 */
    assert_int_equal(n[0] + n[3], 0);
    count_picks(sampler(0.5f, 0, 1, 7), logits, 4, 22000, n); /* 1, 4, 16, 1 of 22 */
    assert_in_range(n[2], 15500, 16500);
    anm_sampler *a = sampler(1, 0, 1, 42), *b = sampler(1, 0, 1, 42);
    for (int i = 0; i < 100; i++)
        assert_int_equal(anm_sampler_pick(a, logits, 4), anm_sampler_pick(b, logits, 4));
    anm_sampler_destroy(a);
    anm_sampler_destroy(b);
}

static void sampling_options_are_checked(void **state) {
    anm_sampling_options o;
    anm_sampler *s;
    anm_error err;
    anm_sampling_options_init(&o);
    o.temperature = -1;
    assert_int_equal(anm_sampler_create(&o, &s, &err), ANM_ERROR_ARGUMENT);
    o.temperature = NAN;
    assert_int_equal(anm_sampler_create(&o, &s, &err), ANM_ERROR_ARGUMENT);
    anm_sampling_options_init(&o);
    o.top_p = 0;
    assert_int_equal(anm_sampler_create(&o, &s, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "top-p");
    o.top_p = 1;
    o.top_k = -3;
    assert_int_equal(anm_sampler_create(&o, &s, &err), ANM_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_follow_anemll),
        cmocka_unit_test(sessions_refuse_bad_tokens),
        cmocka_unit_test(context_can_be_filled),
        cmocka_unit_test(incomplete_directories_are_named),
        cmocka_unit_test(sizes_of_inputs_are_checked),
        cmocka_unit_test(greedy_takes_the_first_largest),
        cmocka_unit_test(samples_follow_the_distribution),
        cmocka_unit_test(sampling_options_are_checked),
    };
    return cmocka_run_group_tests_name("llm", tests, NULL, NULL);
}

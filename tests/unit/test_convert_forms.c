/* SPDX-License-Identifier: MIT */
/*
 * The forms that a model can be converted into, held against each other: however it is divided
 * over packages, its logits are the same, bit by bit.
 */
#include <string.h>

#include "anemone/convert.h"
#include "anemone/llm.h"
#include "src/base/file.h"
#include "src/convert/chunks.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_convert_forms.hf"
#define OUT "test_convert_forms.out"
enum { CONTEXT = 24, BATCH = 8, PROMPT = 13, STEPS = 5, MOST_VOCAB = 128 };

#define LAYERS 5
static const tiny_model models[] = {
    {"qwen3", "Qwen3ForCausalLM", 48, LAYERS, 4, 2, 16, 64, 75, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16},
    {"qwen2", "Qwen2ForCausalLM", 32, LAYERS, 4, 2, 8, 40, 64, .tied = true, .qkv_bias = true,
     .dtype = ANM_DTYPE_BF16},
    {"llama", "LlamaForCausalLM", 48, LAYERS, 6, 2, 8, 64, 67, .dtype = ANM_DTYPE_FP32,
     .config = "\"rope_theta\": 10000, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8,"
               " \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
               " \"original_max_position_embeddings\": 64}"},
    {"llama", "LlamaForCausalLM", 32, LAYERS, 4, 4, 8, 40, 64, .tied = true, .qkv_bias = true,
     .out_bias = true, .mlp_bias = true, .dtype = ANM_DTYPE_FP16,
     .config = "\"state_length\": 40"},
};
enum { MODELS = sizeof models / sizeof models[0] };

/* What a session gives: after prefill, and after each decode step. */
typedef struct record {
    float logits[STEPS + 1][MOST_VOCAB]; /* zeros if the model gives none */
    int32_t greedy[STEPS + 1];
} record;

static anm_convert_options small_options(void) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = CONTEXT;
    options.batch_size = BATCH;
    options.name = "forms";
    return options;
}

static void convert(const anm_convert_options *options) {
    anm_error err;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, options, NULL, &err), &err);
}

static void note(const anm_session *s, size_t vocab, int step, record *out) {
    const float *logits = anm_session_logits(s);
    if (logits) memcpy(out->logits[step], logits, vocab * sizeof *logits);
    out->greedy[step] = anm_session_greedy(s);
}

static void run(const char *dir, anm_precision precision, record *out) {
    int32_t tokens[PROMPT + STEPS];
    anm_error err;
    anm_llm *llm;
    anm_session *s;
    anm_llm_options options;
    memset(out, 0, sizeof *out);
    anm_llm_options_init(&options);
    options.precision = precision;
    assert_ok(anm_llm_open(dir, &options, &llm, &err), &err);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    size_t vocab = anm_llm_vocab_size(llm);
    assert_in_range(vocab, 1, MOST_VOCAB);
    for (int i = 0; i < PROMPT + STEPS; i++) tokens[i] = (int32_t)((i * i * 7 + 3 * i + 1) % 64);
    assert_ok(anm_session_sync(s, tokens, PROMPT, &err), &err);
    note(s, vocab, 0, out);
    for (int i = 0; i < STEPS; i++) {
        assert_ok(anm_session_append(s, tokens[PROMPT + i], &err), &err);
        note(s, vocab, i + 1, out);
    }
    anm_session_destroy(s);
    anm_llm_close(llm);
}

static void check_chunks(const tiny_model *model) {
    static const int64_t counts[] = {2, 3, LAYERS};
    record whole[2], divided;
    anm_convert_options options = small_options();
    tiny_model_write(model, MODEL);
    convert(&options);
    run(OUT, ANM_PRECISION_FP16, &whole[0]);
    run(OUT, ANM_PRECISION_FP32, &whole[1]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        options.chunks = counts[i];
        convert(&options);
        run(OUT, ANM_PRECISION_FP16, &divided);
        assert_memory_equal(&divided, &whole[0], sizeof divided);
        run(OUT, ANM_PRECISION_FP32, &divided);
        assert_memory_equal(&divided, &whole[1], sizeof divided);
    }
}

static void chunks_change_nothing(void **state) {
    for (int i = 0; i < MODELS; i++) check_chunks(&models[i]);
}

static const int64_t splits[] = {1, 2, 7, 8, 16, 64};

/* However the rows of the LM head are divided, each logit is the same sum. */
static void check_splits(const tiny_model *model) {
    record whole, divided;
    anm_convert_options options = small_options();
    tiny_model_write(model, MODEL);
    convert(&options);
    run(OUT, ANM_PRECISION_FP16, &whole);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        options.head_splits = splits[i];
        options.argmax = 0;
        convert(&options);
        run(OUT, ANM_PRECISION_FP16, &divided);
        assert_memory_equal(&divided, &whole, sizeof divided);
        options.argmax = 1;
        convert(&options);
        run(OUT, ANM_PRECISION_FP16, &divided);
        assert_memory_equal(divided.greedy, whole.greedy, sizeof divided.greedy);
        assert_true(divided.logits[0][0] == 0);
    }
}

static void splits_change_nothing(void **state) {
    for (int i = 0; i < MODELS; i++) check_splits(&models[i]);
}

static void check_monolith(const tiny_model *model) {
    record parts, whole;
    anm_convert_options options = small_options();
    tiny_model_write(model, MODEL);
    options.chunks = 2;
    convert(&options);
    run(OUT, ANM_PRECISION_FP16, &parts);
    options.chunks = 0;
    options.monolithic = 1;
    convert(&options);
    run(OUT, ANM_PRECISION_FP16, &whole);
    assert_memory_equal(&whole, &parts, sizeof whole);
    options.argmax = 1;
    options.head_splits = 3;
    convert(&options);
    run(OUT, ANM_PRECISION_FP16, &whole);
    assert_memory_equal(whole.greedy, parts.greedy, sizeof whole.greedy);
}

static void monoliths_are_the_same(void **state) {
    for (int i = 0; i < MODELS; i++) check_monolith(&models[i]);
}

/* A head of winners is described as ANEMLL 0.3.5 describes it. */
static void argmax_interface(void **state) {
    anm_error err;
    anm_program *p;
    anm_convert_options options = small_options();
    tiny_model_write(&models[0], MODEL);
    options.argmax = 1;
    options.head_splits = 2;
    convert(&options);
    assert_ok(anm_program_open(OUT "/qwen_lm_head.mlpackage", &p, &err), &err);
    const anm_function *f = anm_program_function(p, NULL);
    assert_int_equal(anm_function_output_count(f), 2);
    const anm_feature *places = anm_function_output(f, 0), *values = anm_function_output(f, 1);
    assert_string_equal(places->name, "argmax_idx");
    assert_string_equal(values->name, "argmax_val");
    assert_int_equal(places->dtype, ANM_DTYPE_INT32);
    assert_int_equal(values->dtype, ANM_DTYPE_FP16);
    assert_int_equal(places->rank, 1);
    assert_int_equal(places->shape[0], 2);
    assert_int_equal(values->shape[0], 2);
    assert_string_equal(anm_program_metadata(p, "com.anemll.argmax_in_model"), "true");
    assert_string_equal(anm_program_metadata(p, "com.anemll.lm_head_chunk_sizes"), "38,37");
    anm_program_close(p);
}

static void argmax_cannot_sample(void **state) {
    anm_error err;
    anm_llm *llm;
    anm_session *s;
    anm_generate_options generate;
    anm_sampling_options sampling;
    int32_t prompt[2] = {1, 2};
    anm_convert_options options = small_options();
    tiny_model_write(&models[0], MODEL);
    options.argmax = 1;
    convert(&options);
    assert_ok(anm_llm_open(OUT, NULL, &llm, &err), &err);
    assert_int_equal(anm_llm_gives_logits(llm), 0);
    assert_int_equal(anm_llm_vocab_size(llm), 75);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_int_equal(anm_session_greedy(s), -1);
    anm_generate_options_init(&generate);
    generate.max_tokens = 3;
    anm_sampling_options_init(&sampling);
    sampling.temperature = 0.5f;
    generate.sampling = &sampling;
    assert_int_equal(anm_generate(s, prompt, 2, &generate, NULL, &err), ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "--argmax"));
    sampling.temperature = 0;
    assert_ok(anm_generate(s, prompt, 2, &generate, NULL, &err), &err);
    assert_null(anm_session_logits(s));
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* 5 layers in 3 chunks: 2, 2, 1; ANEMLL 0.3.4 would make 1, 1, 1 and lose two. */
static void chunk_files(void **state) {
    anm_convert_options options = small_options();
    tiny_model_write(&models[0], MODEL);
    options.chunks = 3;
    options.lut_ffn.bits = 4;
    convert(&options);
    assert_true(anm_path_is_dir(OUT "/qwen_FFN_PF_lut4_chunk_01of03.mlpackage"));
    assert_true(anm_path_is_dir(OUT "/qwen_FFN_PF_lut4_chunk_03of03.mlpackage"));
    anm_program *p;
    anm_error err;
    assert_ok(anm_program_open(OUT "/qwen_FFN_PF_lut4_chunk_02of03.mlpackage", &p, &err), &err);
    assert_string_equal(anm_program_metadata(p, "com.anemll.num_chunks"), "3");
    assert_string_equal(anm_program_metadata(p, "com.anemll.chunk_no"), "2");
    assert_null(anm_program_metadata(p, "com.anemone.prefill_output"));
    const anm_feature *f = anm_function_output(anm_program_function(p, "prefill"), 0);
    assert_string_equal(f->name, "output_hidden_states");
    assert_int_equal(f->shape[1], BATCH);
    f = anm_function_state(anm_program_function(p, "infer"), 0);
    assert_int_equal(f->shape[0], 2 * LAYERS); /* the whole model's, as in every chunk */
    anm_program_close(p);
}

static void assert_divides(const uint64_t *weights, int64_t count, int64_t chunks, uint64_t limit,
                           const int64_t *expected) {
    int64_t ends[8];
    assert_true(anm_chunks_divide(weights, count, chunks, limit, ends));
    assert_memory_equal(ends, expected, (size_t)chunks * sizeof *ends);
}

static void division(void **state) {
    const uint64_t even[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint64_t uneven[6] = {10, 1, 1, 1, 1, 10};
    int64_t ends[8];
    assert_divides(even, 10, 1, 0, (int64_t[]){10});
    assert_divides(even, 10, 3, 0, (int64_t[]){4, 7, 10});
    assert_divides(even, 10, 4, 0, (int64_t[]){3, 6, 8, 10});
    assert_divides(uneven, 6, 3, 0, (int64_t[]){1, 5, 6});
    assert_divides(uneven, 6, 2, 0, (int64_t[]){3, 6});
    assert_divides(uneven, 6, 2, 12, (int64_t[]){3, 6});
    assert_false(anm_chunks_divide(uneven, 6, 2, 11, ends));
    assert_false(anm_chunks_divide(uneven, 6, 7, 0, ends));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(division),
        cmocka_unit_test(chunk_files),
        cmocka_unit_test(argmax_interface),
        cmocka_unit_test(argmax_cannot_sample),
        cmocka_unit_test(chunks_change_nothing),
        cmocka_unit_test(splits_change_nothing),
        cmocka_unit_test(monoliths_are_the_same),
    };
    return cmocka_run_group_tests_name("convert_forms", tests, NULL, NULL);
}

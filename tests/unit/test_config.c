/* SPDX-License-Identifier: MIT */
/* config.json and generation_config.json: real files, defaults, spellings, and refusals. */
#include "tests/unit/testing.h"

#include <dirent.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hf/config.h"

static char dir[64];
static anm_error err;
static anm_hf_config config;

static int make_dir(void **state) {
    strcpy(dir, "anm-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    return anm_path_remove(dir, NULL) == ANM_OK ? 0 : -1;
}

static const char *in_dir(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_text(const char *name, const char *text) {
    assert_ok(anm_file_write(in_dir(name), text, strlen(text), &err), &err);
}

/* Makes a fixture the directory's config.json (or other name). */
static void link_fixture(const char *name, const char *fixture) {
    assert_ok(anm_path_remove(in_dir(name), &err), &err);
    assert_int_equal(symlink(fixture_path(fixture), in_dir(name)), 0);
}

#define SIZES                                                                                      \
    "\"model_type\":\"llama\",\"hidden_size\":64,\"num_hidden_layers\":2,"                         \
    "\"num_attention_heads\":4,\"intermediate_size\":96,\"vocab_size\":100"

static anm_status read_text(const char *text) {
    put_text("config.json", text);
    return anm_hf_config_read(dir, &config, &err);
}

static void defaults(void **state) {
    assert_ok(read_text("{" SIZES "}"), &err);
    assert_string_equal(config.model_type, "llama");
    assert_string_equal(config.architecture, "");
    assert_int_equal(config.num_key_value_heads, 4);
    assert_int_equal(config.head_dim, 16);
    assert_false(config.has_head_dim);
    assert_int_equal(config.max_position_embeddings, 0);
    assert_true(config.rms_norm_eps == 1e-6 && config.rope.theta == 10000);
    assert_int_equal(config.rope.type, ANM_ROPE_DEFAULT);
    assert_true(config.rope.factor == 1 && config.rope.partial_rotary_factor == 1);
    assert_false(config.tie_word_embeddings || config.attention_bias || config.mlp_bias);
    assert_false(config.use_sliding_window || config.has_use_sliding_window);
    assert_false(config.other_layer_types);
    assert_string_equal(config.hidden_act, "silu");
    assert_string_equal(config.quant.method, "");
    assert_int_equal(config.dtype, ANM_DTYPE_NONE);
    assert_int_equal(config.bos_count + config.eos_count, 0);
    assert_int_equal(config.state_length, 0);
}

static void given_values(void **state) {
    assert_ok(read_text("{" SIZES
                        ",\"num_key_value_heads\":2,\"head_dim\":32,\"rms_norm_eps\":1e-5,"
                        "\"rope_theta\":500000,\"tie_word_embeddings\":true,\"mlp_bias\":true,"
                        "\"attention_bias\":true,\"sliding_window\":4096,\"use_sliding_window\":"
                        "true,\"hidden_act\":\"gelu\",\"dtype\":\"float16\",\"state_length\":128,"
                        "\"max_position_embeddings\":2048,\"architectures\":[\"A\",\"B\"],"
                        "\"quantization_config\":{\"quant_method\":\"gptq\"},"
                        "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}"),
              &err);
    assert_int_equal(config.num_key_value_heads, 2);
    assert_int_equal(config.head_dim, 32);
    assert_true(config.has_head_dim && config.other_layer_types);
    assert_true(config.rms_norm_eps == 1e-5 && config.rope.theta == 500000);
    assert_true(config.tie_word_embeddings && config.attention_bias && config.mlp_bias);
    assert_int_equal(config.sliding_window, 4096);
    assert_true(config.use_sliding_window && config.has_use_sliding_window);
    assert_string_equal(config.hidden_act, "gelu");
    assert_int_equal(config.dtype, ANM_DTYPE_FP16);
    assert_int_equal(config.state_length, 128);
    assert_string_equal(config.architecture, "A");
    assert_string_equal(config.quant.method, "gptq");
    assert_int_equal(config.rope.original_max_position_embeddings, 2048);
}

static void rope_spellings(void **state) {
    assert_ok(read_text("{" SIZES ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}}"), &err);
    assert_int_equal(config.rope.type, ANM_ROPE_LINEAR);
    assert_true(config.rope.factor == 2);
    assert_ok(read_text("{" SIZES ",\"rope_scaling\":{\"type\":\"yarn\",\"rope_type\":\"dynamic\","
                        "\"factor\":2.5}}"),
              &err);
    assert_int_equal(config.rope.type, ANM_ROPE_DYNAMIC);
    assert_ok(read_text("{" SIZES ",\"max_position_embeddings\":64,\"rope_scaling\":{\"rope_type\":"
                        "\"yarn\",\"factor\":4,\"beta_fast\":16,\"attention_factor\":1.25}}"),
              &err);
    assert_int_equal(config.rope.type, ANM_ROPE_YARN);
    assert_true(config.rope.beta_fast == 16 && config.rope.beta_slow == 1);
    assert_true(config.rope.attention_factor == 1.25 && config.rope.truncate);
    assert_int_equal(config.rope.original_max_position_embeddings, 64);
    assert_ok(read_text("{" SIZES ",\"rope_scaling\":{\"type\":\"new\"}}"), &err);
    assert_int_equal(config.rope.type, ANM_ROPE_OTHER);
    assert_string_equal(config.rope.type_name, "new");
    /* The newer form goes before the older. */
    assert_ok(read_text("{" SIZES ",\"rope_theta\":1,\"rope_scaling\":{\"type\":\"new\"},"
                        "\"rope_parameters\":{\"rope_theta\":5e5,\"rope_type\":\"llama3\","
                        "\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
                        "\"original_max_position_embeddings\":8192}}"),
              &err);
    assert_int_equal(config.rope.type, ANM_ROPE_LLAMA3);
    assert_true(config.rope.theta == 5e5 && config.rope.factor == 8);
    assert_true(config.rope.low_freq_factor == 1 && config.rope.high_freq_factor == 4);
    assert_int_equal(config.rope.original_max_position_embeddings, 8192);
    assert_ok(read_text("{" SIZES ",\"rope_parameters\":{\"rope_type\":\"default\","
                        "\"partial_rotary_factor\":0.5}}"),
              &err);
    assert_true(config.rope.theta == 10000 && config.rope.partial_rotary_factor == 0.5);
}

static void layer_kinds(void **state) {
    assert_ok(read_text("{" SIZES ",\"layer_types\":[\"sliding_attention\",\"other\"],"
                        "\"hidden_activation\":\"gelu_pytorch_tanh\",\"hidden_act\":\"silu\"}"),
              &err);
    assert_true(config.other_layer_types && config.unknown_layer_types);
    assert_true(anm_hf_config_is_sliding(&config, 0) && !anm_hf_config_is_sliding(&config, 1));
    assert_string_equal(config.hidden_act, "gelu_pytorch_tanh");
    assert_ok(read_text("{" SIZES ",\"_sliding_window_pattern\":2,\"rope_parameters\":"
                        "{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8,"
                        "\"rope_theta\":1e6},\"sliding_attention\":{\"rope_type\":\"default\","
                        "\"rope_theta\":1e3}}}"),
              &err);
    assert_true(anm_hf_config_is_sliding(&config, 0) && !anm_hf_config_is_sliding(&config, 1));
    assert_true(config.has_local_rope && !config.unknown_layer_types);
    assert_true(config.rope.type == ANM_ROPE_LINEAR && config.rope.factor == 8);
    assert_true(config.rope.theta == 1e6 && config.local_rope.theta == 1e3);
    assert_int_equal(config.local_rope.type, ANM_ROPE_DEFAULT);
}

/* google/gemma-3-4b-it: most keys are the class's defaults, some stand beside text_config. */
static void text_of_a_larger_model(void **state) {
    assert_ok(read_text("{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"model_type\":"
                        "\"gemma3\",\"eos_token_id\":[1,106],\"torch_dtype\":\"bfloat16\","
                        "\"text_config\":{\"hidden_size\":2560,\"intermediate_size\":10240,"
                        "\"model_type\":\"gemma3_text\",\"num_hidden_layers\":34,\"rope_scaling\":"
                        "{\"factor\":8.0,\"rope_type\":\"linear\"},\"sliding_window\":1024},"
                        "\"vision_config\":{\"hidden_size\":1152}}"),
              &err);
    assert_string_equal(config.model_type, "gemma3");
    assert_string_equal(config.architecture, "Gemma3ForConditionalGeneration");
    assert_int_equal(config.hidden_size, 2560);
    assert_int_equal(config.num_attention_heads, 8);
    assert_int_equal(config.num_key_value_heads, 4);
    assert_int_equal(config.head_dim, 256);
    assert_int_equal(config.vocab_size, 262208);
    assert_int_equal(config.sliding_window, 1024);
    assert_int_equal(config.dtype, ANM_DTYPE_BF16);
    assert_int_equal(config.eos_count, 2);
    assert_true(config.tie_word_embeddings && config.query_pre_attn_scalar == 256);
    assert_true(config.rope.factor == 8 && config.rope.theta == 1e6);
    assert_true(config.local_rope.factor == 1 && config.local_rope.theta == 1e4);
    for (int64_t i = 0; i < 34; i++)
        assert_int_equal(anm_hf_config_is_sliding(&config, i), i % 6 != 5);
    assert_true(config.final_logit_softcapping == 0 && config.attn_logit_softcapping == 0);
}

static void eos_ids_are_merged(void **state) {
    put_text("generation_config.json", "{\"eos_token_id\":[7,5,7],\"bos_token_id\":null}");
    assert_ok(read_text("{" SIZES ",\"bos_token_id\":1,\"eos_token_id\":[5,9]}"), &err);
    assert_int_equal(config.eos_count, 3);
    assert_int_equal(config.eos_ids[0], 7);
    assert_int_equal(config.eos_ids[1], 5);
    assert_int_equal(config.eos_ids[2], 9);
    assert_int_equal(config.bos_count, 1);
    assert_int_equal(config.bos_ids[0], 1);
    put_text("generation_config.json", "{\"eos_token_id\":100}");
    assert_int_equal(read_text("{" SIZES "}"), ANM_ERROR_FORMAT);
    assert_string_equal(err.where, in_dir("generation_config.json"));
    assert_non_null(strstr(err.message, "eos_token_id"));
}

/* A whole config, the status it must give, and the key its error must name. */
static const struct {
    const char *text, *key;
    anm_status status;
} bad[] = {
    {"{}", "model_type", ANM_ERROR_FORMAT},
    {"[]", "object", ANM_ERROR_FORMAT},
    {"{", "JSON", ANM_ERROR_FORMAT},
    {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", ANM_ERROR_FORMAT},
    {"{\"model_type\":7}", "model_type", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\"}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"text_config\":{}}", "text_config", ANM_ERROR_UNSUPPORTED},
    {"{\"model_type\":\"x\",\"hidden_size\":null}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"hidden_size\":0}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"hidden_size\":-1}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"hidden_size\":64.0}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"hidden_size\":\"64\"}", "hidden_size", ANM_ERROR_FORMAT},
    {"{\"model_type\":\"x\",\"hidden_size\":9223372036854775807}", "hidden_size", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"hidden_size\":64}", "duplicate", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"num_key_value_heads\":3}", "num_key_value_heads", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"num_key_value_heads\":8}", "num_key_value_heads", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"num_key_value_heads\":0}", "num_key_value_heads", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"head_dim\":15}", "head_dim", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"head_dim\":-2}", "head_dim", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rms_norm_eps\":-1e-6}", "rms_norm_eps", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rms_norm_eps\":0}", "rms_norm_eps", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_theta\":\"1\"}", "rope_theta", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_theta\":-1}", "rope_theta", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_scaling\":[]}", "rope_scaling", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_scaling\":{\"type\":\"linear\"}}", "factor", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":-2}}", "factor",
     ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1}}",
     "high_freq_factor", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
     "\"high_freq_factor\":4,\"original_max_position_embeddings\":8192}}",
     "high_freq_factor", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"rope_parameters\":{\"full_attention\":{},\"chunked_attention\":{}}}",
     "rope_parameters", ANM_ERROR_UNSUPPORTED},
    {"{" SIZES ",\"rope_parameters\":{\"full_attention\":{},\"rope_theta\":1}}", "rope_parameters",
     ANM_ERROR_UNSUPPORTED},
    {"{" SIZES ",\"rope_local_base_freq\":-1}", "rope_local_base_freq", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"layer_types\":[\"full_attention\"]}", "layer_types", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"layer_types\":[\"full_attention\",1]}", "layer_types", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"sliding_window_pattern\":-2}", "sliding_window_pattern", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"final_logit_softcapping\":-30}", "final_logit_softcapping", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"partial_rotary_factor\":1.5}", "partial_rotary_factor", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"eos_token_id\":100}", "eos_token_id", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"eos_token_id\":[1,-1]}", "eos_token_id", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"bos_token_id\":\"<s>\"}", "bos_token_id", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"eos_token_id\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,"
     "24,25,26,27,28,29,30,31,32]}",
     "eos_token_id", ANM_ERROR_LIMIT},
    {"{" SIZES ",\"tie_word_embeddings\":1}", "tie_word_embeddings", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"architectures\":\"A\"}", "architectures", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"layer_types\":1}", "layer_types", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"quantization_config\":true}", "quantization_config", ANM_ERROR_FORMAT},
    {"{" SIZES ",\"hidden_act\":\"0123456789012345678901234567890123456789012345678901234567890123"
     "\"}",
     "hidden_act", ANM_ERROR_FORMAT},
};

static void refusals(void **state) {
    static const anm_hf_config zero;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        anm_status status = read_text(bad[i].text);
        if (status != bad[i].status || !strstr(err.message, bad[i].key) ||
            strcmp(err.where, in_dir("config.json")) != 0)
            fail_msg("%s: %s: %s: %s", bad[i].text, anm_status_name(status), err.where,
                     err.message);
        assert_memory_equal(&config, &zero, sizeof zero);
    }
    assert_ok(anm_path_remove(in_dir("config.json"), &err), &err);
    assert_int_equal(anm_hf_config_read(dir, &config, &err), ANM_ERROR_NOT_FOUND);
}

/* head_dim cannot be guessed when the heads do not divide the hidden size. */
static void indivisible_heads(void **state) {
    assert_int_equal(
        read_text("{\"model_type\":\"llama\",\"hidden_size\":64,\"num_hidden_layers\":2,"
                  "\"num_attention_heads\":3,\"intermediate_size\":96,"
                  "\"vocab_size\":100}"),
        ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "head_dim"));
}

/* A new file each time, without the sync that anm_file_write and a truncation wait for. */
static void overwrite(const char *name, const char *text, size_t size) {
    remove(in_dir(name));
    FILE *f = fopen(in_dir(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Every cut and every single-bit flip of a config: a verdict, and never a bad access. */
static void mutations(void **state) {
    char text[] = "{" SIZES ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2},"
                  "\"eos_token_id\":[1,2],\"quantization_config\":{}}";
    size_t size = sizeof text - 1;
    for (size_t i = 0; i < size * 9; i++) {
        size_t at = i / 9, bit = i % 9; /* the ninth turn at a byte cuts there */
        char kept = text[at];
        if (bit < 8) text[at] ^= (char)(1 << bit);
        overwrite("config.json", text, bit < 8 ? size : at);
        text[at] = kept;
        anm_status status = anm_hf_config_read(dir, &config, &err);
        assert_true(status == ANM_OK || status == ANM_ERROR_FORMAT ||
                    status == ANM_ERROR_UNSUPPORTED);
        if (status == ANM_OK) assert_true(config.head_dim > 0 && config.vocab_size > 0);
    }
}

typedef struct expected {
    const char *file, *model_type;
    int hidden, layers, heads, kv_heads, head_dim, intermediate, vocab;
    bool tied;
    double theta, eps;
    anm_rope_type rope;
    int bos, eos, eos_count;
} expected;

static const expected real[] = {
    {"Qwen3-0.6B", "qwen3", 1024, 28, 16, 8, 128, 3072, 151936, true, 1e6, 1e-6, ANM_ROPE_DEFAULT,
     151643, 151645, 1},
    {"Qwen2.5-0.5B-Instruct", "qwen2", 896, 24, 14, 2, 64, 4864, 151936, true, 1e6, 1e-6,
     ANM_ROPE_DEFAULT, 151643, 151645, 1},
    {"Llama-3.2-1B-Instruct", "llama", 2048, 16, 32, 8, 64, 8192, 128256, true, 5e5, 1e-5,
     ANM_ROPE_LLAMA3, 128000, 128001, 3},
    {"Llama-3.1-70B", "llama", 8192, 80, 64, 8, 128, 28672, 128256, false, 5e5, 1e-5,
     ANM_ROPE_LLAMA3, 128000, 128001, 1},
    {"TinyLlama-1.1B-Chat-v1.0", "llama", 2048, 22, 32, 4, 64, 5632, 32000, false, 1e4, 1e-5,
     ANM_ROPE_DEFAULT, 1, 2, 1},
    {"DeepSeek-R1-Distill-Qwen-1.5B", "qwen2", 1536, 28, 12, 2, 128, 8960, 151936, false, 1e4, 1e-6,
     ANM_ROPE_DEFAULT, 151643, 151643, 1},
};

static void compare_real(const expected *e) {
    char fixture[128];
    snprintf(fixture, sizeof fixture, "configs/%s.json", e->file);
    link_fixture("config.json", fixture);
    assert_ok(anm_hf_config_read(dir, &config, &err), &err);
    assert_string_equal(config.model_type, e->model_type);
    assert_int_equal(config.hidden_size, e->hidden);
    assert_int_equal(config.num_hidden_layers, e->layers);
    assert_int_equal(config.num_attention_heads, e->heads);
    assert_int_equal(config.num_key_value_heads, e->kv_heads);
    assert_int_equal(config.head_dim, e->head_dim);
    assert_int_equal(config.intermediate_size, e->intermediate);
    assert_int_equal(config.vocab_size, e->vocab);
    assert_int_equal(config.tie_word_embeddings, e->tied);
    assert_true(config.rope.theta == e->theta && config.rms_norm_eps == e->eps);
    assert_int_equal(config.rope.type, e->rope);
    assert_int_equal(config.bos_ids[0], e->bos);
    assert_int_equal(config.eos_ids[0], e->eos);
    assert_int_equal(config.eos_count, e->eos_count);
    assert_int_equal(config.dtype, ANM_DTYPE_BF16);
}

static void real_values(void **state) {
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) compare_real(&real[i]);
    link_fixture("config.json", "configs/Llama-3.2-1B-Instruct.json");
    assert_ok(anm_hf_config_read(dir, &config, &err), &err);
    assert_true(config.rope.factor == 32 && config.rope.low_freq_factor == 1 &&
                config.rope.high_freq_factor == 4);
    assert_int_equal(config.rope.original_max_position_embeddings, 8192);
    assert_int_equal(config.eos_ids[2], 128009);
    link_fixture("config.json", "configs/Qwen3-0.6B.json");
    link_fixture("generation_config.json", "configs/generation/qwen-qwen3-0-6b.json");
    assert_ok(anm_hf_config_read(dir, &config, &err), &err);
    assert_int_equal(config.eos_count, 2);
    assert_int_equal(config.eos_ids[0], 151645);
    assert_int_equal(config.eos_ids[1], 151643);
}

static void all_real_files_are_read(void **state) {
    const char *folder = fixture_path("configs");
    DIR *d = opendir(folder);
    int count = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char name[300];
        if (!anm_str_ends(e->d_name, ".json")) continue;
        snprintf(name, sizeof name, "configs/%s", e->d_name);
        link_fixture("config.json", name);
        if (anm_hf_config_read(dir, &config, &err) != ANM_OK)
            fail_msg("%s: %s", e->d_name, err.message);
        assert_int_equal(config.num_attention_heads % config.num_key_value_heads, 0);
        count++;
    }
    closedir(d);
    assert_true(count >= 20);
}

static void anemll_key(void **state) {
    assert_ok(anm_hf_config_read(fixture_path("anemll/qwen3-a/hf"), &config, &err), &err);
    assert_int_equal(config.state_length, 128);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(defaults),           TEST(given_values), TEST(rope_spellings),
        TEST(layer_kinds),        TEST(text_of_a_larger_model),
        TEST(eos_ids_are_merged), TEST(refusals),     TEST(indivisible_heads),
        TEST(mutations),          TEST(real_values),  TEST(all_real_files_are_read),
        TEST(anemll_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

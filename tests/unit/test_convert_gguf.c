/* SPDX-License-Identifier: MIT */
/*
 * GGUF models against the same models dequantised to fp32 safetensors: the packages are equal byte
 * for byte, whatever the type, the architecture and the number of files.
 */
#include "tests/unit/testing.h"

#include <string.h>

#include "anemone/convert.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/hf/config.h"
#include "tests/unit/gguf_model.h"
#include "tests/unit/same_packages.h"
#include "tests/unit/tiny_model.h"

#define HERE "test_convert_gguf."
static anm_error err;

static void convert(const char *model, const char *out, int lut) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.name = "model";
    options.prefix = "model";
    options.overwrite = 1;
    options.lut_ffn.bits = lut;
    assert_ok(anm_convert(model, out, &options, NULL, &err), &err);
}

static void same_configs(const char *gguf, const char *hf) {
    anm_hf_config a, b;
    assert_ok(anm_hf_config_read(gguf, &a, &err), &err);
    assert_ok(anm_hf_config_read(hf, &b, &err), &err);
    assert_memory_equal(&a, &b, sizeof a);
}

static void check(gguf_model m, int lut) {
    bool split = m.files > 1;
    const char *path = split ? HERE "split" : HERE "model.gguf";
    const char *model = split ? HERE "split-00002-of-00003.gguf" : path;
    gguf_model_write(&m, path, HERE "hf");
    same_configs(model, HERE "hf");
    fresh_directory(HERE "a");
    fresh_directory(HERE "b");
    convert(model, HERE "a", lut);
    convert(HERE "hf", HERE "b", lut);
    assert_int_equal(same_packages(HERE "a", HERE "b"), 3);
    same_configs(HERE "a", HERE "hf");
}

static void every_type(void **state) {
    static const uint32_t types[] = {GGUF_F32,  GGUF_F16,  GGUF_BF16, GGUF_Q8_0,
                                     GGUF_Q4_0, GGUF_Q4_K, GGUF_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        check((gguf_model){.arch = "qwen3", .type = types[i], .tied = i % 2}, 0);
}

static void every_architecture(void **state) {
    static const char *const archs[] = {"llama", "qwen2", "qwen3"};
    check((gguf_model){.arch = "gemma3", .type = GGUF_Q8_0, .tied = true}, 0);
    for (int i = 0; i < 3; i++) check((gguf_model){.arch = archs[i], .type = GGUF_Q4_K}, 0);
}

static void llama3_factors(void **state) {
    check((gguf_model){.arch = "llama", .type = GGUF_Q8_0, .llama3 = true, .tied = true}, 0);
}

static void several_files(void **state) {
    check((gguf_model){.arch = "llama", .type = GGUF_Q6_K, .llama3 = true, .files = 3}, 0);
}

static void palettized(void **state) {
    check((gguf_model){.arch = "llama", .type = GGUF_Q4_0}, 4);
}

/* The one model in a directory needs no name; of two, one must be named. */
static void directories(void **state) {
    gguf_model m = {.arch = "qwen3", .type = GGUF_Q8_0};
    fresh_directory(HERE "dir");
    gguf_model_write(&m, HERE "dir/one.gguf", HERE "hf");
    same_configs(HERE "dir", HERE "hf");
    gguf_model_write(&m, HERE "dir/two.gguf", HERE "hf");
    anm_hf_config config;
    assert_int_equal(anm_hf_config_read(HERE "dir", &config, &err), ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "one.gguf and two.gguf"));
    same_configs(HERE "dir/two.gguf", HERE "hf");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),    cmocka_unit_test(every_architecture),
        cmocka_unit_test(llama3_factors), cmocka_unit_test(several_files),
        cmocka_unit_test(palettized),    cmocka_unit_test(directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

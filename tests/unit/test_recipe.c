/* SPDX-License-Identifier: MIT */
/* Real config.json files: each gives a recipe, or is refused for a stated reason. */
#include "tests/unit/each_config.h"
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/file.h"
#include "src/convert/recipe.h"

static const struct {
    const char *file, *prefix;
    int64_t layers, hidden, head_dim, vocab, splits;
    bool tied;
} expected[] = {
    {"Qwen3-0.6B.json", "qwen", 28, 1024, 128, 151936, 16, true},
    {"Qwen3-8B.json", "qwen", 36, 4096, 128, 151936, 16, false},
    {"Qwen2.5-0.5B-Instruct.json", "qwen25", 24, 896, 64, 151936, 16, true},
    {"Llama-3.2-1B-Instruct.json", "llama", 16, 2048, 64, 128256, 8, true},
    {"Llama-3.1-70B.json", "llama", 80, 8192, 128, 128256, 8, false},
    {"DeepSeek-R1-Distill-Qwen-1.5B.json", "qwen25", 28, 1536, 128, 151936, 16, false},
    {"DeepSeek-R1-Distill-Llama-8B.json", "llama", 32, 4096, 128, 128256, 8, false},
    {"TinyLlama-1.1B-Chat-v1.0.json", "llama", 22, 2048, 64, 32000, 8, false},
};

static void check(const char *file, const anm_recipe *r) {
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (strcmp(file, expected[i].file) != 0) continue;
        assert_string_equal(r->prefix, expected[i].prefix);
        assert_int_equal(r->layers, expected[i].layers);
        assert_int_equal(r->hidden, expected[i].hidden);
        assert_int_equal(r->head_dim, expected[i].head_dim);
        assert_int_equal(r->vocab, expected[i].vocab);
        assert_int_equal(r->splits, expected[i].splits);
        assert_int_equal(r->tied, expected[i].tied);
        assert_int_equal(r->context, 512);
        assert_int_equal(r->batch, 64);
    }
}

static void check_recipe(const char *dir, const char *file) {
    anm_recipe recipe;
    anm_convert_options options;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    anm_convert_options_init(&options);
    assert_ok(anm_recipe_make(arena, dir, &options, &recipe, &err), &err);
    check(file, &recipe);
    anm_arena_destroy(arena);
}

static void recipes_of_real_configs(void **state) {
    (void)state;
    each_config(check_recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(recipes_of_real_configs)};
    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}

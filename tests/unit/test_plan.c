/* SPDX-License-Identifier: MIT */
/* The plan against what a conversion then writes. */
#include <stdlib.h>
#include <string.h>

#include "anemone/convert_plan.h"
#include "src/base/file.h"
#include "src/convert/output.h"
#include "src/convert/partplan.h"
#include "tests/unit/each_config.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_plan.hf"
#define OUT "test_plan.out"

static const tiny_model qwen = {
    "qwen3", "Qwen3ForCausalLM", 48, 3, 4, 2, 16, 64, 75,
    .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16,
};
static const tiny_model llama = {
    "llama", "LlamaForCausalLM", 64, 2, 4, 4, 16, 160, 131,
    .qkv_bias = true, .out_bias = true, .mlp_bias = true, .dtype = ANM_DTYPE_FP32,
    .config = "\"state_length\": 40",
};

static anm_convert_options small_options(void) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 24;
    options.batch_size = 8;
    options.overwrite = 1;
    return options;
}

static uint64_t weight_bytes(const char *package) {
    char path[512];
    anm_error err;
    anm_mapping m;
    snprintf(path, sizeof path, OUT "/%s/Data/com.apple.CoreML/weights/weight.bin", package);
    assert_ok(anm_mapping_open(path, &m, &err), &err);
    uint64_t size = m.size;
    anm_mapping_close(&m);
    return size;
}

/* Every file is where the plan says, and weight.bin has exactly the bytes that it says. */
static void check_sizes(const tiny_model *model, const anm_convert_options *options) {
    anm_error err;
    anm_recipe recipe;
    anm_plan plan;
    anm_arena *arena = anm_arena_create();
    tiny_model_write(model, MODEL);
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, options, NULL, &err), &err);
    assert_ok(anm_recipe_make(arena, MODEL, options, &recipe, &err), &err);
    assert_ok(anm_plan_make(arena, &recipe, &plan, &err), &err);
    for (size_t i = 0; i < plan.count; i++)
        assert_int_equal(weight_bytes(plan.parts[i].file), plan.parts[i].size.bytes);
    anm_arena_destroy(arena);
}

static void sizes(void **state) {
    anm_convert_options options = small_options();
    check_sizes(&qwen, &options);
    check_sizes(&llama, &options);
    options.lut_embeddings = (anm_convert_lut){3, 8};
    options.lut_ffn = (anm_convert_lut){4, 16};
    options.lut_head = (anm_convert_lut){2, ANM_CONVERT_PER_TENSOR};
    check_sizes(&qwen, &options);
    check_sizes(&llama, &options);
    options.lut_head = (anm_convert_lut){6, 8};
    options.lut_ffn = (anm_convert_lut){4, 7}; /* divides nothing: padding */
    options.lut_channel_scale = 1;
    check_sizes(&qwen, &options);
    options.lut_axis = 1;
    check_sizes(&llama, &options);
}

static void assert_features(const anm_convert_plan *plan, size_t part, size_t function,
                            const anm_function *f) {
    for (size_t i = 0; i < anm_function_input_count(f); i++) {
        const anm_feature *want = anm_function_input(f, i);
        const anm_feature *got =
            anm_convert_plan_feature(plan, part, function, ANM_CONVERT_INPUT, i);
        assert_string_equal(got->name, want->name);
        assert_int_equal(got->dtype, want->dtype);
        assert_memory_equal(got->shape, want->shape, sizeof got->shape);
    }
    const anm_feature *out = anm_convert_plan_feature(plan, part, function, ANM_CONVERT_OUTPUT, 0);
    assert_string_equal(out->name, anm_function_output(f, 0)->name);
    const anm_feature *state = anm_convert_plan_feature(plan, part, function, ANM_CONVERT_STATE, 0);
    assert_int_equal(state != NULL, anm_function_state_count(f) > 0);
}

/* Packages have exactly the bytes and the interface that the dry run tells. */
static void check_dry_run(const tiny_model *model, const anm_convert_options *options) {
    anm_error err;
    anm_convert_plan *plan;
    anm_arena *arena = anm_arena_create();
    tiny_model_write(model, MODEL);
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, options, NULL, &err), &err);
    assert_ok(anm_path_remove(MODEL "/model.safetensors", &err), &err);
    assert_ok(anm_convert_plan_make(MODEL, options, &plan, &err), &err);
    for (size_t i = 0; i < anm_convert_plan_count(plan); i++) {
        char path[512];
        uint64_t bytes;
        anm_program *p;
        const anm_convert_planned *part = anm_convert_plan_part(plan, i);
        snprintf(path, sizeof path, OUT "/%s", part->file);
        assert_ok(anm_output_size(arena, path, &bytes, &err), &err);
        assert_int_equal(part->bytes, bytes);
        assert_int_equal(part->weight_bytes, weight_bytes(part->file));
        assert_ok(anm_program_open(path, &p, &err), &err);
        assert_int_equal(anm_program_function_count(p), part->function_count);
        for (size_t f = 0; f < part->function_count; f++) {
            const char *name = anm_convert_plan_function(plan, i, f);
            assert_features(plan, i, f, anm_program_function(p, name));
        }
        anm_program_close(p);
    }
    assert_null(anm_convert_plan_part(plan, anm_convert_plan_count(plan)));
    anm_convert_plan_free(plan);
    anm_arena_destroy(arena);
}

static void dry_runs(void **state) {
    anm_convert_options options = small_options();
    check_dry_run(&qwen, &options);
    check_dry_run(&llama, &options);
    options.chunks = 2;
    options.head_splits = 5;
    options.argmax = 1;
    options.lut_ffn = (anm_convert_lut){4, 8};
    options.lut_head = (anm_convert_lut){6, 0};
    check_dry_run(&qwen, &options);
    options.chunks = 0;
    options.monolithic = 1;
    options.lut_channel_scale = 1;
    check_dry_run(&llama, &options);
}

static void check_config(const char *dir, const char *file) {
    anm_error err;
    anm_convert_plan *plan;
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.chunks = ANM_CONVERT_CHUNKS_AUTO;
    options.target_os = ANM_CONVERT_IOS;
    anm_status status = anm_convert_plan_make(dir, &options, &plan, &err);
    if (status != ANM_OK) { /* refused: by name */
        printf("%s: %s\n", file, err.message);
        assert_int_equal(status, ANM_ERROR_UNSUPPORTED);
        assert_true(strlen(err.message) > 20);
        return;
    }
    const anm_convert_totals *t = anm_convert_plan_totals(plan);
    int64_t layers = 0;
    for (size_t i = 0; i < anm_convert_plan_count(plan); i++) {
        const anm_convert_planned *part = anm_convert_plan_part(plan, i);
        layers += part->end_layer - part->first_layer;
        if (part->chunks) assert_true(part->weight_bytes < 1000000000 || part->chunks == t->layers);
        assert_true(part->bytes > part->weight_bytes);
    }
    printf("%s: %s, %.2fe9 parameters, %zu packages, %.2f GB\n", file, t->family,
           (double)t->parameters * 1e-9, anm_convert_plan_count(plan), (double)t->bytes * 1e-9);
    assert_int_equal(layers, t->layers);
    assert_true(t->bytes >= 2 * t->parameters);
    anm_convert_plan_free(plan);
}

/* Every real configuration is planned, or refused for a stated reason. */
static void real_configs(void **state) {
    (void)state;
    each_config(check_config);
}

typedef struct names {
    char text[4096];
    size_t count;
} names;

static anm_status collect(void *context, const anm_piece *piece, anm_error *err) {
    const anm_recipe *r = ((void **)context)[0];
    names *n = ((void **)context)[1];
    char name[ANM_TENSOR_NAME];
    const char *tensor = anm_piece_tensor(r, piece, name, sizeof name);
    if (!tensor) return ANM_OK;
    n->count++;
    strcat(strcat(n->text, tensor), "\n");
    return ANM_OK;
}

/* The fewest chunks whose weight.bin is within the limit; explicit counts spread the layers. */
static void chunks(void **state) {
    anm_error err;
    anm_recipe recipe;
    anm_plan plan;
    anm_convert_options options = small_options();
    anm_arena *arena = anm_arena_create();
    tiny_model_write(&qwen, MODEL);
    for (int i = 0; i < 2; i++) { /* unlimited: one; a limit of two layers' size: two; ... */
        options.chunks = ANM_CONVERT_CHUNKS_AUTO;
        assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
        assert_ok(anm_plan_make(arena, &recipe, &plan, &err), &err);
        assert_int_equal(plan.chunks, i + 1);
        assert_true(plan.parts[1].size.bytes <= (uint64_t)recipe.max_chunk_bytes);
        options.max_chunk_bytes = (int64_t)plan.parts[1].size.bytes - 1;
    }
    options.max_chunk_bytes = 1; /* not even one layer */
    assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
    assert_ok(anm_plan_make(arena, &recipe, &plan, &err), &err);
    assert_int_equal(plan.chunks, 3);
    options.chunks = 2;
    assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
    assert_ok(anm_plan_make(arena, &recipe, &plan, &err), &err);
    assert_int_equal(plan.count, 4);
    assert_int_equal(plan.parts[1].contents.end_layer, 2);
    assert_int_equal(plan.parts[2].contents.first_layer, 2);
    assert_int_equal(plan.parts[2].contents.end_layer, 3);
    options.chunks = 4;
    assert_int_equal(anm_recipe_make(arena, MODEL, &options, &recipe, &err), ANM_ERROR_ARGUMENT);
    anm_arena_destroy(arena);
}

/* A tied head depends on the embedding; a chunk on its layers only; the last one has the norm. */
static void dependencies(void **state) {
    anm_error err;
    anm_recipe recipe;
    anm_convert_options options = small_options();
    anm_arena *arena = anm_arena_create();
    tiny_model_write(&qwen, MODEL);
    assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
    const struct {
        anm_contents contents;
        size_t count;
        const char *has, *lacks;
    } cases[] = {
        {{.embeddings = true}, 1, "model.embed_tokens.weight", "layers"},
        {{.head = true}, 16, "model.embed_tokens.weight", "lm_head"},
        {{.first_layer = 0, .end_layer = 1}, 11, "layers.0.self_attn.q_norm", "model.norm"},
        {{.first_layer = 1, .end_layer = 3}, 23, "model.norm.weight", "layers.0."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names n = {.count = 0};
        void *context[] = {&recipe, &n};
        assert_ok(anm_contents_visit(&recipe, &cases[i].contents, collect, context, &err), &err);
        assert_int_equal(n.count, cases[i].count);
        assert_non_null(strstr(n.text, cases[i].has));
        assert_null(strstr(n.text, cases[i].lacks));
    }
    anm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(chunks),
        cmocka_unit_test(dry_runs),
        cmocka_unit_test(real_configs),
        cmocka_unit_test(dependencies),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The plain forward pass: against float64 logits of the original models (fixtures), against the
 * obvious loops of reference_forward.c on tiny models, and what its hooks promise.
 */
#include <math.h>
#include <string.h>

#include "anemone/safetensors.h"
#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/forward/forward_model.h"
#include "src/forward/forward_tile.h"
#include "tests/unit/converted.h"
#include "tests/unit/reference_forward.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

/* Logits of several sequences, each wanted from its `first` on, one after the other. */
typedef struct collected {
    float *logits;
    size_t rows, vocab;
    size_t sequence, position; /* of the last row */
} collected;

static anm_status collect(void *context, size_t sequence, size_t position, const float *logits,
                          size_t vocab, anm_error *err) {
    collected *c = context;
    bool next = sequence > c->sequence || (sequence == c->sequence && position == c->position + 1);
    assert_true(c->rows == 0 || next);
    c->logits = realloc(c->logits, (c->rows + 1) * vocab * sizeof *logits);
    memcpy(c->logits + c->rows++ * vocab, logits, vocab * sizeof *logits);
    c->vocab = vocab;
    c->sequence = sequence;
    c->position = position;
    return ANM_OK;
}

static collected run(const char *dir, const anm_forward_sequence *sequences, size_t count,
                     int threads) {
    anm_forward *f;
    anm_error err;
    collected c = {0};
    anm_forward_hooks hooks = {.context = &c, .logits = collect};
    assert_ok(anm_forward_open(dir, &f, &err), &err);
    assert_ok(anm_forward_run(f, sequences, count, &hooks, threads, &err), &err);
    anm_forward_close(f);
    return c;
}

/* 1e-4 of the logits' standard deviation is some hundred times fp32's own rounding. */
static void judge(const char *what, const collected *c, const double *truth, size_t count) {
    double *got = malloc(count * c->vocab * sizeof *got);
    assert_int_equal(c->rows, count);
    for (size_t i = 0; i < count * c->vocab; i++) got[i] = c->logits[i];
    logit_error e = compare_logits(got, truth, (int64_t)count, (int64_t)c->vocab, 1e-4);
    print_message("%s: worst %.2e, rms %.2e of the logits' deviation\n", what, e.worst, e.rms);
    assert_true(e.worst <= 1e-4 && e.argmax_wrong == 0);
    free(got);
}

static size_t read_ids(const char *path, int32_t *tokens, size_t most) {
    json_t *root, *item;
    anm_error err;
    size_t i;
    assert_ok(anm_json_load(path, &root, &err), &err);
    json_t *list = json_object_get(root, "tokens");
    assert_in_range(json_array_size(list), 1, most);
    json_array_foreach(list, i, item) tokens[i] = (int32_t)json_integer_value(item);
    size_t count = json_array_size(list);
    json_decref(root);
    return count;
}

static void check_fixture(const char *name) {
    char path[300], dir[1024];
    int32_t tokens[64];
    anm_safetensors *file;
    anm_error err;
    snprintf(path, sizeof path, "anemll/%s/hf/config.json", name);
    snprintf(dir, sizeof dir, "%s", fixture_path(path));
    *strrchr(dir, '/') = '\0';
    snprintf(path, sizeof path, "anemll/%s/tokens.json", name);
    size_t count = read_ids(fixture_path(path), tokens, 64);
    snprintf(path, sizeof path, "anemll/%s/ref/hf_float64.safetensors", name);
    assert_ok(anm_safetensors_open(fixture_path(path), &file, &err), &err);
    const anm_tensor *t = anm_safetensors_find(file, "logits");
    assert_int_equal(t->shape[0], count);
    collected c = run(dir, &(anm_forward_sequence){tokens, count, 0}, 1, 0);
    assert_int_equal(t->shape[1], c.vocab);
    double *truth = malloc(count * c.vocab * sizeof *truth);
    for (size_t i = 0; i < count * c.vocab; i++)
        truth[i] = anm_element_get(t->dtype, t->data, (int64_t)i);
    judge(name, &c, truth, count);
    free(truth);
    free(c.logits);
    anm_safetensors_close(file);
}

static void fixtures(void **state) {
    static const char *const names[] = {"qwen3-a", "qwen25-a", "llama-tied"};
    for (int i = 0; i < 3; i++) check_fixture(names[i]);
}

#define LLAMA3                                                                                     \
    "\"rope_theta\": 10000, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, "         \
    "\"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 64}"
#define YARN                                                                                       \
    "\"rope_theta\": 10000, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, "                \
    "\"original_max_position_embeddings\": 512}"

/* Every branch; sizes that no vector width divides. */
static const tiny_model tiny_models[] = {
    {"qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 65, 75, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16, .config = "\"rope_theta\": 1e6"},
    {"llama", "LlamaForCausalLM", 48, 2, 6, 2, 8, 70, 67, .dtype = ANM_DTYPE_FP32,
     .config = LLAMA3},
    {"llama", "LlamaForCausalLM", 32, 1, 4, 4, 8, 41, 64, .tied = true, .qkv_bias = true,
     .out_bias = true, .mlp_bias = true, .dtype = ANM_DTYPE_FP16},
    {"llama", "LlamaForCausalLM", 32, 2, 4, 2, 8, 40, 64, .dtype = ANM_DTYPE_BF16,
     .config = "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4}"},
    {"qwen2", "Qwen2ForCausalLM", 320, 2, 4, 2, 16, 300, 64, .tied = true, .qkv_bias = true,
     .dtype = ANM_DTYPE_BF16, .config = YARN},
};

enum { COUNT = 61 };

static void make_tokens(int32_t *tokens, int64_t vocab) {
    for (int i = 0; i < COUNT; i++) tokens[i] = (int32_t)((i * i * 7 + 3 * i + 1) % vocab);
}

static void tiny(void **state) {
    static const char dir[] = "test_forward.tiny";
    int32_t tokens[COUNT];
    for (size_t i = 0; i < sizeof tiny_models / sizeof tiny_models[0]; i++) {
        const tiny_model *m = &tiny_models[i];
        double *truth = calloc((size_t)(COUNT * m->vocab), sizeof *truth);
        make_tokens(tokens, m->vocab);
        tiny_model_write(m, dir);
        reference_forward(dir, tokens, COUNT, truth);
        collected c = run(dir, &(anm_forward_sequence){tokens, COUNT, 0}, 1, 2);
        judge(m->model_type, &c, truth, COUNT);
        free(truth);
        free(c.logits);
    }
}

/* Sequences do not see each other, whatever goes together, and no thread count changes a bit. */
static void sequences_and_threads(void **state) {
    static const char dir[] = "test_forward.tiny";
    enum { MANY = 40 }; /* more tokens than a group holds */
    int32_t tokens[COUNT];
    anm_forward_sequence many[MANY];
    make_tokens(tokens, tiny_models[0].vocab);
    tiny_model_write(&tiny_models[0], dir);
    for (size_t i = 0; i < MANY; i++) many[i] = (anm_forward_sequence){tokens, COUNT - i, i};
    many[3].first = many[3].count; /* nothing wanted */
    many[5].count = 0;
    collected all = run(dir, many, MANY, 3);
    size_t row = 0;
    for (size_t i = 0; i < MANY; i++) {
        collected one = run(dir, &many[i], 1, 1);
        assert_memory_equal(one.logits ? one.logits : (float *)"", all.logits + row * all.vocab,
                            one.rows * one.vocab * sizeof *one.logits);
        row += one.rows;
        free(one.logits);
    }
    assert_int_equal(row, all.rows);
    free(all.logits);
}

enum { TILE_TOKENS = 21, TILE_DEPTH = 77, TILE_STRIDE = 80, PANEL = ANM_FORWARD_PANEL };

static void sum_in_order(const float *x, const float *panel, bool fused, float *out) {
    for (int t = 0; t < TILE_TOKENS; t++)
        for (int o = 0; o < PANEL; o++) {
            float sum = 0;
            for (int i = 0; i < TILE_DEPTH; i++) {
                float a = x[t * TILE_STRIDE + i], b = panel[i * PANEL + o];
                sum = fused ? fmaf(a, b, sum) : sum + a * b;
            }
            out[t * PANEL + o] = sum;
        }
}

/* One sum after the other in every vector width, as the header says: equal to the last bit. */
static void tile_variants(void **state) {
    enum { VALUES = TILE_TOKENS * PANEL };
    float x[TILE_TOKENS * TILE_STRIDE], panel[TILE_DEPTH * PANEL], fused[VALUES], plain[VALUES];
    for (int i = 0; i < TILE_TOKENS * TILE_STRIDE; i++) x[i] = sinf((float)(i * i));
    for (int i = 0; i < TILE_DEPTH * PANEL; i++) panel[i] = cosf((float)(i * i));
    sum_in_order(x, panel, true, fused);
    sum_in_order(x, panel, false, plain);
    for (int variant = 0; anm_forward_tile_variant(variant); variant++) {
        float got[VALUES];
        memset(got, 0xff, sizeof got);
        anm_forward_tile_variant(variant)(x, TILE_STRIDE, TILE_TOKENS, panel, TILE_DEPTH, got);
        bool is_plain = memcmp(got, plain, sizeof got) == 0;
        assert_true(is_plain || memcmp(got, fused, sizeof got) == 0);
        assert_true(variant == 0 || !is_plain); /* the wide ones are all fused */
    }
}

typedef struct seen {
    size_t linears, values, rows;
    double largest;
    const char *wanted;
    const float *q_input;
    float *replacement;
} seen;

static anm_status see_linear(void *context, const char *weight, const float *x, int64_t rows,
                             int64_t columns, anm_error *err) {
    seen *s = context;
    s->linears++;
    if (strcmp(weight, "model.layers.1.self_attn.q_proj.weight") == 0) s->q_input = x;
    if (strcmp(weight, "model.layers.1.self_attn.v_proj.weight") == 0)
        assert_ptr_equal(x, s->q_input);
    if (strcmp(weight, "model.layers.1.mlp.down_proj.weight") == 0)
        assert_int_equal(columns, tiny_models[0].inner);
    return ANM_OK;
}

static anm_status see_value(void *context, const char *name, const float *x, int64_t rows,
                            int64_t columns, anm_error *err) {
    seen *s = context;
    s->values++;
    if (strcmp(name, s->wanted) != 0) return ANM_OK;
    s->rows += (size_t)rows;
    for (int64_t i = 0; i < rows * columns; i++)
        if (fabs(x[i]) > s->largest) s->largest = fabs(x[i]);
    return ANM_OK;
}

static const float *replace(void *context, const char *weight) {
    seen *s = context;
    bool is_it = strcmp(weight, "model.layers.1.mlp.down_proj.weight") == 0;
    return is_it ? s->replacement : NULL;
}

static anm_status stop(void *context, const char *name, const float *x, int64_t rows,
                       int64_t columns, anm_error *err) {
    return anm_fail(err, ANM_ERROR_CANCELLED, name, "enough");
}

static void hooks(void **state) {
    static const char dir[] = "test_forward.tiny";
    const tiny_model *m = &tiny_models[0];
    int32_t tokens[COUNT];
    anm_forward *f;
    anm_error err;
    make_tokens(tokens, m->vocab);
    tiny_model_write(m, dir);
    assert_ok(anm_forward_open(dir, &f, &err), &err);
    anm_forward_sequence all = {tokens, COUNT, 0};
    seen s = {.wanted = "model.layers.1.mlp_out"};
    s.replacement = calloc((size_t)(m->hidden * m->inner), sizeof *s.replacement);
    anm_forward_hooks h = {.context = &s, .linear = see_linear, .value = see_value};
    assert_ok(anm_forward_run(f, &all, 1, &h, 2, &err), &err);
    assert_int_equal(s.linears, 7 * 2 + 1);
    assert_int_equal(s.values, 1 + 2 * 16 + 1);
    assert_int_equal(s.rows, COUNT);
    assert_true(s.largest > 0);
    /* Zeros in the place of the last down projection: it adds nothing. */
    s.largest = 0;
    h.weight = replace;
    assert_ok(anm_forward_run(f, &all, 1, &h, 2, &err), &err);
    assert_true(s.largest == 0);
    h.linear = stop;
    assert_int_equal(anm_forward_run(f, &all, 1, &h, 2, &err), ANM_ERROR_CANCELLED);
    assert_string_equal(err.where, "model.layers.0.self_attn.q_proj.weight");
    tokens[COUNT - 1] = (int32_t)m->vocab;
    assert_int_equal(anm_forward_run(f, &all, 1, &h, 2, &err), ANM_ERROR_ARGUMENT);
    free(s.replacement);
    anm_forward_close(f);
}

static void refuse(const tiny_model *m, anm_status status, const char *where) {
    anm_forward *f;
    anm_error err;
    tiny_model_write(m, "test_forward.bad");
    assert_int_equal(anm_forward_open("test_forward.bad", &f, &err), status);
    assert_null(f);
    assert_non_null(strstr(err.where, where));
}

static void refused(void **state) {
    tiny_model m = tiny_models[0];
    m.model_type = "gpt2";
    refuse(&m, ANM_ERROR_UNSUPPORTED, "test_forward.bad");
    m = tiny_models[0];
    m.missing = "model.norm.weight";
    refuse(&m, ANM_ERROR_NOT_FOUND, "test_forward.bad");
    m = tiny_models[0];
    m.reshaped = "model.layers.1.self_attn.k_norm.weight";
    refuse(&m, ANM_ERROR_MISMATCH, "model.layers.1.self_attn.k_norm.weight");
    m = tiny_models[0];
    m.retyped = "model.norm.weight";
    refuse(&m, ANM_ERROR_UNSUPPORTED, "model.norm.weight");
    m = tiny_models[0];
    m.config = "\"use_sliding_window\": true, \"sliding_window\": 32";
    refuse(&m, ANM_ERROR_UNSUPPORTED, "test_forward.bad");
}

/* Windows, four norms a layer, caps: against tools/reference/gemma3.py. */
static void gemma3(void **state) {
    static const char *const names[] = {"text", "part", "large"};
    for (int i = 0; i < 3; i++) {
        char dir[600], path[700];
        anm_error err;
        anm_safetensors *file;
        snprintf(dir, sizeof dir, ANM_TEST_DATA "/gemma3/%s", names[i]);
        snprintf(path, sizeof path, "%s/reference.safetensors", dir);
        assert_ok(anm_safetensors_open(path, &file, &err), &err);
        const anm_tensor *tokens = anm_safetensors_find(file, "tokens");
        const anm_tensor *logits = anm_safetensors_find(file, "logits");
        size_t count = (size_t)tokens->shape[0], values = count * (size_t)logits->shape[1];
        double *truth = malloc(values * sizeof *truth);
        for (size_t j = 0; j < values; j++)
            truth[j] = anm_element_get(logits->dtype, logits->data, (int64_t)j);
        anm_forward_sequence sequence = {tokens->data, count, 0};
        collected c = run(dir, &sequence, 1, 2);
        judge(names[i], &c, truth, count);
        free(c.logits);
        free(truth);
        anm_safetensors_close(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemma3),
        cmocka_unit_test(fixtures),
        cmocka_unit_test(tiny),
        cmocka_unit_test(sequences_and_threads),
        cmocka_unit_test(tile_variants),
        cmocka_unit_test(hooks),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * FP8 checkpoints of every kind of scale against the same checkpoints dequantised to fp32: the
 * packages are equal byte for byte. And what is wrong with scales, by its offset.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/safetensors.h"
#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/hf/checkpoint.h"
#include "tests/unit/same_packages.h"
#include "tests/unit/tiny_model.h"

#define HERE "test_convert_fp8."
enum { MOST = 128 };
static anm_error err;

typedef enum layout { BLOCKS, PER_TENSOR, PER_ROW, PER_ROW_FLAT } layout;

typedef struct variant {
    const char *quant;     /* quantization_config */
    layout layout;
    int64_t block[2];      /* of BLOCKS */
    anm_dtype dtype, scale_dtype;
    const char *ending;    /* of the scales' names */
    bool extra;            /* scales of activations and caches too */
    int spoil;             /* 1: a scale that is not finite; 2: a row of scales too many; 3: none */
} variant;

typedef struct maker {
    const variant *v;
    anm_arena *arena;
    anm_tensor coded[MOST], plain[MOST];
    size_t coded_count, plain_count;
    uint64_t seed;
} maker;

static uint64_t draw(maker *k) {
    k->seed = k->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return k->seed >> 33;
}

static void *make(maker *k, anm_tensor *t, const char *name, anm_dtype dtype, int rank,
                  int64_t rows, int64_t columns) {
    *t = (anm_tensor){name, dtype, rank, {rank > 0 ? rows : 0, rank > 1 ? columns : 0}, NULL, 0};
    assert_true(anm_dtype_bytes(dtype, anm_shape_elements(t->shape, rank), &t->bytes));
    return t->data = anm_arena_alloc(k->arena, t->bytes);
}

static void shape_of_scales(const variant *v, const anm_tensor *t, int *rank, int64_t shape[2]) {
    int64_t rows = t->shape[0];
    shape[0] = shape[1] = 1;
    *rank = v->layout == PER_TENSOR ? 0 : v->layout == PER_ROW_FLAT ? 1 : 2;
    if (v->layout == PER_ROW || v->layout == PER_ROW_FLAT) shape[0] = rows;
    if (v->layout == BLOCKS) {
        shape[0] = (rows + v->block[0] - 1) / v->block[0];
        shape[1] = (t->shape[1] + v->block[1] - 1) / v->block[1];
    }
}

static double scale_at(const variant *v, const anm_tensor *s, int64_t row, int64_t column) {
    int64_t index = 0;
    if (v->layout == PER_ROW || v->layout == PER_ROW_FLAT) index = row;
    if (v->layout == BLOCKS) index = row / v->block[0] * s->shape[1] + column / v->block[1];
    return anm_element_get(s->dtype, s->data, index);
}

static anm_tensor *add_scales(maker *k, const anm_tensor *t) {
    const variant *v = k->v;
    int rank;
    int64_t shape[2];
    anm_tensor *s = &k->coded[k->coded_count++];
    shape_of_scales(v, t, &rank, shape);
    make(k, s, anm_arena_printf(k->arena, "%s%s", t->name, v->ending), v->scale_dtype, rank,
         shape[0] + (v->spoil == 2), shape[1]);
    int64_t count = anm_shape_elements(s->shape, rank);
    for (int64_t i = 0; i < count; i++)
        anm_element_set(s->dtype, s->data, i, (1 + (double)(draw(k) % 997) / 997) * 1e-3);
    if (v->spoil == 1) anm_element_set(s->dtype, s->data, count - 1, (double)NAN);
    return s;
}

/* Random codes with scales, and what they stand for. */
static void add_coded(maker *k, const anm_tensor *t) {
    int64_t rows = t->shape[0], columns = t->shape[1];
    anm_tensor *c = &k->coded[k->coded_count++], *p = &k->plain[k->plain_count++], none = {0};
    uint8_t *codes = make(k, c, t->name, k->v->dtype, 2, rows, columns);
    float *values = make(k, p, t->name, ANM_DTYPE_FP32, 2, rows, columns);
    anm_tensor *s = k->v->spoil == 3 ? &none : add_scales(k, c);
    for (int64_t i = 0; i < rows * columns; i++) {
        codes[i] = (uint8_t)(draw(k) & 0xbf); /* neither large nor NaN */
        if (!s->data) continue;
        float scale = (float)scale_at(k->v, s, i / columns, i % columns);
        values[i] = (float)anm_element_get(k->v->dtype, codes, i) * scale;
    }
}

static void add_extra(maker *k, const char *name) {
    float *value = make(k, &k->coded[k->coded_count++], name, ANM_DTYPE_FP32, 1, 1, 0);
    *value = 1;
}

static void write_dir(maker *k, const char *dir, const anm_tensor *tensors, size_t count,
                      const char *quant) {
    char *config;
    size_t size;
    fresh_directory(dir);
    assert_ok(anm_file_read(k->arena, HERE "tiny/config.json", 1 << 20, &config, &size, &err),
              &err);
    if (quant)
        config = anm_arena_printf(k->arena, "{\"quantization_config\": %s, %s", quant, config + 1);
    const char *path = anm_path_join(k->arena, dir, "config.json");
    assert_ok(anm_file_write(path, config, strlen(config), &err), &err);
    path = anm_path_join(k->arena, dir, "model.safetensors");
    assert_ok(anm_safetensors_write(path, tensors, count, NULL, &err), &err);
}

/* Rows and columns that 24 and 40 do not divide. */
static const tiny_model tiny = {
    .model_type = "qwen3", .architecture = "Qwen3ForCausalLM", .hidden = 64, .layers = 2,
    .heads = 4, .kv_heads = 2, .head_dim = 16, .inner = 100, .vocab = 64, .qk_norm = true,
    .dtype = ANM_DTYPE_BF16,
};

static void write_both(const variant *v) {
    maker *k = calloc(1, sizeof *k);
    anm_checkpoint *c;
    *k = (maker){.v = v, .arena = anm_arena_create(), .seed = 5};
    tiny_model_write(&tiny, HERE "tiny");
    assert_ok(anm_checkpoint_open(HERE "tiny", &c, &err), &err);
    for (size_t i = 0; i < anm_checkpoint_count(c); i++) {
        const anm_tensor *t = anm_checkpoint_get(c, i)->tensor;
        if (t->rank == 2 && strstr(t->name, "layers.")) {
            add_coded(k, t);
            continue;
        }
        k->coded[k->coded_count++] = *t;
        k->plain[k->plain_count++] = *t;
    }
    if (v->extra) {
        add_extra(k, "model.layers.0.self_attn.q_proj.input_scale");
        add_extra(k, "model.layers.0.self_attn.k_scale");
    }
    write_dir(k, HERE "fp8", k->coded, k->coded_count, v->quant);
    write_dir(k, HERE "plain", k->plain, k->plain_count, NULL);
    anm_checkpoint_close(c);
    anm_arena_destroy(k->arena);
    free(k);
}

static anm_status convert(const char *model, const char *out, int lut) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.name = "model";
    options.lut_ffn.bits = lut;
    fresh_directory(out);
    return anm_convert(model, out, &options, NULL, &err);
}

static void check(const variant *v, int lut) {
    write_both(v);
    assert_ok(convert(HERE "fp8", HERE "a", lut), &err);
    assert_ok(convert(HERE "plain", HERE "b", lut), &err);
    assert_int_equal(same_packages(HERE "a", HERE "b"), 3);
}

#define DEEPSEEK                                                                                   \
    "{\"quant_method\": \"fp8\", \"fmt\": \"e4m3\", \"activation_scheme\": \"dynamic\", "          \
    "\"weight_block_size\": [24, 40], \"modules_to_not_convert\": [\"lm_head\"]}"
#define COMPRESSED(strategy)                                                                       \
    "{\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\", "                 \
    "\"config_groups\": {\"group_0\": {\"weights\": {\"num_bits\": 8, \"type\": \"float\", "       \
    "\"strategy\": \"" strategy "\"}}}}"

static const variant blocks = {DEEPSEEK, BLOCKS, {24, 40}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP32,
                               "_scale_inv", false, 0};

static void kinds_of_scales(void **state) {
    static const variant others[] = {
        {DEEPSEEK, BLOCKS, {24, 40}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_BF16, "_scale_inv", false, 0},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": null}", PER_TENSOR, {0},
         ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP32, "_scale_inv", true, 0},
        {"{\"quant_method\": \"fbgemm_fp8\"}", PER_ROW, {0}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP32,
         "_scale", false, 0},
        {COMPRESSED("tensor"), PER_TENSOR, {0}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_BF16, "_scale", true,
         0},
        {COMPRESSED("channel"), PER_ROW, {0}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP32, "_scale", false,
         0},
        {COMPRESSED("channel"), PER_ROW_FLAT, {0}, ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP16, "_scale",
         false, 0},
        {"{\"quant_method\": \"fp8\", \"fmt\": \"e5m2\"}", PER_ROW, {0}, ANM_DTYPE_FP8E5M2,
         ANM_DTYPE_FP32, "_scale", false, 0},
    };
    check(&blocks, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) check(&others[i], 0);
}

static void palettized(void **state) {
    check(&blocks, 4);
}

/* ---- what is refused ---- */

static void refuse(variant v, int spoil, anm_status status, const char *message) {
    v.spoil = spoil;
    write_both(&v);
    anm_status got = convert(HERE "fp8", HERE "a", 0);
    if (got != status || !strstr(err.message, message))
        fail_msg("%s: %s: %s", anm_status_name(got), err.where, err.message);
}

static void bad_scales(void **state) {
    refuse(blocks, 1, ANM_ERROR_FORMAT, "not finite");
    assert_true(err.offset != ANM_NO_OFFSET && err.offset % 4 == 0);
    refuse(blocks, 2, ANM_ERROR_FORMAT, "does not fit");
    refuse(blocks, 3, ANM_ERROR_MISMATCH, "fp8e4m3fn without scales");
    variant unnamed = blocks;
    unnamed.quant = "{\"quant_method\": \"fp8\"}";
    refuse(unnamed, 0, ANM_ERROR_FORMAT, "block size in config.json");
    unnamed.quant = "{\"quant_method\": \"fp8\", \"weight_block_size\": [24]}";
    refuse(unnamed, 0, ANM_ERROR_FORMAT, "two sizes");
}

static void other_schemes(void **state) {
    static const char *const schemes[][2] = {
        {"{\"quant_method\": \"awq\", \"bits\": 4}", "\"awq\""},
        {"{\"quant_method\": \"gptq\", \"bits\": 4}", "\"gptq\""},
        {"{\"quant_method\": \"bitsandbytes\"}", "\"bitsandbytes\""},
        {"{\"quant_method\": \"mxfp4\"}", "\"mxfp4\""},
        {"{\"quant_method\": \"fp8\", \"fmt\": \"e3m4\"}", "format e3m4"},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"pack-quantized\", "
         "\"config_groups\": {}}", "format pack-quantized"},
        {"{\"quant_method\": \"compressed-tensors\", \"format\": \"naive-quantized\", "
         "\"config_groups\": {\"a\": {\"weights\": {\"num_bits\": 8, \"type\": \"int\"}}}}",
         "compressed-tensors"},
    };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        variant v = blocks;
        v.quant = schemes[i][0];
        refuse(v, 0, ANM_ERROR_UNSUPPORTED, schemes[i][1]);
        assert_non_null(strstr(err.message, "FP8 is dequantised"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_scales),
        cmocka_unit_test(palettized),
        cmocka_unit_test(bad_scales),
        cmocka_unit_test(other_schemes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

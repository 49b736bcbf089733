/* SPDX-License-Identifier: MIT */
/* Conversion with palettized weights: what is written, and the logits that come out. */
#include "tests/unit/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anemone/convert.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/convert/palettize.h"
#include "src/hf/checkpoint.h"
#include "src/interp/constexpr.h"
#include "src/package/package.h"
#include "tests/unit/converted.h"
#include "tests/unit/tiny_model.h"

static anm_convert_options options_for(anm_convert_lut lut) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 32;
    options.batch_size = 8;
    options.lut_embeddings = options.lut_ffn = options.lut_head = lut;
    return options;
}

static void convert_as(const char *model, const char *out, const anm_convert_options *options,
                       anm_convert_report **report) {
    anm_error err;
    assert_ok(anm_path_remove(out, &err), &err);
    assert_ok(anm_convert(model, out, options, report, &err), &err);
}

static void convert_with(const char *model, const char *out, anm_convert_lut lut,
                         anm_convert_report **report) {
    anm_convert_options options = options_for(lut);
    convert_as(model, out, &options, report);
}

/* Row i: what follows token i of `count` tokens. To be freed. */
static double *logits_of(const char *dir, const char *prefix, int64_t count, int64_t *vocab) {
    converted m;
    converted_open(&m, dir, prefix, ANM_PRECISION_FP16);
    *vocab = m.vocab;
    double *out = calloc((size_t)(count * m.vocab), sizeof *out);
    assert_non_null(out);
    for (int64_t t = 0; t < count; t++)
        converted_decode(&m, (int32_t)((m.vocab - 1 - 37 * t * t) % m.vocab), t,
                         out + t * m.vocab);
    converted_close(&m);
    return out;
}

#define LLAMA "llama", "LlamaForCausalLM"

static const tiny_model lossless_models[] = {
    /* Splits of 63 and 62 rows. */
    {"qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 64, 1003, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16, .config = "\"rope_theta\": 1e6"},
    /* Embeddings that take several slabs; the last is odd. */
    {LLAMA, 64, 1, 4, 2, 16, 96, 40003, .dtype = ANM_DTYPE_FP32},
    {LLAMA, 48, 1, 4, 4, 12, 64, 520, .qkv_bias = true, .out_bias = true, .mlp_bias = true,
     .dtype = ANM_DTYPE_FP16},
};

/* Logits with these options are those with fp16 weights, bit for bit. */
static void check_lossless(const tiny_model *model, const anm_convert_options *options) {
    const char *prefix = strcmp(model->model_type, "qwen3") == 0 ? "qwen" : "llama";
    int64_t vocab;
    tiny_model_write(model, "test_convert_lut.hf");
    convert_with("test_convert_lut.hf", "test_convert_lut.fp16", (anm_convert_lut){0}, NULL);
    convert_as("test_convert_lut.hf", "test_convert_lut.lut", options, NULL);
    double *want = logits_of("test_convert_lut.fp16", prefix, 5, &vocab);
    double *got = logits_of("test_convert_lut.lut", prefix, 5, &vocab);
    assert_int_equal(vocab, model->vocab);
    assert_memory_equal(got, want, (size_t)(5 * vocab) * sizeof *got);
    free(want);
    free(got);
}

/* 256 entries for a row of fewer weights: every bit of the logits is that of fp16 weights. */
static void a_table_for_each_row_loses_nothing(void **state) {
    for (size_t i = 0; i < sizeof lossless_models / sizeof lossless_models[0]; i++) {
        anm_convert_options options = options_for((anm_convert_lut){8, 1});
        check_lossless(&lossless_models[i], &options);
    }
}

/* 5 does not divide 48, nor do 4, 3, 2 suffice for 127: rows of padding, before biases too. */
static const tiny_model padded_model = {
    LLAMA, 48, 1, 4, 4, 12, 48, 1003, .qkv_bias = true, .out_bias = true, .mlp_bias = true,
    .dtype = ANM_DTYPE_FP16};

static void rows_of_padding_are_cut_off(void **state) {
    anm_convert_options options = options_for((anm_convert_lut){8, 5});
    check_lossless(&padded_model, &options);
}

static void columns_can_share_tables(void **state) {
    anm_convert_options options = options_for((anm_convert_lut){0});
    options.lut_ffn = (anm_convert_lut){8, 4};
    options.lut_axis = 1;
    check_lossless(&padded_model, &options);
}

static const anm_mil_op *find_lut(const anm_mil_function *f, const char *name) {
    for (const anm_mil_op *op = f->body->first; op; op = op->next)
        if (strcmp(op->type, "constexpr_lut_to_dense") == 0 &&
            strcmp(op->outputs[0]->name, name) == 0)
            return op;
    return NULL;
}

static uint64_t blob_of(const anm_mil_op *op, const char *argument) {
    const anm_mil_literal *literal = anm_mil_op_operand(op, argument).literal;
    assert_non_null(literal); /* inline, not a const op */
    assert_true(literal->blob_offset > 0);
    return literal->blob_offset;
}

static size_t check_shared(const anm_package *p) {
    size_t count = 0;
    const anm_mil_function *infer = anm_mil_program_find(p->program, "infer");
    const anm_mil_function *prefill = anm_mil_program_find(p->program, "prefill");
    for (const anm_mil_op *op = infer->body->first; op; op = op->next) {
        if (strcmp(op->type, "constexpr_lut_to_dense") != 0) continue;
        const anm_mil_op *other = find_lut(prefill, op->outputs[0]->name);
        assert_non_null(other);
        assert_int_equal(blob_of(op, "indices"), blob_of(other, "indices"));
        assert_int_equal(blob_of(op, "lut"), blob_of(other, "lut"));
        count++;
    }
    return count;
}

/* What the package decodes to is what palettization of the checkpoint's weight says. */
static void check_weight(const anm_package *p, const char *dir, const char *tensor,
                         const char *value, int bits, int64_t group, int axis) {
    anm_error err;
    anm_tensor got;
    anm_checkpoint *checkpoint;
    const anm_weight *weight;
    anm_arena *arena = anm_arena_create();
    const anm_mil_op *op = find_lut(p->program->functions[0], value);
    assert_non_null(op);
    assert_ok(anm_constexpr_eval(op, NULL, arena, &got, &err), &err);
    assert_ok(anm_checkpoint_open(dir, &checkpoint, &err), &err);
    assert_ok(anm_checkpoint_require(checkpoint, tensor, &weight, &err), &err);
    const anm_tensor *t = weight->tensor;
    int64_t n = t->shape[0] * t->shape[1];
    uint16_t *halves = anm_arena_alloc(arena, (size_t)n * 2);
    uint16_t *lut = anm_arena_alloc(arena, ((size_t)t->shape[axis] << bits) * 2);
    uint8_t *indices = anm_arena_alloc(arena, (size_t)n);
    anm_elements_convert(ANM_DTYPE_FP16, halves, t->dtype, t->data, n);
    anm_palette_matrix m = {halves, t->shape[0], t->shape[1], NULL, axis, group, bits, 1};
    assert_ok(anm_palettize_matrix(&m, lut, indices, NULL, &err), &err);
    assert_true(anm_shape_elements(got.shape, got.rank) >= n); /* maybe padded */
    for (int64_t i = 0; i < n; i++) {
        int64_t table = (axis == 0 ? i / t->shape[1] : i % t->shape[1]) / group;
        assert_int_equal(((const uint16_t *)got.data)[i], lut[(table << bits) + indices[i]]);
    }
    anm_checkpoint_close(checkpoint);
    anm_arena_destroy(arena);
}

static void weights_are_palettized_in_groups(void **state) {
    anm_error err;
    anm_package *p;
    static const int widths[] = {1, 2, 3, 4, 6, 8};
    static const int64_t groups[] = {0, 16, ANM_CONVERT_PER_TENSOR};
    static const tiny_model model = {"qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 80, 320,
                                     .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16};
    tiny_model_write(&model, "test_convert_lut.hf");
    for (int i = 0; i < 18; i++) {
        int bits = widths[i % 6];
        int64_t asked = groups[i / 6], group = asked ? asked : 8, vocab;
        char path[200];
        convert_with("test_convert_lut.hf", "test_convert_lut.lut",
                     (anm_convert_lut){bits, asked}, NULL);
        snprintf(path, sizeof path, "test_convert_lut.lut/qwen_FFN_PF_lut%d_chunk_01of01.mlpackage",
                 bits);
        assert_ok(anm_package_open(path, 0, &p, &err), &err);
        /* Of a layer q, o, gate, up and down; k and v have 1536 weights. */
        assert_int_equal(check_shared(p), 2 * 5);
        check_weight(p, "test_convert_lut.hf", "model.layers.1.mlp.down_proj.weight",
                     "model_model_layers_1_mlp_down_proj_weight_palettized", bits,
                     group > 0 ? group : 48, 0);
        anm_package_close(p);
        free(logits_of("test_convert_lut.lut", "qwen", 3, &vocab)); /* it runs */
    }
}

static anm_package *open_part(const char *name) {
    char path[300];
    anm_package *p;
    anm_error err;
    snprintf(path, sizeof path, "test_convert_lut.lut/%s.mlpackage", name);
    assert_ok(anm_package_open(path, 0, &p, &err), &err);
    return p;
}

/* More weights than a slab has: groups that take several, tables by columns, one for all. */
static void matrices_of_several_slabs(void **state) {
    static const struct {
        int64_t group, real;
        int axis;
    } cases[] = {{20000, 20000, 0}, {4, 4, 1}, {ANM_CONVERT_PER_TENSOR, 40003, 0}};
    tiny_model_write(&lossless_models[1], "test_convert_lut.hf");
    for (int i = 0; i < 3; i++) {
        anm_convert_options options = options_for((anm_convert_lut){0});
        options.lut_embeddings = (anm_convert_lut){3, cases[i].group};
        options.lut_axis = cases[i].axis;
        convert_as("test_convert_lut.hf", "test_convert_lut.lut", &options, NULL);
        anm_package *p = open_part("llama_embeddings_lut3");
        check_weight(p, "test_convert_lut.hf", "model.embed_tokens.weight",
                     "model_model_embed_tokens_weight_palettized", 3, cases[i].real, cases[i].axis);
        anm_package_close(p);
    }
}

static const anm_mil_op *find_output(const anm_package *p, const char *name) {
    for (const anm_mil_op *op = p->program->functions[0]->body->first; op; op = op->next)
        if (op->output_count && strcmp(op->outputs[0]->name, name) == 0) return op;
    return NULL;
}

/* With an entry for each weight of a row, only division and multiplication round. */
static void check_scaled(const anm_package *p, const char *tensor, const char *value) {
    anm_error err;
    anm_tensor got;
    anm_checkpoint *checkpoint;
    const anm_weight *weight;
    anm_arena *arena = anm_arena_create();
    const anm_mil_op *op = find_output(p, value);
    assert_non_null(op);
    assert_string_equal(op->type, "constexpr_blockwise_shift_scale");
    assert_ok(anm_constexpr_eval(op, NULL, arena, &got, &err), &err);
    assert_ok(anm_checkpoint_open("test_convert_lut.hf", &checkpoint, &err), &err);
    assert_ok(anm_checkpoint_require(checkpoint, tensor, &weight, &err), &err);
    const anm_tensor *t = weight->tensor;
    for (int64_t r = 0; r < t->shape[0]; r++) {
        double most = 0;
        for (int64_t c = 0; c < t->shape[1]; c++)
            most = fmax(most, fabs(anm_element_get(t->dtype, t->data, r * t->shape[1] + c)));
        for (int64_t c = 0; c < t->shape[1]; c++) {
            double w = anm_element_get(t->dtype, t->data, r * t->shape[1] + c);
            double g = anm_element_get(ANM_DTYPE_FP16, got.data, r * t->shape[1] + c);
            assert_true(fabs(g - w) <= fabs(w) * 0x1.8p-10 + most * 0x1p-24 + 0x1p-24);
        }
    }
    anm_checkpoint_close(checkpoint);
    anm_arena_destroy(arena);
}

static void rows_can_have_a_scale(void **state) {
    int64_t vocab;
    anm_convert_options options = options_for((anm_convert_lut){8, 1});
    options.lut_channel_scale = 1;
    tiny_model_write(&padded_model, "test_convert_lut.hf");
    convert_as("test_convert_lut.hf", "test_convert_lut.lut", &options, NULL);
    anm_package *p = open_part("llama_FFN_PF_lut8_chunk_01of01");
    check_scaled(p, "model.layers.0.mlp.down_proj.weight",
                 "model_model_layers_0_mlp_down_proj_weight_scaled");
    anm_package_close(p);
    options.lut_ffn = options.lut_head = (anm_convert_lut){6, 5}; /* with padding */
    convert_as("test_convert_lut.hf", "test_convert_lut.lut", &options, NULL);
    free(logits_of("test_convert_lut.lut", "llama", 3, &vocab)); /* it runs */
}

static bool has_file(const char *dir, const char *name) {
    char path[300];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &info) == 0;
}

static void rows_that_do_not_divide_are_told(void **state) {
    anm_convert_report *report;
    char *text;
    size_t size;
    anm_error err;
    tiny_model_write(&lossless_models[0], "test_convert_lut.hf");
    convert_with("test_convert_lut.hf", "test_convert_lut.lut", (anm_convert_lut){4, 0}, &report);
    size_t told = 0;
    for (size_t i = 0; i < anm_convert_report_warning_count(report); i++)
        told += strstr(anm_convert_report_warning(report, i), "do not divide into groups") != NULL;
    assert_int_equal(told, 2); /* embeddings and LM head, once each */
    anm_convert_report_free(report);
    assert_true(has_file("test_convert_lut.lut", "qwen_embeddings_lut4.mlpackage"));
    assert_true(has_file("test_convert_lut.lut", "qwen_lm_head_lut4.mlpackage"));
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_file_read(arena, "test_convert_lut.lut/meta.yaml", 1 << 20, &text, &size, &err),
              &err);
    assert_non_null(strstr(text, "\n    lut_embeddings: 4\n    lut_embeddings_per_channel: 8\n"
                                 "    lut_ffn: 4\n"));
    assert_non_null(strstr(text, "\n    ffn: qwen_FFN_PF_lut4_chunk_01of01.mlmodelc\n"));
    anm_arena_destroy(arena);
    anm_package *p;
    assert_ok(anm_package_open("test_convert_lut.lut/qwen_lm_head_lut4.mlpackage", 0, &p, &err),
              &err);
    assert_non_null(find_lut(p->program->functions[0], "lm_head_1_weight_palettized"));
    assert_non_null(find_lut(p->program->functions[0], "lm_head_16_weight_palettized"));
    anm_package_close(p);
}

static void bad_options_are_refused(void **state) {
    static const anm_convert_lut bad[] = {{5, 8}, {-1, 8}, {9, 8}, {4, -2}};
    anm_convert_options options;
    anm_error err;
    tiny_model_write(&lossless_models[0], "test_convert_lut.hf");
    for (size_t i = 0; i < 4; i++) {
        anm_convert_options_init(&options);
        options.lut_head = bad[i];
        assert_int_equal(anm_convert("test_convert_lut.hf", "test_convert_lut.bad", &options, NULL,
                                     &err), ANM_ERROR_ARGUMENT);
        assert_string_equal(err.where, "lut_head");
    }
}

static void infinite_weights_are_refused_or_saturated(void **state) {
    tiny_model model = lossless_models[2];
    anm_convert_options options;
    anm_convert_report *report;
    anm_error err;
    model.dtype = ANM_DTYPE_FP32;
    model.huge = "model.layers.0.mlp.up_proj.weight";
    tiny_model_write(&model, "test_convert_lut.hf");
    anm_convert_options_init(&options);
    options.lut_ffn.bits = 4;
    options.context_length = 32;
    assert_int_equal(anm_convert("test_convert_lut.hf", "test_convert_lut.bad", &options, NULL,
                                 &err), ANM_ERROR_LIMIT);
    assert_string_equal(err.where, model.huge);
    options.allow_overflow = 1;
    convert_as("test_convert_lut.hf", "test_convert_lut.lut", &options, &report);
    assert_int_equal(anm_convert_report_overflow_count(report), 1);
    assert_string_equal(anm_convert_report_overflow(report, 0)->tensor, model.huge);
    anm_convert_report_free(report);
    anm_package *p = open_part("llama_FFN_PF_lut4_chunk_01of01");
    const anm_mil_op *op = find_lut(p->program->functions[0],
                                    "model_model_layers_0_mlp_up_proj_weight_palettized");
    anm_arena *arena = anm_arena_create();
    anm_tensor got;
    assert_ok(anm_constexpr_eval(op, NULL, arena, &got, &err), &err);
    double most = 0;
    for (int64_t i = 0; i < anm_shape_elements(got.shape, got.rank); i++)
        most = fmax(most, fabs(anm_element_get(ANM_DTYPE_FP16, got.data, i)));
    assert_true(most == 65504);
    anm_arena_destroy(arena);
    anm_package_close(p);
}

/* Errors of the weights add up over layers in quadrature; the bars are 5 times the weights'. */
static void logits_stay_near(void **state) {
    static const struct {
        anm_convert_lut lut;
        double weights; /* relative error of normal weights in small groups */
    } cases[] = {{{8, 8}, 0.0055}, {{6, 8}, 0.024}, {{4, 8}, 0.097}, {{6, -1}, 0.026}};
    char model[1024];
    int64_t vocab;
    double before = 0;
    snprintf(model, sizeof model, "%s", fixture_path("anemll/qwen3-a/hf/config.json"));
    *strrchr(model, '/') = '\0';
    convert_with(model, "test_convert_lut.fp16", (anm_convert_lut){0}, NULL);
    double *truth = logits_of("test_convert_lut.fp16", "qwen", 12, &vocab);
    for (size_t i = 0; i < 4; i++) {
        convert_with(model, "test_convert_lut.lut", cases[i].lut, NULL);
        double *got = logits_of("test_convert_lut.lut", "qwen", 12, &vocab);
        logit_error e = compare_logits(got, truth, 12, vocab, 0);
        printf("%d bits: rms %.4f, worst %.4f of the logits' deviation\n", cases[i].lut.bits,
               e.rms, e.worst);
        assert_true(e.rms < 5 * cases[i].weights && e.rms > cases[i].weights / 2);
        if (i < 3) assert_true(e.rms > before);
        before = e.rms;
        free(got);
    }
    free(truth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_for_each_row_loses_nothing),
        cmocka_unit_test(weights_are_palettized_in_groups),
        cmocka_unit_test(rows_that_do_not_divide_are_told),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(rows_of_padding_are_cut_off),
        cmocka_unit_test(columns_can_share_tables),
        cmocka_unit_test(matrices_of_several_slabs),
        cmocka_unit_test(rows_can_have_a_scale),
        cmocka_unit_test(infinite_weights_are_refused_or_saturated),
        cmocka_unit_test(logits_stay_near),
    };
    /* The fast engine rounds activations for palettized weights: bits are compared here. */
    setenv("ANEMONE_ENGINE", "reference", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Verification: a sound conversion passes every check, and each way of spoiling it fails the check
 * that is there for it. ANEMLL's own packages, with the defects that ANEMLL has, are among the
 * fixtures.
 */
#include <string.h>

#include "anemone/anemone.h"
#include "src/base/file.h"
#include "src/package/blobfile.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define HF "test_verify.hf"
#define OUT "test_verify.out"
#define PART OUT "/qwen_FFN_PF_chunk_01of02.mlpackage"
#define WEIGHTS "/Data/com.apple.CoreML/weights/weight.bin"

static const tiny_model model = {"qwen3", "Qwen3ForCausalLM", 64, 4, 4, 2, 16, 96, 160,
                                 .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16,
                                 .config = "\"rope_theta\": 1e6"};

static void convert(const char *from, const char *to, int64_t chunks) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.batch_size = 16;
    options.chunks = chunks;
    assert_ok(anm_path_remove(to, &err), &err);
    assert_ok(anm_convert(from, to, &options, NULL, &err), &err);
}

/* Without the converter's record, so that the other checks have to judge. */
static void setup(void **state) {
    anm_error err;
    tiny_model_write(&model, HF);
    convert(HF, OUT, 2);
    assert_ok(anm_path_remove(OUT "/.anemone-convert", &err), &err);
}

static anm_verify_report *verify(const char *dir, const char *against) {
    anm_verify_report *report;
    anm_verify_options options;
    anm_error err;
    anm_verify_options_init(&options);
    options.against = against;
    options.max_tokens = 100;
    assert_ok(anm_verify(dir, &options, &report, &err), &err);
    return report;
}

/* Exactly one check fails: `name`, and its message has `part` in it. */
static void expect_failure(const char *dir, const char *against, const char *name,
                           const char *part) {
    anm_verify_report *report = verify(dir, against);
    const anm_verify_check *c, *failed = NULL;
    for (size_t i = 0; (c = anm_verify_report_check(report, i)); i++) {
        if (c->result != ANM_VERIFY_FAILED) continue;
        if (!failed) failed = c;
        else if (strcmp(c->name, name) != 0)
            fail_msg("%s failed as well: %s: %s", c->name, c->subject, c->message);
    }
    if (!failed) fail_msg("nothing failed, %s should have", name);
    if (strcmp(failed->name, name) != 0 || !strstr(failed->message, part))
        fail_msg("%s failed: %s: %s", failed->name, failed->subject, failed->message);
    anm_verify_report_free(report);
}

static void expect_success(const char *dir, const char *against) {
    anm_verify_report *report = verify(dir, against);
    const anm_verify_check *c;
    for (size_t i = 0; (c = anm_verify_report_check(report, i)); i++)
        if (c->result == ANM_VERIFY_FAILED) fail_msg("%s: %s: %s", c->name, c->subject, c->message);
    assert_int_equal(anm_verify_report_failed(report), 0);
    anm_verify_report_free(report);
}

/* Overwrites bytes of a file; negative offsets count from its end. */
static void patch(const char *path, long offset, const void *bytes, size_t count) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
}

/* Where the largest blob's data lies: a weight matrix. */
static long find_matrix(const char *path, size_t *bytes) {
    anm_blob_file file;
    anm_error err;
    long at = 0;
    uint32_t count;
    uint64_t offset = 64;
    assert_ok(anm_blob_file_open(path, &file, &err), &err);
    memcpy(&count, file.mapping.data, 4);
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        anm_blob blob;
        assert_ok(anm_blob_file_get(&file, offset, &blob, &err), &err);
        uint64_t data = (uint64_t)((const uint8_t *)blob.data - file.mapping.data);
        if (blob.bytes > *bytes) {
            *bytes = blob.bytes;
            at = (long)data;
        }
        offset = (data + blob.bytes + 63) / 64 * 64;
    }
    anm_blob_file_close(&file);
    return at;
}

static void whole_model(void **state) {
    setup(state);
    expect_success(OUT, HF);
    anm_verify_report *report = verify(OUT, HF);
    const anm_verify_comparison *c = anm_verify_report_comparison(report);
    assert_non_null(c);
    assert_int_equal(c->bits, 16);
    assert_int_equal(c->figures.other.tokens, 100);
    assert_true(c->figures.kl > 0 && c->figures.kl < c->max_kl);
    assert_true(c->figures.top1_agreement > 0.9);
    assert_string_equal(c->text, "token ids");
    anm_verify_report_free(report);
    report = verify(OUT, NULL);
    assert_null(anm_verify_report_comparison(report));
    anm_verify_report_free(report);
    convert(HF, OUT, 1);
    expect_success(OUT, HF);
}

static void palettized_models_have_wider_limits(void **state) {
    anm_convert_options options;
    anm_verify_report *report;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = 64;
    options.lut_ffn.bits = 6;
    options.overwrite = 1;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(HF, OUT, &options, NULL, &err), &err);
    report = verify(OUT, HF);
    const anm_verify_comparison *c = anm_verify_report_comparison(report);
    assert_int_equal(c->bits, 6);
    assert_true(c->figures.kl > 1e-4);
    assert_int_equal(anm_verify_report_failed(report), 0);
    anm_verify_report_free(report);
}

/* A head without logits, in one package with all the rest. */
static void winners_only(void **state) {
    anm_convert_options options;
    anm_error err;
    for (int monolithic = 0; monolithic < 2; monolithic++) {
        anm_convert_options_init(&options);
        options.context_length = 64;
        options.argmax = 1;
        options.monolithic = monolithic;
        assert_ok(anm_path_remove(OUT, &err), &err);
        assert_ok(anm_convert(HF, OUT, &options, NULL, &err), &err);
        expect_success(OUT, HF);
        tiny_model other = model;
        other.dtype = ANM_DTYPE_FP32;
        other.layers = 4;
        other.config = "\"rope_theta\": 1e6, \"rms_norm_eps\": 3.0";
        tiny_model_write(&other, HF ".other");
        expect_failure(OUT, HF ".other", "winners", "below 97 %");
    }
}

static void damaged_weights(void **state) {
    static const uint8_t nan[2] = {0x01, 0x7e};
    uint8_t wild[512];
    size_t bytes;
    setup(state);
    long at = find_matrix(PART WEIGHTS, &bytes);
    assert_true(bytes >= sizeof wild);
    patch(PART WEIGHTS, at + 100, nan, 2);
    expect_failure(OUT, NULL, "weights", "1 values in 1 blobs are infinite or not a number");
    /* Numbers, but other ones: only the checkpoint can tell. */
    setup(state);
    for (size_t i = 0; i < sizeof wild; i += 2) {
        wild[i] = 0;
        wild[i + 1] = 0x44; /* 4.0 */
    }
    patch(PART WEIGHTS, at, wild, sizeof wild);
    expect_success(OUT, NULL);
    expect_failure(OUT, HF, "logits", "above 0.002 for fp16");
    /* The file's own order. */
    setup(state);
    patch(PART WEIGHTS, 64, "\0\0\0\0", 4);
    anm_verify_report *report = verify(OUT, HF);
    assert_int_equal(anm_verify_report_check(report, 0)->result, ANM_VERIFY_FAILED);
    assert_string_equal(anm_verify_report_check(report, 0)->name, "opens");
    anm_verify_report_free(report);
}

static void copy_package(const char *from, const char *to) {
    static const char *const files[] = {"/Manifest.json", "/Data/com.apple.CoreML/model.mlmodel",
                                        WEIGHTS};
    char a[300], b[300];
    anm_error err;
    for (int i = 0; i < 3; i++) {
        snprintf(a, sizeof a, "%s%s", from, files[i]);
        snprintf(b, sizeof b, "%s%s", to, files[i]);
        assert_ok(anm_file_copy(a, b, &err), &err);
    }
}

static void wrong_chunk(void **state) {
    setup(state);
    copy_package(OUT "/qwen_FFN_PF_chunk_02of02.mlpackage", PART);
    expect_failure(OUT, NULL, "state", "row 0 of");
    /* Of another model with the same sizes. */
    tiny_model other = model;
    other.config = "\"rope_theta\": 1e6, \"rms_norm_eps\": 0.5";
    tiny_model_write(&other, HF ".other");
    convert(HF ".other", OUT ".other", 2);
    setup(state);
    copy_package(OUT ".other/qwen_FFN_PF_chunk_01of02.mlpackage", PART);
    expect_success(OUT, NULL);
    expect_failure(OUT, HF, "logits", "above 0.002 for fp16");
}

static void missing_part(void **state) {
    anm_error err;
    setup(state);
    assert_ok(anm_path_remove(OUT "/qwen_FFN_PF_chunk_02of02.mlpackage", &err), &err);
    expect_failure(OUT, HF, "fit", "chunk 2 of 2");
    anm_verify_report *report = verify(OUT, HF);
    assert_null(anm_verify_report_comparison(report));
    anm_verify_report_free(report);
}

/* Bytes of a tensor in HF's model.safetensors, replaced by those of 1.0 in bf16. */
static void write_ones(const char *dir, const char *tensor) {
    char path[200];
    anm_safetensors *file;
    anm_error err;
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_ok(anm_safetensors_open(path, &file, &err), &err);
    const anm_tensor *t = anm_safetensors_find(file, tensor);
    assert_non_null(t);
    size_t bytes = t->bytes;
    uint8_t *copy = malloc(bytes);
    memcpy(copy, t->data, bytes);
    anm_safetensors_close(file);
    FILE *f = fopen(path, "rb");
    uint8_t *all = malloc(1 << 20);
    size_t size = fread(all, 1, 1 << 20, f);
    fclose(f);
    uint8_t *at = memmem(all, size, copy, bytes);
    assert_non_null(at);
    long offset = (long)(at - all);
    for (size_t i = 0; i < bytes; i += 2) memcpy(copy + i, "\x80\x3f", 2);
    patch(path, offset, copy, bytes);
    free(copy);
    free(all);
}

/* Packages whose final norm does nothing but divide, as if its weight had been forgotten. */
static void missing_final_norm(void **state) {
    tiny_model_write(&model, HF ".ones");
    write_ones(HF ".ones", "model.norm.weight");
    convert(HF ".ones", OUT ".ones", 2);
    expect_success(OUT ".ones", HF ".ones");
    expect_failure(OUT ".ones", HF, "logits", "not this checkpoint");
}

static void another_checkpoint(void **state) {
    tiny_model other = model;
    setup(state);
    other.layers = 2;
    tiny_model_write(&other, HF ".other");
    anm_verify_report *report = verify(OUT, HF ".other");
    bool config = false, logits = false;
    const anm_verify_check *c;
    for (size_t i = 0; (c = anm_verify_report_check(report, i)); i++) {
        bool failed = c->result == ANM_VERIFY_FAILED;
        config = config || (failed && strcmp(c->name, "config") == 0 &&
                            strstr(c->message, "num_hidden_layers is 2"));
        logits = logits || (failed && strcmp(c->name, "logits") == 0);
    }
    assert_true(config && logits);
    anm_verify_report_free(report);
}

static void weights_of_two_models(void **state) {
    static const char *const parts[] = {PART, OUT ".other/qwen_FFN_PF_chunk_01of02.mlpackage"};
    const anm_combine_source sources[] = {{parts[0], "infer", NULL}, {parts[1], "prefill", NULL}};
    anm_combine_options options;
    anm_error err;
    tiny_model other = model;
    other.dtype = ANM_DTYPE_FP16; /* not rounded to bf16: other values */
    tiny_model_write(&other, HF ".other");
    convert(HF ".other", OUT ".other", 2);
    setup(state);
    anm_combine_options_init(&options);
    options.overwrite = 1;
    assert_ok(anm_combine(sources, 2, PART, &options, &err), &err);
    expect_failure(OUT, NULL, "sharing", "function prefill has");
}

static void replace_in(const char *path, const char *from, const char *to) {
    char text[4096] = "";
    anm_error err;
    FILE *f = fopen(path, "rb");
    size_t size = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    assert_ok(anm_file_write(path, text, size, &err), &err);
}

static void meta_and_config(void **state) {
    anm_error err;
    setup(state);
    replace_in(OUT "/meta.yaml", "context_length: 64", "context_length: 32");
    expect_failure(OUT, NULL, "meta", "context_length is 32, the packages have 64");
    setup(state);
    replace_in(OUT "/meta.yaml", "qwen_embeddings.mlmodelc", "qwen_embeddinks.mlmodelc");
    expect_failure(OUT, NULL, "meta", "embeddings names qwen_embeddinks.mlmodelc");
    setup(state);
    replace_in(OUT "/meta.yaml", "qwen_FFN_PF", "qwen_FFN_PP");
    expect_failure(OUT, NULL, "meta", "ffn names qwen_FFN_PP_chunk_01of02.mlmodelc");
    setup(state);
    replace_in(OUT "/meta.yaml", "  parameters:", "  parametres:");
    expect_failure(OUT, NULL, "meta", "no model_info with parameters");
    setup(state);
    assert_ok(anm_path_remove(OUT "/meta.yaml", &err), &err);
    expect_failure(OUT, NULL, "meta", "missing");
    setup(state);
    replace_in(OUT "/config.json", "\"hidden_size\": 64", "\"hidden_size\": 48");
    expect_failure(OUT, NULL, "config", "hidden_size is 48, the packages have 64");
}

static void stale_compiled_model(void **state) {
    size_t bytes;
    anm_error err;
    setup(state);
    assert_ok(anm_compile(PART, NULL, NULL, NULL, &err), &err);
    expect_success(OUT, HF);
    long at = find_matrix(PART WEIGHTS, &bytes);
    patch(OUT "/qwen_FFN_PF_chunk_01of02.mlmodelc/weights/weight.bin", at, "\0\0", 2);
    expect_failure(OUT, NULL, "compiled", "are not those of qwen_FFN_PF_chunk_01of02.mlpackage");
}

static void recorded_files(void **state) {
    convert(HF, OUT, 2);
    expect_success(OUT, NULL);
    FILE *f = fopen(OUT "/qwen_lm_head.mlpackage/Manifest.json", "ab");
    fputc('\n', f);
    fclose(f);
    expect_failure(OUT, NULL, "record", "Manifest.json has another size");
}

static void nothing_to_verify(void **state) {
    anm_verify_report *report;
    anm_verify_options options;
    anm_error err;
    assert_int_equal(anm_verify("absent", NULL, &report, &err), ANM_ERROR_NOT_FOUND);
    assert_null(report);
    assert_int_equal(anm_verify(HF, NULL, &report, &err), ANM_ERROR_NOT_FOUND);
    setup(state);
    anm_verify_options_init(&options);
    options.against = OUT;
    assert_int_equal(anm_verify(OUT, &options, &report, &err), ANM_ERROR_ARGUMENT);
    options.against = "absent";
    assert_int_equal(anm_verify(OUT, &options, &report, &err), ANM_ERROR_NOT_FOUND);
    options.against = HF;
    options.text = "absent.txt"; /* and there is no tokenizer */
    assert_int_equal(anm_verify(OUT, &options, &report, &err), ANM_ERROR_NOT_FOUND);
    anm_verify_report_free(NULL);
}

/*
 * ANEMLL applies the final norm after every chunk of a Qwen model, and forgets the scaling of
 * Llama 3's RoPE: its packages are whole, but not the model. With one chunk, Qwen is right.
 */
static void anemll_defects(void **state) {
    char dir[1024], hf[1024];
    snprintf(hf, sizeof hf, "%s", fixture_path("anemll/qwen3-a/hf/config.json"));
    *strrchr(hf, '/') = '\0';
    snprintf(dir, sizeof dir, "%s", fixture_path("anemll/qwen3-a/fp16-1chunk/meta.yaml"));
    *strrchr(dir, '/') = '\0';
    expect_success(dir, hf);
    snprintf(dir, sizeof dir, "%s", fixture_path("anemll/qwen3-a/fp16/meta.yaml"));
    *strrchr(dir, '/') = '\0';
    expect_success(dir, NULL);
    expect_failure(dir, hf, "logits", "above 0.002 for fp16");
    snprintf(hf, sizeof hf, "%s", fixture_path("anemll/llama-tied/hf/config.json"));
    *strrchr(hf, '/') = '\0';
    snprintf(dir, sizeof dir, "%s", fixture_path("anemll/llama-tied/fp16/meta.yaml"));
    *strrchr(dir, '/') = '\0';
    expect_failure(dir, hf, "logits", "above 0.002 for fp16");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_model),
        cmocka_unit_test(palettized_models_have_wider_limits),
        cmocka_unit_test(winners_only),
        cmocka_unit_test(damaged_weights),
        cmocka_unit_test(wrong_chunk),
        cmocka_unit_test(missing_part),
        cmocka_unit_test(missing_final_norm),
        cmocka_unit_test(another_checkpoint),
        cmocka_unit_test(weights_of_two_models),
        cmocka_unit_test(meta_and_config),
        cmocka_unit_test(stale_compiled_model),
        cmocka_unit_test(recorded_files),
        cmocka_unit_test(nothing_to_verify),
        cmocka_unit_test(anemll_defects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * ModelConfig: custom pipelines of packages made here, whose answer is known by arithmetic. The
 * model's hidden state after a token is the mean of the embeddings so far, kept in a cache that
 * update_mask writes; prefill counts a token double, which tells whether it was called.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "anemone/llm.h"
#include "anemone/model_config.h"
#include "src/base/file.h"
#include "src/base/dtype.h"
#include "src/mil/builder.h"
#include "src/package/package.h"

enum { HIDDEN = 4, VOCAB = 6, CONTEXT = 8 };

static char root[64];

static const char *in_root(const char *name) {
    static char paths[32][256];
    static int turn;
    char *path = paths[turn++ % 32];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static int make_root(void **state) {
    strcpy(root, "anm-config-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    anm_error err;
    return anm_path_remove(root, &err) == ANM_OK ? 0 : -1;
}

/* ---- packages ---- */

typedef struct package {
    anm_mil_program *program;
    anm_mil_builder b;
    anm_feature in[6], out[2], state;
    anm_interface face;
} package;

static void start(package *p, const char *function) {
    *p = (package){.program = anm_mil_program_create()};
    p->program->spec_version = 9;
    anm_mil_builder_init(&p->b, p->program);
    anm_mil_builder_function(&p->b, function, "CoreML8");
    p->face = (anm_interface){
        .name = function, .inputs = p->in, .outputs = p->out, .states = &p->state};
}

static anm_mil_value *input(package *p, const char *name, anm_dtype dtype, int rank,
                            const int64_t *shape) {
    anm_feature *f = &p->in[p->face.input_count++];
    *f = (anm_feature){.name = name, .dtype = dtype, .rank = rank};
    memcpy(f->shape, shape, (size_t)rank * sizeof *shape);
    return anm_mil_builder_input(&p->b, name, dtype, rank, shape);
}

static void write_package(package *p, const char *path, anm_mil_value *result, const char *name) {
    anm_error err;
    anm_package_writer *w;
    anm_description d = {.functions = &p->face, .function_count = 1};
    anm_mil_builder_rename(&p->b, result, name);
    p->out[p->face.output_count++] = (anm_feature){.name = name, .dtype = ANM_DTYPE_FP16};
    anm_mil_builder_outputs(&p->b, &result, 1);
    assert_ok(anm_mil_builder_finish(&p->b, &err), &err);
    assert_ok(anm_package_writer_open(path, &w, &err), &err);
    assert_ok(anm_package_writer_commit(w, p->program, &d, &err), &err);
    anm_mil_program_destroy(p->program);
}

static double embedding(int token, int i) {
    return (token * 3 + i * i) % 5 - 2;
}

static double head_weight(int i, int token) {
    return (i * 7 + token * 2) % 5 * 0.5 - 1;
}

static anm_mil_value *table(package *p, int rows, int columns, double (*value)(int, int)) {
    uint16_t data[64];
    const int64_t shape[2] = {rows, columns};
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            anm_element_set(ANM_DTYPE_FP16, data, r * columns + c, value(r, c));
    return anm_mil_builder_tensor(&p->b, "table", ANM_DTYPE_FP16, 2, shape, data);
}

static void write_embeddings(const char *path) {
    package p;
    start(&p, "main");
    anm_mil_value *ids = input(&p, "input_ids", ANM_DTYPE_INT32, 2, (const int64_t[]){1, 1});
    anm_mil_value *y = anm_mil_emit(
        &p.b, "gather", "y", {"x", table(&p, VOCAB, HIDDEN, embedding)}, {"indices", ids},
        {"axis", anm_mil_builder_int(&p.b, "axis", 0)},
        {"batch_dims", anm_mil_builder_int(&p.b, "dims", 0)},
        {"validate_indices", anm_mil_builder_bool(&p.b, "validate", false)});
    write_package(&p, path, y, "hidden_states");
}

static void write_head(const char *path, int64_t hidden) {
    package p;
    start(&p, "main");
    anm_mil_value *x =
        input(&p, "hidden_states", ANM_DTYPE_FP16, 3, (const int64_t[]){1, 1, hidden});
    anm_mil_value *no = anm_mil_builder_bool(&p.b, "no", false);
    anm_mil_value *y = anm_mil_emit(&p.b, "matmul", "y", {"x", x},
                                    {"y", table(&p, (int)hidden, VOCAB, head_weight)},
                                    {"transpose_x", no}, {"transpose_y", no});
    write_package(&p, path, y, "logits");
}

static anm_mil_value *reshape(package *p, anm_mil_value *x, int rank, const int32_t *shape) {
    return anm_mil_emit(&p->b, "reshape", "shaped", {"x", x},
                        {"shape", anm_mil_builder_ints(&p->b, "shape", rank, shape)});
}

/* cache = cache + update_mask * weight * hidden; the result is softmax(causal_mask) of it. */
static void write_ffn(const char *path, double weight) {
    package p;
    start(&p, "main");
    const int64_t cache[4] = {1, 1, CONTEXT, HIDDEN};
    anm_mil_value *x =
        input(&p, "hidden_states", ANM_DTYPE_FP16, 3, (const int64_t[]){1, 1, HIDDEN});
    input(&p, "position_ids", ANM_DTYPE_INT32, 1, (const int64_t[]){1});
    anm_mil_value *mask =
        input(&p, "causal_mask", ANM_DTYPE_FP16, 4, (const int64_t[]){1, 1, 1, CONTEXT});
    anm_mil_value *update =
        input(&p, "update_mask", ANM_DTYPE_FP16, 4, (const int64_t[]){1, 1, CONTEXT, 1});
    input(&p, "current_pos", ANM_DTYPE_INT32, 1, (const int64_t[]){1});
    anm_mil_value *state = anm_mil_builder_state(&p.b, "cache", ANM_DTYPE_FP16, 4, cache);
    p.state = (anm_feature){.name = "cache", .dtype = ANM_DTYPE_FP16, .rank = 4};
    memcpy(p.state.shape, cache, sizeof cache);
    p.face.state_count = 1;
    anm_mil_value *old = anm_mil_emit(&p.b, "read_state", "old", {"input", state});
    anm_mil_value *row = reshape(&p, x, 4, (const int32_t[]){1, 1, 1, HIDDEN});
    row = anm_mil_emit(&p.b, "mul", "weighted", {"x", row},
                       {"y", anm_mil_builder_half(&p.b, "weight", weight)});
    anm_mil_value *add = anm_mil_emit(&p.b, "mul", "add", {"x", update}, {"y", row});
    anm_mil_value *fresh = anm_mil_emit(&p.b, "add", "fresh", {"x", old}, {"y", add});
    anm_mil_builder_op_multi(&p.b, "write_state", "write",
                             (const anm_mil_binding[]){{"input", state}, {"data", fresh}}, 2, NULL,
                             0);
    anm_mil_value *weights = anm_mil_emit(&p.b, "softmax", "weights", {"x", mask},
                                          {"axis", anm_mil_builder_int(&p.b, "axis", -1)});
    anm_mil_value *no = anm_mil_builder_bool(&p.b, "no", false);
    anm_mil_value *mean = anm_mil_emit(&p.b, "matmul", "mean", {"x", weights}, {"y", fresh},
                                       {"transpose_x", no}, {"transpose_y", no});
    write_package(&p, path, reshape(&p, mean, 3, (const int32_t[]){1, 1, HIDDEN}),
                  "output_hidden_states");
}

/* What the head gives after these tokens, of which the first `doubled` went through prefill. */
static void expected_logits(const int32_t *tokens, int count, int doubled, double *logits) {
    for (int v = 0; v < VOCAB; v++) {
        logits[v] = 0;
        for (int i = 0; i < HIDDEN; i++) {
            double sum = 0;
            for (int t = 0; t < count; t++)
                sum += embedding(tokens[t], i) * (t < doubled ? 2 : 1);
            logits[v] += sum / count * head_weight(i, v);
        }
    }
}

static const int32_t prompt[5] = {3, 1, 4, 1, 5};

static void check_answer(const char *path, int doubled) {
    anm_error err;
    anm_llm *llm;
    anm_session *s;
    double wanted[VOCAB];
    assert_ok(anm_llm_open(path, NULL, &llm, &err), &err);
    assert_int_equal(anm_llm_context_length(llm), CONTEXT);
    assert_int_equal(anm_llm_batch_size(llm), 1);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_ok(anm_session_sync(s, prompt, 5, &err), &err);
    expected_logits(prompt, 5, doubled, wanted);
    for (int v = 0; v < VOCAB; v++)
        assert_true(fabs((double)anm_session_logits(s)[v] - wanted[v]) < 0.01);
    anm_session_destroy(s);
    anm_llm_close(llm);
}

/* ---- configurations ---- */

static json_t *load(const char *path) {
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    return json;
}

static void save(json_t *json, const char *path) {
    assert_int_equal(json_dump_file(json, path, JSON_INDENT(1)), 0);
    json_decref(json);
}

static void generate(const char *dir, const char *path) {
    anm_error err;
    anm_model_config *config;
    assert_ok(anm_model_config_generate(dir, &config, &err), &err);
    assert_ok(anm_model_config_write(config, path, &err), &err);
    anm_model_config_close(config);
}

typedef struct found {
    size_t count;
    char text[2048];
} found;

static void on_problem(void *context, const anm_config_problem *p) {
    found *f = context;
    size_t used = strlen(f->text);
    snprintf(f->text + used, sizeof f->text - used, "%s|%s|%s|%s|%s|%s\n", p->file, p->component,
             p->tensor, p->expected, p->found, p->message);
}

static const char *problems_of(const char *path) {
    static found f;
    anm_error err;
    anm_model_config *config;
    f = (found){0};
    assert_ok(anm_model_config_read(path, &config, &err), &err);
    assert_ok(anm_model_config_check(config, on_problem, &f, &f.count, &err), &err);
    anm_model_config_close(config);
    return f.text;
}

static void write_pipeline(const char *dir, bool prefill) {
    anm_error err;
    char path[300];
    assert_ok(anm_dir_create(dir, &err), &err);
    snprintf(path, sizeof path, "%s/Alpha.mlpackage", dir);
    write_embeddings(path);
    snprintf(path, sizeof path, "%s/my-infer.mlpackage", dir);
    write_ffn(path, 1);
    snprintf(path, sizeof path, "%s/my-prefill.mlpackage", dir);
    if (prefill) write_ffn(path, 2);
    snprintf(path, sizeof path, "%s/omega.mlpackage", dir);
    write_head(path, HIDDEN);
}

static void a_custom_pipeline_runs(void **state) {
    const char *dir = in_root("custom"), *json = in_root("elsewhere.json");
    write_pipeline(dir, true);
    generate(dir, json);
    assert_string_equal(problems_of(json), "");
    check_answer(json, 4);

    /* Any names will do, and a directory that holds the description is the model. */
    json_t *config = load(json);
    json_t *components = json_object_get(config, "components");
    assert_int_equal(rename(in_root("custom/my-prefill.mlpackage"), in_root("custom/x.mlpackage")),
                     0);
    json_object_set_new(json_object_get(components, "ffn_prefill"), "file_path",
                        json_string("x.mlpackage"));
    json_object_set_new(config, "remark", json_string("kept"));
    save(config, in_root("custom/" ANM_MODEL_CONFIG_FILE));
    check_answer(dir, 4);
    assert_string_equal(problems_of(dir), "");
}

/* Reading and writing lose nothing, not even what is not known here. */
static void unknown_keys_are_kept(void **state) {
    anm_error err;
    anm_model_config *config;
    const char *again = in_root("again.json");
    assert_ok(anm_model_config_read(in_root("custom"), &config, &err), &err);
    assert_ok(anm_model_config_write(config, again, &err), &err);
    anm_model_config_close(config);
    json_t *before = load(in_root("custom/" ANM_MODEL_CONFIG_FILE)), *after = load(again);
    assert_true(json_equal(before, after));
    assert_string_equal(json_string_value(json_object_get(after, "remark")), "kept");
    json_decref(before);
    json_decref(after);
}

/* Without prefill, and with prefill only, every token goes the one way there is. */
static void one_of_the_two_is_enough(void **state) {
    const char *dir = in_root("infer"), *json = in_root("infer.json");
    write_pipeline(dir, false);
    generate(dir, json);
    check_answer(json, 0);
    json_t *config = load(json), *components = json_object_get(config, "components");
    json_t *ffn = json_incref(json_object_get(components, "ffn_infer"));
    json_object_del(components, "ffn_infer");
    json_object_set_new(components, "ffn_prefill", ffn);
    save(config, json);
    check_answer(json, 0);
    assert_string_equal(problems_of(json), "");
}

/* Older files name patterns; then and in files of other machines, absolute paths are stale. */
static void files_are_found(void **state) {
    const char *json = in_root("infer/p.json");
    generate(in_root("infer"), json);
    json_t *config = load(json), *components = json_object_get(config, "components");
    json_object_del(json_object_get(config, "model_info"), "path");
    json_object_set_new(json_object_get(components, "embeddings"), "file_path",
                        json_string("/nowhere/model/Alpha.mlpackage"));
    json_t *head = json_object_get(components, "lm_head");
    json_object_del(head, "file_path");
    json_object_set_new(head, "file_pattern", json_string("*mega.ml*"));
    json_object_del(json_object_get(components, "ffn_infer"), "file_path");
    json_object_set_new(json_object_get(config, "naming"), "ffn_infer_pattern",
                        json_string("my-*.mlpackage"));
    save(config, json);
    check_answer(json, 0);
}

/* Packages without Manifest.json, and models in the subdirectory coreml. */
static void bare_packages_are_read(void **state) {
    anm_error err;
    assert_ok(anm_dir_create(in_root("bare"), &err), &err);
    write_pipeline(in_root("bare/coreml"), true);
    assert_ok(anm_path_remove(in_root("bare/coreml/omega.mlpackage/Manifest.json"), &err), &err);
    check_answer(in_root("bare"), 4);
    generate(in_root("bare"), in_root("bare/" ANM_MODEL_CONFIG_FILE));
    check_answer(in_root("bare"), 4);
}

/* ---- ANEMLL's own packages ---- */

/* DIR/FILE of a folder of fixtures under the same name in the root's folder `to`. */
static void link_fixture(const char *folder, const char *file, const char *to) {
    char inside[160], place[120];
    snprintf(inside, sizeof inside, "%s/%s/Manifest.json", folder, file);
    char *target = strdup(fixture_path(inside));
    *strrchr(target, '/') = '\0';
    snprintf(place, sizeof place, "%s/%s", to, file);
    assert_int_equal(symlink(target, in_root(place)), 0);
    free(target);
}

/* Greedy: 40 tokens of prompt, in batches and steps, then 8 of answer. */
static void greedy_tokens(const char *path, int32_t *out) {
    anm_error err;
    anm_llm *llm;
    anm_session *s;
    int32_t ids[40];
    for (int i = 0; i < 40; i++) ids[i] = i * 7 % 1024;
    assert_ok(anm_llm_open(path, NULL, &llm, &err), &err);
    assert_int_equal(anm_llm_batch_size(llm), 32);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    assert_ok(anm_session_sync(s, ids, 40, &err), &err);
    for (int i = 0; i < 8; i++) {
        out[i] = anm_session_greedy(s);
        assert_ok(anm_session_append(s, out[i], &err), &err);
    }
    anm_session_destroy(s);
    anm_llm_close(llm);
}

static void expect_same_tokens(const char *path, const char *folder) {
    int32_t got[8], wanted[8];
    char inside[128];
    snprintf(inside, sizeof inside, "%s/meta.yaml", folder);
    char *dir = strdup(fixture_path(inside));
    *strrchr(dir, '/') = '\0';
    greedy_tokens(dir, wanted);
    greedy_tokens(path, got);
    assert_memory_equal(got, wanted, sizeof wanted);
    free(dir);
}

/* Before ANEMLL combines them, prefill and infer are packages of their own, two chunks of each. */
static void separate_packages_are_the_combined_ones(void **state) {
    static const char *const parts[] = {
        "qwen_FFN_chunk_01of02.mlpackage", "qwen_FFN_chunk_02of02.mlpackage",
        "qwen_prefill_chunk_01of02.mlpackage", "qwen_prefill_chunk_02of02.mlpackage"};
    anm_error err;
    const char *json = in_root("parts.json");
    fixture_path("anemll/qwen3-a/fp16/meta.yaml");
    assert_ok(anm_dir_create(in_root("parts"), &err), &err);
    link_fixture("anemll/qwen3-a/fp16", "qwen_embeddings.mlpackage", "parts");
    link_fixture("anemll/qwen3-a/fp16", "qwen_lm_head.mlpackage", "parts");
    for (int i = 0; i < 4; i++) link_fixture("anemll/qwen3-a/fp16/parts", parts[i], "parts");
    generate(in_root("parts"), json);
    assert_string_equal(problems_of(json), "");
    expect_same_tokens(json, "anemll/qwen3-a/fp16");
    json_t *config = load(json);
    assert_string_equal(json_string_value(json_object_get(config, "ffn_execution")), "split");
    json_decref(config);
}

/* As candle-coreml ships one: patterns for files, both functions in ffn_prefill, no path. */
static void shipped_form_is_opened(void **state) {
    anm_error err;
    const char *json = in_root("shipped/m.json");
    fixture_path("anemll/qwen3-a/fp16/meta.yaml");
    assert_ok(anm_dir_create(in_root("shipped"), &err), &err);
    link_fixture("anemll/qwen3-a/fp16", "qwen_embeddings.mlpackage", "shipped");
    link_fixture("anemll/qwen3-a/fp16", "qwen_lm_head.mlpackage", "shipped");
    link_fixture("anemll/qwen3-a/fp16", "qwen_FFN_PF_chunk_01of02.mlpackage", "shipped");
    link_fixture("anemll/qwen3-a/fp16", "qwen_FFN_PF_chunk_02of02.mlpackage", "shipped");
    generate(in_root("shipped"), json);
    json_t *config = load(json), *components = json_object_get(config, "components");
    json_object_del(json_object_get(config, "model_info"), "path");
    json_object_del(components, "ffn_infer");
    json_object_del(components, "ffn_infer_chunk_02");
    json_object_del(components, "ffn_prefill_chunk_02");
    json_t *ffn = json_object_get(components, "ffn_prefill");
    json_object_del(ffn, "file_path");
    json_object_set_new(ffn, "file_pattern", json_string("*_FFN_PF*_chunk_*.mlpackage"));
    json_object_set_new(ffn, "functions", json_pack("[s, s]", "prefill", "infer"));
    save(config, json);
    expect_same_tokens(json, "anemll/qwen3-a/fp16");
}

/* Spoils one value of a good configuration; what the check says must have all of `wanted`. */
static void expect_problem(const char *component, const char *tensor, const char *key,
                           json_t *value, const char *wanted) {
    const char *json = in_root("spoilt.json");
    generate(in_root("infer"), json);
    json_t *config = load(json), *at = config;
    if (component) at = json_object_get(json_object_get(config, "components"), component);
    if (tensor) at = json_object_get(json_object_get(at, "inputs"), tensor);
    if (!component) at = json_object_get(config, "shapes");
    assert_non_null(at);
    json_object_set_new(at, key, value);
    save(config, json);
    const char *text = problems_of(json);
    if (!strstr(text, wanted)) fail_msg("expected %s in: %s", wanted, text);
}

static void mismatches_are_named(void **state) {
    expect_problem("ffn_infer", "causal_mask", "shape", json_pack("[i,i,i,i]", 1, 1, 1, 9),
                   "my-infer.mlpackage|ffn_infer|causal_mask|FLOAT16 [1, 1, 1, 9]|FLOAT16 [1, 1, "
                   "1, 8]|");
    expect_problem("embeddings", "input_ids", "data_type", json_string("FLOAT32"),
                   "Alpha.mlpackage|embeddings|input_ids|FLOAT32 [1, 1]|INT32 [1, 1]|");
    expect_problem("embeddings", "input_ids", "name", json_string("ids"),
                   "Alpha.mlpackage|embeddings|ids|INT32 [1, 1]||the package has no such input");
    expect_problem("lm_head", NULL, "functions", json_pack("[s]", "infer"),
                   "omega.mlpackage|lm_head||infer||the package has no such function");
    expect_problem("lm_head", NULL, "file_path", json_string("gone.mlpackage"),
                   "gone.mlpackage|lm_head||gone.mlpackage||the file is not here");
    expect_problem("lm_head", NULL, "outputs", json_object(),
                   "omega.mlpackage|lm_head|logits||FLOAT16 [1, 1, 6]|the package has it");
    expect_problem(NULL, NULL, "context_length", json_integer(16),
                   "|causal_mask|FLOAT16 [1, 1, 1, 16]|FLOAT16 [1, 1, 1, 8]|");
    expect_problem(NULL, NULL, "context_length", json_integer(16),
                   "|update_mask|FLOAT16 [1, 1, 16, 1]|FLOAT16 [1, 1, 8, 1]|");
    expect_problem(NULL, NULL, "vocab_size", json_integer(7), "|lm_head|logits|7|6|");
    expect_problem(NULL, NULL, "hidden_size", json_integer(5),
                   "|hidden_states|FLOAT16 [1, 1, 5]|FLOAT16 [1, 1, 4]|");
}

/* Packages that are as described, but of two models. */
static void wiring_is_checked(void **state) {
    const char *json = in_root("wiring.json");
    write_pipeline(in_root("wiring"), false);
    write_head(in_root("wiring/omega.mlpackage"), 3);
    generate(in_root("wiring"), json);
    const char *text = problems_of(json);
    assert_non_null(strstr(text, "omega.mlpackage|lm_head|hidden_states|FLOAT16 [1, 1, 3]|FLOAT16 "
                                 "[1, 1, 4]|ffn_infer, which feeds it, gives"));
    anm_error err;
    anm_llm *llm;
    assert_int_equal(anm_llm_open(json, NULL, &llm, &err), ANM_ERROR_MISMATCH);
    json_t *config = load(json);
    json_object_del(json_object_get(config, "components"), "lm_head");
    save(config, json);
    assert_non_null(strstr(problems_of(json), "|lm_head||||the component is missing"));
}

static void refuse(const char *text, const char *wanted) {
    anm_error err;
    anm_model_config *config;
    const char *json = in_root("bad.json");
    assert_ok(anm_file_write(json, text, strlen(text), &err), &err);
    assert_int_equal(anm_model_config_read(json, &config, &err), ANM_ERROR_FORMAT);
    assert_null(config);
    if (!strstr(err.message, wanted)) fail_msg("expected %s in: %s", wanted, err.message);
}

#define HEAD                                                                                       \
    "{\"model_info\":{\"model_type\":\"q\"},\"shapes\":{\"batch_size\":1,\"context_length\":1,"    \
    "\"hidden_size\":1,\"vocab_size\":1},\"components\":"

static void malformed_files_are_refused(void **state) {
    refuse("{}", "model_type");
    refuse("[]", "model_type");
    refuse("{\"model_info\":{\"model_type\":\"q\"}}", "batch_size");
    refuse(HEAD "[]}", "components");
    refuse(HEAD "{\"x\":{}}}", "component x");
    refuse(HEAD "{\"x\":{\"inputs\":{},\"outputs\":{}}}}", "functions");
    refuse(HEAD "{\"x\":{\"inputs\":{},\"outputs\":{},\"functions\":[1]}}}", "names");
    refuse(HEAD "{\"x\":{\"inputs\":{\"a\":{\"shape\":[1,1]}},\"outputs\":{}}}}", "\"name\"");
    refuse(HEAD "{\"x\":{\"inputs\":{\"a\":{\"name\":\"a\",\"data_type\":\"INT32\",\"shape\":"
                "[-1]}},\"outputs\":{}}}}",
           "whole numbers");
    refuse(HEAD "{\"x\":{\"inputs\":{\"a\":{\"name\":\"a\",\"data_type\":\"INT32\",\"shape\":"
                "[1,1,1,1,1,1,1,1,1]}},\"outputs\":{}}}}",
           "dimensions");
    anm_error err;
    anm_model_config *config;
    assert_int_equal(anm_model_config_read(in_root("none.json"), &config, &err),
                     ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_model_config_read(root, &config, &err), ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_model_config_generate("/nonexistent", &config, &err),
                     ANM_ERROR_NOT_FOUND);
    assert_null(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_custom_pipeline_runs),
        cmocka_unit_test(unknown_keys_are_kept),
        cmocka_unit_test(one_of_the_two_is_enough),
        cmocka_unit_test(files_are_found),
        cmocka_unit_test(bare_packages_are_read),
        cmocka_unit_test(separate_packages_are_the_combined_ones),
        cmocka_unit_test(shipped_form_is_opened),
        cmocka_unit_test(mismatches_are_named),
        cmocka_unit_test(wiring_is_checked),
        cmocka_unit_test(malformed_files_are_refused),
    };
    return cmocka_run_group_tests_name("model_config", tests, make_root, remove_root);
}

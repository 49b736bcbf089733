/* SPDX-License-Identifier: MIT */
/*
 * What a conversion writes (interface, metadata, shared blobs, files), and what it refuses. That
 * the numbers are right is test_convert_logits.c's subject.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "anemone/convert.h"
#include "anemone/program.h"
#include "src/base/file.h"
#include "src/base/vec.h"
#include "src/convert/family.h"
#include "src/convert/recipe.h"
#include "src/convert/rope.h"
#include "src/package/package.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_convert.hf"
#define OUT "test_convert.out"
#define STAGE ".anemone-convert"
#define DECODER OUT "/qwen_FFN_PF_chunk_01of01.mlpackage"

static const tiny_model qwen = {
    "qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 64, 75,
    .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16, .config = "\"rope_theta\": 1e6",
};

static anm_status convert(const tiny_model *model, const anm_convert_options *options,
                          anm_convert_report **report, anm_error *err) {
    tiny_model_write(model, MODEL);
    return anm_convert(MODEL, OUT, options, report, err);
}

static anm_convert_options small_options(void) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 24;
    options.batch_size = 8;
    return options;
}

static void remove_output(void) {
    anm_error err;
    assert_ok(anm_path_remove(OUT, &err), &err);
}

static void assert_feature(const anm_feature *f, const char *name, anm_dtype dtype, int rank,
                           const int64_t *shape) {
    assert_non_null(f);
    assert_string_equal(f->name, name);
    assert_int_equal(f->dtype, dtype);
    assert_int_equal(f->rank, rank);
    assert_memory_equal(f->shape, shape, (size_t)rank * sizeof *shape);
}

static anm_program *open_program(const char *path) {
    anm_error err;
    anm_program *program;
    assert_ok(anm_program_open(path, &program, &err), &err);
    return program;
}

static void assert_decoder(const anm_function *f, int64_t tokens) {
    assert_non_null(f);
    assert_int_equal(anm_function_input_count(f), 4);
    assert_feature(anm_function_input(f, 0), "hidden_states", ANM_DTYPE_FP16, 3,
                   (int64_t[]){1, tokens, 48});
    assert_feature(anm_function_input(f, 1), "position_ids", ANM_DTYPE_INT32, 1, &tokens);
    assert_feature(anm_function_input(f, 2), "causal_mask", ANM_DTYPE_FP16, 4,
                   (int64_t[]){1, 1, tokens, 24});
    assert_feature(anm_function_input(f, 3), "current_pos", ANM_DTYPE_INT32, 1, (int64_t[]){1});
    assert_int_equal(anm_function_output_count(f), 1);
    assert_feature(anm_function_output(f, 0), "output_hidden_states", ANM_DTYPE_FP16, 3,
                   (int64_t[]){1, 1, 48});
    assert_int_equal(anm_function_state_count(f), 1);
    assert_feature(anm_function_state(f, 0), "model_model_kv_cache_0", ANM_DTYPE_FP16, 4,
                   (int64_t[]){4, 2, 24, 16});
}

static void assert_metadata(const anm_program *p, const char *key, const char *value) {
    const char *got = anm_program_metadata(p, key);
    if (!got) fail_msg("no metadata %s", key);
    assert_string_equal(got, value);
}

static void decoder_interface(void) {
    anm_program *p = open_program(DECODER);
    assert_int_equal(anm_program_specification(p), 9);
    assert_int_equal(anm_program_function_count(p), 2);
    assert_string_equal(anm_function_name(anm_program_function(p, NULL)), "infer");
    assert_decoder(anm_program_function(p, "infer"), 1);
    assert_decoder(anm_program_function(p, "prefill"), 8);
    assert_metadata(p, "com.anemll.context_length", "24");
    assert_metadata(p, "com.anemll.state_length", "24");
    assert_metadata(p, "com.anemll.batch_size", "8");
    assert_metadata(p, "com.anemll.num_chunks", "1");
    assert_metadata(p, "com.anemll.chunk_no", "1");
    assert_metadata(p, "com.anemone.prefill_output", "last_token");
    assert_metadata(p, "author", "Converted with anemone " ANM_VERSION);
    anm_program_close(p);
}

static void embeddings_interface(void) {
    anm_program *p = open_program(OUT "/qwen_embeddings.mlpackage");
    const anm_feature *ids = anm_function_input(anm_program_function(p, NULL), 0);
    assert_string_equal(anm_function_name(anm_program_function(p, NULL)), "main");
    assert_feature(ids, "input_ids", ANM_DTYPE_INT32, 2, (int64_t[]){1, 1});
    assert_int_equal(ids->shape_kind, ANM_SHAPE_ENUMERATED);
    assert_int_equal(ids->shape_count, 2);
    assert_int_equal(ids->shapes[1][1], 8);
    assert_metadata(p, "com.anemll.context_length", "24");
    anm_program_close(p);
}

/* 75 = 11 * 5 + 5 * 4: the remainder goes to the first outputs. */
static void head_interface(void) {
    anm_program *p = open_program(OUT "/qwen_lm_head.mlpackage");
    const anm_function *f = anm_program_function(p, NULL);
    assert_int_equal(anm_function_output_count(f), 16);
    for (int i = 0; i < 16; i++) {
        char name[16];
        snprintf(name, sizeof name, "logits%d", i + 1);
        assert_feature(anm_function_output(f, (size_t)i), name, ANM_DTYPE_FP16, 3,
                       (int64_t[]){1, 1, i < 11 ? 5 : 4});
    }
    anm_program_close(p);
}

static void interface(void **state) {
    anm_error err;
    anm_convert_options options = small_options();
    remove_output();
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    decoder_interface();
    embeddings_interface();
    head_interface();
}

typedef ANM_VEC(uint64_t) offsets;

static bool note_blob(void *context, anm_mil_op *op) {
    offsets *found = context;
    const anm_mil_literal *val = anm_mil_op_attr(op, "val");
    if (val && val->blob_path) assert_true(anm_vec_push(found, val->blob_offset));
    return true;
}

/* Each weight once in each function, all from the same blobs, and no blob unused. */
static void shared_blobs(void **state) {
    anm_error err;
    anm_package *package;
    offsets infer = {0}, prefill = {0};
    anm_convert_options options = small_options();
    remove_output();
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    assert_ok(anm_package_open(DECODER, 0, &package, &err), &err);
    anm_mil_block_walk(anm_mil_program_find(package->program, "infer")->body, note_blob, &infer);
    anm_mil_block_walk(anm_mil_program_find(package->program, "prefill")->body, note_blob,
                       &prefill);
    assert_int_equal(infer.len, 2 * 11 + 1 + 2); /* two layers, the final norm, cos and sin */
    assert_int_equal(infer.len, prefill.len);
    assert_memory_equal(infer.data, prefill.data, infer.len * sizeof *infer.data);
    uint32_t blobs;
    memcpy(&blobs, package->blobs[0].mapping.data, sizeof blobs);
    assert_int_equal(blobs, infer.len);
    anm_vec_free(&infer);
    anm_vec_free(&prefill);
    anm_package_close(package);
}

static char *read_text(anm_arena *arena, const char *path) {
    char *text;
    size_t size;
    anm_error err;
    assert_ok(anm_file_read(arena, path, 1 << 16, &text, &size, &err), &err);
    return text;
}

/* Ops stand in the order of the source: left to the evaluation of arguments it was the compiler's,
 * and packages differed between processors. */
static void order_of_ops(void **state) {
    static const char *const names[] = {"first_cos", "second_sin", "second_cos", "first_sin",
                                        "turned_first", "turned_second"};
    anm_error err;
    anm_package *package;
    size_t found = 0;
    anm_convert_options options = small_options();
    remove_output();
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    assert_ok(anm_package_open(DECODER, 0, &package, &err), &err);
    const anm_mil_function *f = anm_mil_program_find(package->program, "infer");
    for (const anm_mil_op *op = f->body->first; op && found < 6; op = op->next)
        if (strstr(anm_mil_op_label(op), "first_") || strstr(anm_mil_op_label(op), "second_") ||
            strstr(anm_mil_op_label(op), "turned_")) {
            assert_non_null(strstr(anm_mil_op_label(op), names[found]));
            found++;
        }
    assert_int_equal(found, 6);
    anm_package_close(package);
}

static void meta_yaml(void **state) {
    anm_error err;
    anm_arena *arena = anm_arena_create();
    anm_convert_options options = small_options();
    options.prefix = "my-qwen";
    options.name = "odd: \"name\"\n";
    remove_output();
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    assert_string_equal(read_text(arena, OUT "/meta.yaml"),
                        "model_info:\n"
                        "  name: \"anemll-odd: \\\"name\\\"_-ctx24\"\n"
                        "  version: 0.3.5\n"
                        "  description: |\n"
                        "    odd: \"name\"_, converted with anemone " ANM_VERSION "\n"
                        "    Context length: 24\n"
                        "    Batch size: 8\n"
                        "    Chunks: 1\n"
                        "  license: that of the original model\n"
                        "  author: anemone\n"
                        "  framework: Core ML\n"
                        "  language: C\n"
                        "  architecture: qwen3\n"
                        "  parameters:\n"
                        "    context_length: 24\n"
                        "    batch_size: 8\n"
                        "    lut_embeddings: none\n"
                        "    lut_ffn: none\n"
                        "    lut_lmhead: none\n"
                        "    num_chunks: 1\n"
                        "    model_prefix: my-qwen\n"
                        "    embeddings: my-qwen_embeddings.mlmodelc\n"
                        "    lm_head: my-qwen_lm_head.mlmodelc\n"
                        "    ffn: my-qwen_FFN_PF_chunk_01of01.mlmodelc\n"
                        "    split_lm_head: 16\n"
                        "    vocab_size: 75\n"
                        "    lm_head_chunk_sizes: "
                        "[5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 4]\n"
                        "    prefill_dynamic_slice: true\n");
    anm_arena_destroy(arena);
}

typedef struct watcher {
    int calls, stop_at;
    uint64_t done, total;
    size_t index;
    bool ordered;
} watcher;

static int watch(void *context, const anm_convert_progress *p) {
    watcher *w = context;
    w->ordered = w->ordered && p->done >= w->done && p->index >= w->index && p->count == 3;
    w->done = p->done;
    w->total = p->total;
    w->index = p->index;
    return ++w->calls == w->stop_at;
}

static int make_output_meanwhile(void *context, const anm_convert_progress *p) {
    anm_error err;
    if (anm_path_exists(OUT "/letter")) return 0;
    assert_ok(anm_dir_create(OUT, &err), &err);
    assert_ok(anm_file_write(OUT "/letter", "dear", 4, &err), &err);
    return 0;
}

/* What appears at the output's place during a conversion is not the converter's to remove. */
static void output_made_meanwhile_is_kept(void **state) {
    anm_error err;
    anm_convert_options options = small_options();
    anm_convert_report *report;
    remove_output();
    options.progress = make_output_meanwhile;
    assert_ok(convert(&qwen, &options, &report, &err), &err);
    anm_convert_report_free(report);
    assert_true(anm_path_exists(OUT "/letter"));
    assert_true(anm_path_exists(OUT "/meta.yaml"));
    remove_output();
}

static void report_and_progress(void **state) {
    anm_error err;
    anm_convert_report *report;
    watcher w = {.ordered = true};
    anm_convert_options options = small_options();
    options.progress = watch;
    options.progress_context = &w;
    remove_output();
    tiny_model_write(&qwen, MODEL);
    assert_ok(anm_file_write(MODEL "/tokenizer.json", "{}", 2, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, &options, &report, &err), &err);
    assert_true(w.ordered);
    assert_int_equal(w.done, w.total);
    assert_int_equal(w.index, 2);
    assert_int_equal(anm_convert_report_parameters(report),
                     75 * 48 + 48 +
                         2 * (2 * 48 + 2 * 16 + 2 * 64 * 48 + 2 * 32 * 48 + 3 * 64 * 48));
    assert_int_equal(anm_convert_report_part_count(report), 6);
    assert_string_equal(anm_convert_report_part(report, 5)->file, "tokenizer.json");
    assert_int_equal(anm_convert_report_part(report, 5)->bytes, 2);
    assert_null(anm_convert_report_part(report, 6));
    assert_int_equal(anm_convert_report_warning_count(report), 0);
    assert_int_equal(anm_convert_report_overflow_count(report), 0);
    assert_true(anm_convert_report_seconds(report) > 0);
    anm_convert_report_free(report);
}

/* At most parts that are finished, out of sight. */
static void assert_nothing_in_place(void) {
    char **names;
    size_t count;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    if (anm_path_exists(OUT)) {
        assert_ok(anm_dir_list(arena, OUT, &names, &count, &err), &err);
        assert_int_equal(count, 1);
        assert_string_equal(names[0], STAGE);
        assert_ok(anm_dir_list(arena, OUT "/" STAGE, &names, &count, &err), &err);
        assert_true(count >= 2);
        for (size_t i = 0; i < count; i++)
            assert_true(strcmp(names[i], "parts.json") == 0 ||
                        anm_str_ends(names[i], ".mlpackage"));
    }
    anm_arena_destroy(arena);
}

static void assert_refused(const tiny_model *model, const anm_convert_options *options,
                           anm_status status, const char *where, const char *message) {
    anm_error err;
    anm_convert_report *report = (anm_convert_report *)&err;
    remove_output();
    anm_status got = convert(model, options, &report, &err);
    if (got != status) fail_msg("%s instead of %s", anm_status_name(got), anm_status_name(status));
    if (!strstr(err.where, where)) fail_msg("\"%s\" does not name %s", err.where, where);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
    assert_null(report);
    assert_nothing_in_place();
}

static void wrong_tensors(void **state) {
    anm_convert_options options = small_options();
    tiny_model m = qwen;
    m.missing = "model.layers.1.self_attn.q_norm.weight";
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL,
                   "missing: model.layers.1.self_attn.q_norm.weight");
    m = qwen;
    m.reshaped = "model.layers.0.mlp.up_proj.weight";
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL,
                   "wrong: model.layers.0.mlp.up_proj.weight is [65, 48], not [64, 48]");
    m = qwen;
    m.surplus = "model.layers.0.self_attn.sink";
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL,
                   "not part of the model: model.layers.0.self_attn.sink");
    m = qwen;
    m.retyped = "model.norm.weight";
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL,
                   "wrong: model.norm.weight is fp64, not fp16, bf16 or fp32");
    m = qwen;
    m.tied = false; /* but the checkpoint has no head */
    m.missing = "lm_head.weight";
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL, "missing: lm_head.weight");
    m = qwen;
    m.qkv_bias = true; /* which config.json does not announce */
    assert_refused(&m, &options, ANM_ERROR_MISMATCH, MODEL, "_proj.bias and 2 more");
}

static void harmless_tensors(void **state) {
    anm_error err;
    anm_convert_report *report;
    anm_convert_options options = small_options();
    tiny_model m = qwen;
    m.surplus = "model.layers.0.self_attn.rotary_emb.inv_freq";
    remove_output();
    assert_ok(convert(&m, &options, &report, &err), &err);
    assert_non_null(strstr(anm_convert_report_warning(report, 0), "1 tensors"));
    anm_convert_report_free(report);
}

static void unsupported_configs(void **state) {
    static const struct {
        const char *config, *message;
    } cases[] = {
        {"\"quantization_config\": {\"quant_method\": \"awq\"}", "quant_method \"awq\""},
        {"\"hidden_act\": \"gelu\"", "hidden_act \"gelu\""},
        {"\"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 2}", "\"dynamic\""},
        {"\"partial_rotary_factor\": 0.5", "partial_rotary_factor 0.5"},
        {"\"use_sliding_window\": true, \"sliding_window\": 16", "sliding-window"},
        {"\"layer_types\": [\"linear_attention\", \"full_attention\"]", "layer_types"},
    };
    anm_convert_options options = small_options();
    tiny_model m = qwen;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        m.config = cases[i].config;
        assert_refused(&m, &options, ANM_ERROR_UNSUPPORTED, "config.json", cases[i].message);
    }
    m = qwen;
    m.model_type = "gemma2";
    assert_refused(&m, &options, ANM_ERROR_UNSUPPORTED, "config.json", "Qwen3ForCausalLM");
    m = qwen;
    m.architecture = "Qwen3ForSequenceClassification";
    assert_refused(&m, &options, ANM_ERROR_UNSUPPORTED, "config.json",
                   "\"Qwen3ForSequenceClassification\" is not supported");
    m = qwen;
    m.vocab = 15;
    assert_refused(&m, &options, ANM_ERROR_UNSUPPORTED, "config.json", "vocab_size 15");
}

/* A window that the context does not exceed is no obstacle. */
static void wide_window(void **state) {
    anm_error err;
    anm_convert_options options = small_options();
    tiny_model m = qwen;
    m.config = "\"use_sliding_window\": true, \"sliding_window\": 24";
    remove_output();
    assert_ok(convert(&m, &options, NULL, &err), &err);
}

static void bad_options(void **state) {
    anm_convert_options options = small_options();
    options.batch_size = 7;
    assert_refused(&qwen, &options, ANM_ERROR_ARGUMENT, "batch_size", "does not divide");
    options.batch_size = 25;
    assert_refused(&qwen, &options, ANM_ERROR_ARGUMENT, "batch_size", "25 is not between");
    options = small_options();
    options.context_length = -1;
    assert_refused(&qwen, &options, ANM_ERROR_ARGUMENT, "context_length", "-1 is not between");
    options = small_options();
    options.prefix = "../x";
    assert_refused(&qwen, &options, ANM_ERROR_ARGUMENT, "prefix", "\"../x\"");
    options = small_options();
    options.struct_size = 0;
    assert_refused(&qwen, &options, ANM_ERROR_ARGUMENT, "options", "struct_size is 0");
}

/* 512 tokens unless the model has fewer; then the batch is what divides them. */
static void default_lengths(void **state) {
    anm_error err;
    anm_recipe recipe;
    anm_arena *arena = anm_arena_create();
    anm_convert_options options;
    anm_convert_options_init(&options);
    tiny_model m = qwen;
    tiny_model_write(&m, MODEL);
    assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
    assert_int_equal(recipe.context, 512);
    assert_int_equal(recipe.batch, 64);
    assert_string_equal(recipe.name, MODEL);
    m.config = "\"max_position_embeddings\": 100, \"state_length\": 300";
    tiny_model_write(&m, MODEL);
    assert_ok(anm_recipe_make(arena, MODEL, &options, &recipe, &err), &err);
    assert_int_equal(recipe.context, 100);
    assert_int_equal(recipe.batch, 50);
    assert_int_equal(recipe.state, 300);
    anm_arena_destroy(arena);
}

/* A snapshot in the Hugging Face cache is named after its repository. */
static void cache_names(void **state) {
    static const char dir[] = "test_convert.cache/models--Qwen--Qwen3-0.6B/snapshots/c1899de2";
    anm_error err;
    anm_recipe recipe;
    anm_arena *arena = anm_arena_create();
    anm_convert_options options;
    anm_convert_options_init(&options);
    tiny_model_write(&qwen, dir);
    assert_ok(anm_recipe_make(arena, dir, &options, &recipe, &err), &err);
    assert_string_equal(recipe.name, "Qwen-Qwen3-0.6B");
    assert_string_equal(recipe.prefix, "qwen");
    anm_arena_destroy(arena);
}

static void overflow(void **state) {
    anm_error err;
    anm_convert_report *report;
    anm_convert_options options = small_options();
    tiny_model m = qwen;
    m.huge = "model.layers.1.mlp.gate_proj.weight";
    assert_refused(&m, &options, ANM_ERROR_LIMIT, m.huge, "2 values exceed fp16's range");
    m.huge = "model.embed_tokens.weight"; /* tied: written twice, reported once */
    assert_refused(&m, &options, ANM_ERROR_LIMIT, m.huge, "the largest being 1.99885e+06");
    options.allow_overflow = 1;
    assert_ok(convert(&m, &options, &report, &err), &err);
    assert_int_equal(anm_convert_report_overflow_count(report), 1);
    const anm_convert_overflow *o = anm_convert_report_overflow(report, 0);
    assert_string_equal(o->tensor, m.huge);
    assert_int_equal(o->count, 2);
    assert_true(o->largest > 1.99e6 && o->largest < 2.01e6);
    anm_convert_report_free(report);
}

static void cancelled(void **state) {
    watcher w = {.stop_at = 5};
    anm_convert_options options = small_options();
    options.progress = watch;
    options.progress_context = &w;
    assert_refused(&qwen, &options, ANM_ERROR_CANCELLED, "qwen_FFN_PF", "cancelled");
    assert_int_equal(w.calls, 5);
}

static void assert_same_text(const char *path, const char *text) {
    anm_arena *arena = anm_arena_create();
    assert_string_equal(read_text(arena, path), text);
    anm_arena_destroy(arena);
}

static size_t count_entries(const char *path) {
    char **names;
    size_t count;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_dir_list(arena, path, &names, &count, &err), &err);
    anm_arena_destroy(arena);
    return count;
}

/* Into a directory with a file of somebody else's: it stays; ours are replaced on request only,
 * and by a conversion that fails not at all. */
static void existing_directory(void **state) {
    anm_error err;
    anm_convert_options options = small_options();
    fresh_directory(OUT);
    assert_ok(anm_file_write(OUT "/notes.txt", "mine", 4, &err), &err);
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    assert_int_equal(count_entries(OUT), 7); /* and the record */
    options.context_length = 16;
    assert_int_equal(anm_convert(MODEL, OUT, &options, NULL, &err), ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.where, OUT "/qwen_embeddings.mlpackage"));
    assert_ok(anm_file_write(OUT "/meta.yaml", "old", 3, &err), &err);
    options.overwrite = 1;
    tiny_model m = qwen;
    m.huge = "model.norm.weight";
    assert_int_equal(convert(&m, &options, NULL, &err), ANM_ERROR_LIMIT);
    assert_same_text(OUT "/meta.yaml", "old");
    assert_int_equal(count_entries(OUT), 7);
    options.context_length = 24;
    assert_ok(convert(&qwen, &options, NULL, &err), &err);
    assert_int_equal(count_entries(OUT), 7);
    assert_same_text(OUT "/notes.txt", "mine");
    decoder_interface();
    anm_arena *arena = anm_arena_create();
    assert_true(anm_str_starts(read_text(arena, OUT "/meta.yaml"), "model_info:"));
    anm_arena_destroy(arena);
}

static void bad_directories(void **state) {
    anm_error err;
    anm_convert_options options = small_options();
    remove_output();
    tiny_model_write(&qwen, MODEL);
    assert_int_equal(anm_convert(MODEL, MODEL "/config.json/x", &options, NULL, &err),
                     ANM_ERROR_IO);
    assert_non_null(strstr(err.where, "config.json"));
    assert_int_equal(anm_convert(MODEL, MODEL "/config.json", &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    options.overwrite = 1;
    assert_int_equal(anm_convert(MODEL, "./" MODEL "/", &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    assert_int_equal(count_entries(MODEL), 2);
    assert_int_equal(anm_convert("no-such-dir", OUT, &options, NULL, &err), ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_convert(MODEL, "", &options, NULL, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_convert(NULL, OUT, &options, NULL, &err), ANM_ERROR_ARGUMENT);
    assert_false(anm_path_exists(OUT));
}

/* A limit on file size stands in for a full disk: writes fail with EFBIG. */
static void disk_full(void **state) {
    struct rlimit old, limit;
    anm_error err;
    anm_convert_options options = small_options();
    remove_output();
    tiny_model_write(&qwen, MODEL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 16384;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    anm_status status = anm_convert(MODEL, OUT, &options, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, ANM_ERROR_IO);
    assert_non_null(strstr(err.where, "weight.bin"));
    assert_nothing_in_place();
}

/* The llama3 rule by hand: theta 1e4, D 8, original 64, factors 8, 1, 4. Waves of 6.28, 62.8, 628
 * and 6283 positions: kept, mixed, stretched, stretched. */
static void llama3_frequencies(void **state) {
    anm_hf_rope rope = {.type = ANM_ROPE_LLAMA3, .theta = 1e4, .factor = 8, .low_freq_factor = 1,
                        .high_freq_factor = 4, .original_max_position_embeddings = 64};
    double f[4], share = (64 / 62.83185307179586 - 1) / 3;
    anm_rope_frequencies(&rope, 8, f);
    assert_float_equal(f[0], 1, 1e-12);
    assert_float_equal(f[1], (1 - share) * 0.1 / 8 + share * 0.1, 1e-12);
    assert_float_equal(f[2], 0.01 / 8, 1e-12);
    assert_float_equal(f[3], 0.001 / 8, 1e-12);
}

/*
 * YaRN by hand: theta 1e4, D 8, original 4096, factor 4. Dimension i turns 4096 / (2 pi 10^i)
 * times: 652, 65, 6.5, 0.65. beta_fast 32 lies at 1.31 and beta_slow 1 at 2.81: the ramp goes from
 * 1 to 3.
 */
static void yarn_frequencies(void **state) {
    anm_hf_rope rope = {.type = ANM_ROPE_YARN, .theta = 1e4, .factor = 4, .beta_fast = 32,
                        .beta_slow = 1, .truncate = true,
                        .original_max_position_embeddings = 4096};
    double f[4];
    anm_rope_frequencies(&rope, 8, f);
    assert_float_equal(f[0], 1, 1e-12);
    assert_float_equal(f[1], 0.1, 1e-12);
    assert_float_equal(f[2], 0.01 * (0.5 + 0.5 / 4), 1e-12);
    assert_float_equal(f[3], 0.001 / 4, 1e-12);
    assert_float_equal(anm_rope_attention_factor(&rope), 1.1386294361119891, 1e-12);
    rope.attention_factor = 1.25;
    assert_float_equal(anm_rope_attention_factor(&rope), 1.25, 0);
}

static void append(char *text, const char *more, const char *const *list) {
    strcat(text, more);
    for (int i = 0; list && list[i]; i++) {
        if (i) strcat(text, ", ");
        strcat(text, list[i]);
    }
}

static void supported_list(void **state) {
    const anm_family *families[] = {&anm_family_qwen3, &anm_family_qwen2, &anm_family_llama,
                                    &anm_family_gemma3};
    char expected[1000] = "";
    for (int i = 0; i < 4; i++) {
        const anm_family *f = families[i];
        append(expected, i ? "\n" : "", NULL);
        append(expected, f->name, NULL);
        append(expected, " (model_type ", f->model_types);
        append(expected, "; ", f->architectures);
        append(expected, ")", NULL);
        for (int t = 0; f->model_types[t]; t++)
            assert_ptr_equal(anm_family_find(f->model_types[t]), f);
        assert_in_range(f->head_splits, 1, ANM_MAX_SPLITS);
    }
    assert_string_equal(anm_convert_supported(), expected);
    assert_null(anm_family_find("gpt2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interface),           cmocka_unit_test(shared_blobs),
        cmocka_unit_test(order_of_ops),
        cmocka_unit_test(meta_yaml),           cmocka_unit_test(report_and_progress),
        cmocka_unit_test(output_made_meanwhile_is_kept),
        cmocka_unit_test(wrong_tensors),       cmocka_unit_test(harmless_tensors),
        cmocka_unit_test(unsupported_configs), cmocka_unit_test(wide_window),
        cmocka_unit_test(bad_options),         cmocka_unit_test(default_lengths),
        cmocka_unit_test(overflow),            cmocka_unit_test(cancelled),
        cmocka_unit_test(existing_directory),  cmocka_unit_test(bad_directories),
        cmocka_unit_test(disk_full),           cmocka_unit_test(llama3_frequencies),
        cmocka_unit_test(yarn_frequencies),
        cmocka_unit_test(supported_list),      cmocka_unit_test(cache_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

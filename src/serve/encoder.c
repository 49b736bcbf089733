/* SPDX-License-Identifier: MIT */
#include "src/serve/encoder.h"

#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/str.h"

typedef enum pooling {
    POOLED,     /* the output is [1, size] already */
    POOL_MEAN,  /* of the rows of tokens in [1, length, size] */
    POOL_FIRST, /* the first one's, [CLS] */
} pooling;

struct anm_encoder {
    anm_arena *arena;
    anm_program *program;
    const anm_function *function;
    anm_tokenizer *tokenizer;
    anm_predict_options options;
    const anm_feature *ids, *mask, *types; /* the last two may be NULL */
    const anm_feature *output;
    pooling pool;
    size_t most;
};

static bool is_package(const char *path) {
    return anm_str_ends(path, ".mlpackage") || anm_str_ends(path, ".mlmodelc");
}

/* The only package of a directory; NULL if there are none or several. */
static anm_status find_package(anm_encoder *e, const char *path, const char **out, anm_error *err) {
    char **names;
    size_t count, packages = 0;
    *out = NULL;
    bool inner = !is_package(path) && anm_path_is_dir(path);
    const char *manifest = anm_path_join(e->arena, path, "model.mil");
    if (is_package(path) || (manifest && anm_path_exists(manifest))) *out = path;
    if (*out || !inner) return ANM_OK;
    ANM_TRY(anm_dir_list(e->arena, path, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!is_package(names[i])) continue;
        packages++;
        *out = anm_path_join(e->arena, path, names[i]);
        if (!*out) return anm_fail_memory(err);
    }
    if (packages != 1) *out = NULL;
    return ANM_OK;
}

static bool is_float(anm_dtype type) {
    return type == ANM_DTYPE_FP16 || type == ANM_DTYPE_FP32 || type == ANM_DTYPE_FP64;
}

/* False if there is an input that no encoder has. */
static bool take_inputs(anm_encoder *e) {
    for (size_t i = 0; i < anm_function_input_count(e->function); i++) {
        const anm_feature *f = anm_function_input(e->function, i);
        if (strcmp(f->name, "input_ids") == 0) e->ids = f;
        else if (strcmp(f->name, "attention_mask") == 0) e->mask = f;
        else if (strcmp(f->name, "token_type_ids") == 0) e->types = f;
        else return false;
    }
    return e->ids && e->ids->rank == 2 && anm_function_state_count(e->function) == 0;
}

/* How well an output's name says that it is an embedding; 0: not at all. */
static int rank_of(const anm_feature *f) {
    static const char *const names[] = {"embedding", "pool", "hidden"};
    for (int i = 0; i < 3; i++)
        if (strstr(f->name, names[i])) return 4 - i;
    return strstr(f->name, "logits") ? 0 : 1;
}

static bool take_output(anm_encoder *e) {
    int best = 0;
    for (size_t i = 0; i < anm_function_output_count(e->function); i++) {
        const anm_feature *f = anm_function_output(e->function, i);
        if (!is_float(f->dtype) || f->rank < 2 || f->rank > 3 || rank_of(f) <= best) continue;
        best = rank_of(f);
        e->output = f;
    }
    if (!best) return false;
    e->pool = e->output->rank == 2 ? POOLED : POOL_MEAN;
    return true;
}

/* Tokens of the longest text: the greatest second dimension that the interface allows. */
static size_t longest(const anm_feature *f) {
    int64_t most = f->shape[1];
    if (f->shape_kind == ANM_SHAPE_RANGE) most = f->upper[1] < 0 ? 8192 : f->upper[1];
    for (size_t i = 0; f->shape_kind == ANM_SHAPE_ENUMERATED && i < f->shape_count; i++)
        if (f->shapes[i][0] == 1 && f->shapes[i][1] > most) most = f->shapes[i][1];
    return most > 0 ? (size_t)most : 0;
}

/* sentence-transformers says in a file beside the model how rows become one vector. */
static anm_status read_pooling(anm_encoder *e, const char *dir, anm_error *err) {
    const char *path = anm_path_join(e->arena, dir, "1_Pooling/config.json");
    json_t *root;
    bool first = false;
    if (!path) return anm_fail_memory(err);
    if (e->pool == POOLED || !anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, err));
    anm_status status = anm_json_get_bool(root, "pooling_mode_cls_token", false, &first, path, err);
    if (first) e->pool = POOL_FIRST;
    json_decref(root);
    return status;
}

/* Beside the package, or within the directory that was named. */
static anm_status open_tokenizer(anm_encoder *e, const char *path, const char *package,
                                 anm_error *err) {
    const char *dir = path;
    const char *slash = strrchr(package, '/');
    if (path == package)
        dir = slash ? anm_arena_strndup(e->arena, package, (size_t)(slash - package)) : ".";
    if (!dir) return anm_fail_memory(err);
    ANM_TRY(read_pooling(e, dir, err));
    return anm_tokenizer_open(dir, &e->tokenizer, err);
}

static anm_status open_found(anm_encoder *e, const char *path, const char *package, bool *found,
                             anm_error *err) {
    ANM_TRY(anm_program_open(package, &e->program, err));
    e->function = anm_program_function(e->program, NULL);
    *found = e->function && take_inputs(e) && take_output(e);
    if (!*found) return ANM_OK;
    e->most = longest(e->ids);
    return open_tokenizer(e, path, package, err);
}

anm_status anm_encoder_open(const char *path, const anm_llm_options *options, anm_encoder **out,
                            bool *found, anm_error *err) {
    const char *package = NULL;
    *out = NULL;
    *found = false;
    anm_encoder *e = anm_calloc(1, sizeof *e);
    if (!e) return anm_fail_memory(err);
    anm_predict_options_init(&e->options);
    e->options.precision = options->precision;
    e->options.engine = options->engine;
    e->options.threads = options->threads;
    e->arena = anm_arena_create();
    e->options.cpu = options->cpu; /* the server's, which outlives this */
    e->options.matmul_precision = options->matmul_precision;
    anm_status status = e->arena ? find_package(e, path, &package, err) : anm_fail_memory(err);
    if (status == ANM_OK && package) status = open_found(e, path, package, found, err);
    if (status == ANM_OK && *found) *out = e;
    else anm_encoder_close(e);
    return status;
}

void anm_encoder_close(anm_encoder *e) {
    if (!e) return;
    anm_program_close(e->program);
    anm_tokenizer_close(e->tokenizer);
    anm_arena_destroy(e->arena);
    anm_free(e);
}

const anm_tokenizer *anm_encoder_tokenizer(const anm_encoder *e) {
    return e->tokenizer;
}

size_t anm_encoder_most(const anm_encoder *e) {
    return e->most;
}

/* The shortest row that the interface allows for so many tokens; the rest is padding. */
static size_t padded(const anm_feature *f, size_t count) {
    size_t best = 0;
    if (f->shape_kind == ANM_SHAPE_FIXED) return (size_t)f->shape[1];
    if (f->shape_kind == ANM_SHAPE_RANGE)
        return f->lower[1] > (int64_t)count ? (size_t)f->lower[1] : count;
    for (size_t i = 0; i < f->shape_count; i++) {
        size_t length = (size_t)f->shapes[i][1];
        if (f->shapes[i][0] == 1 && length >= count && (!best || length < best)) best = length;
    }
    return best;
}

static anm_tensor row(const anm_feature *f, int32_t *data, size_t length) {
    anm_tensor t = {.name = f->name, .dtype = ANM_DTYPE_INT32, .rank = 2, .data = data};
    t.shape[0] = 1;
    t.shape[1] = (int64_t)length;
    t.bytes = length * sizeof *data;
    return t;
}

/* Rows of the output, as the pooling says, into one. */
static void pool(const anm_encoder *e, const anm_tensor *output, size_t count, float *values,
                 size_t size) {
    const float *rows = output->data;
    size_t used = e->pool == POOL_MEAN ? count : 1;
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t r = 0; r < used; r++) sum += rows[r * size + i];
        values[i] = (float)(sum / (double)used);
    }
}

static void normalise(float *values, size_t size) {
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += (double)values[i] * values[i];
    if (!(sum > 0)) return;
    for (size_t i = 0; i < size; i++) values[i] = (float)(values[i] / sqrt(sum));
}

static anm_status take(const anm_encoder *e, const anm_tensor *output, size_t count, float **values,
                       size_t *size, anm_error *err) {
    *size = (size_t)output->shape[output->rank - 1];
    *values = anm_calloc(*size, sizeof **values);
    if (!*values) return anm_fail_memory(err);
    pool(e, output, count, *values, *size);
    normalise(*values, *size);
    return ANM_OK;
}

/* `space`: ids, mask and types, each of `length`, zeroed. */
static anm_status predict(const anm_encoder *e, const int32_t *tokens, size_t count, int32_t *space,
                          size_t length, anm_tensor *output, anm_error *err) {
    anm_tensor inputs[3];
    size_t n = 0;
    memcpy(space, tokens, count * sizeof *tokens);
    for (size_t i = 0; i < count; i++) space[length + i] = 1;
    inputs[n++] = row(e->ids, space, length);
    if (e->mask) inputs[n++] = row(e->mask, space + length, length);
    if (e->types) inputs[n++] = row(e->types, space + 2 * length, length);
    *output = (anm_tensor){.name = e->output->name, .dtype = ANM_DTYPE_FP32};
    return anm_predict_alloc(e->function, inputs, n, output, 1, NULL, &e->options, err);
}

anm_status anm_encoder_run(const anm_encoder *e, const int32_t *tokens, size_t count,
                           float **values, size_t *size, anm_error *err) {
    size_t length = padded(e->ids, count);
    anm_tensor output;
    *values = NULL;
    *size = 0;
    int32_t *space = anm_calloc(3 * length, sizeof *space);
    if (!space) return anm_fail_memory(err);
    anm_status status = predict(e, tokens, count, space, length, &output, err);
    if (status == ANM_OK) status = take(e, &output, count, values, size, err);
    anm_tensor_release(&output);
    anm_free(space);
    return status;
}

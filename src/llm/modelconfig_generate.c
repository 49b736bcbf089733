/* SPDX-License-Identifier: MIT */
/*
 * ModelConfig from the packages themselves: each function by its interface, one component for each
 * use. candle-coreml's generator keeps the last chunk only, and calls every batch 1; ours names the
 * chunks after the first "ffn_prefill_chunk_02", which candle-coreml passes over. batch_size is the
 * first dimension of the tensors, as there; the tokens of a prefill are in ffn_prefill's inputs.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/inspect.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/llm/modelconfig.h"

typedef struct generator {
    anm_llm llm; /* arena, directory and meta.yaml only */
    json_t *components;
    int64_t context, hidden, vocab, batch;
    const char *type;
    anm_error *err;
} generator;

const char *anm_config_type_name(anm_dtype dtype) {
    switch (dtype) {
    case ANM_DTYPE_FP16: return "FLOAT16";
    case ANM_DTYPE_FP32: return "FLOAT32";
    case ANM_DTYPE_FP64: return "DOUBLE";
    case ANM_DTYPE_INT32: return "INT32";
    case ANM_DTYPE_INT8: return "INT8";
    default: return anm_dtype_name(dtype);
    }
}

static json_t *make_tensor(const anm_feature *f, const int64_t *shape) {
    json_t *sizes = json_array();
    for (int i = 0; i < f->rank; i++)
        json_array_append_new(sizes, json_integer(shape[i] < 0 ? 0 : shape[i]));
    return json_pack("{s:s, s:o, s:s}", "name", f->name, "shape", sizes, "data_type",
                     anm_config_type_name(f->dtype));
}

static void put_tensor(json_t *map, const anm_feature *f) {
    json_object_set_new(map, f->name, make_tensor(f, f->shape));
}

static json_t *make_component(const char *file, const anm_function *f) {
    json_t *inputs = json_object(), *outputs = json_object(), *order = json_array();
    for (size_t i = 0; i < anm_function_input_count(f); i++) {
        put_tensor(inputs, anm_function_input(f, i));
        json_array_append_new(order, json_string(anm_function_input(f, i)->name));
    }
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        put_tensor(outputs, anm_function_output(f, i));
    return json_pack("{s:s, s:o, s:o, s:[], s:o}", "file_path", file, "inputs", inputs, "outputs",
                     outputs, "functions", "input_order", order);
}

static void name_component(const anm_function *f, const char *file, char *name, size_t size) {
    size_t chunk, chunks;
    anm_llm_chunk_numbers(file, &chunk, &chunks);
    switch (anm_llm_kind_of(f)) {
    case ANM_LLM_EMBEDDINGS: snprintf(name, size, "embeddings"); return;
    case ANM_LLM_HEAD: snprintf(name, size, "lm_head"); return;
    case ANM_LLM_WHOLE: snprintf(name, size, "monolithic"); return;
    case ANM_LLM_CHUNK:
        snprintf(name, size, anm_llm_is_prefill(f, file) ? "ffn_prefill" : "ffn_infer");
        if (chunk > 1)
            snprintf(name + strlen(name), size - strlen(name), "_chunk_%02zu", chunk);
        return;
    case ANM_LLM_UNKNOWN: *name = '\0'; return;
    }
}

/* candle-coreml's way with packages that it does not know. */
static void name_by_file(const char *file, char *name, size_t size) {
    snprintf(name, size, "%s", file);
    char *dot = strrchr(name, '.');
    if (dot) *dot = '\0';
    for (char *p = name; *p; p++) *p = isalnum((unsigned char)*p) ? (char)tolower(*p) : '_';
}

static bool is_of_file(const json_t *component, const char *file) {
    const char *other = json_string_value(json_object_get(component, "file_path"));
    return other && strcmp(other, file) == 0;
}

static void largest(int64_t *size, int64_t value) {
    if (value > *size) *size = value;
}

static void take_sizes(generator *g, const anm_function *f) {
    const anm_feature *mask = anm_llm_find_input(f, "causal_mask");
    const anm_feature *hidden = anm_llm_find_input(f, "hidden_states");
    if (mask && mask->rank == 4) largest(&g->context, mask->shape[3]);
    if (hidden && hidden->rank == 3) largest(&g->hidden, hidden->shape[2]);
    if (mask) largest(&g->batch, anm_llm_tokens_of(f));
}

/* Logits say it; winners do not, meta.yaml does. */
static void take_vocab(generator *g, const anm_function *f) {
    anm_llm_kind kind = anm_llm_kind_of(f);
    if (g->vocab || (kind != ANM_LLM_HEAD && kind != ANM_LLM_WHOLE)) return;
    if (anm_llm_gives_winners(f)) g->vocab = g->llm.meta.vocab_size;
    else
        for (size_t i = 0; i < anm_function_output_count(f); i++) {
            const anm_feature *part = anm_function_output(f, i);
            if (part->rank && part->shape[part->rank - 1] > 0)
                g->vocab += part->shape[part->rank - 1];
        }
}

/* A second package for the same use gets a component of its own: the check will speak of it. */
static anm_status take_function(generator *g, const anm_function *f, const char *file, bool one) {
    char name[300];
    name_component(f, file, name, sizeof name);
    json_t *known = json_object_get(g->components, name);
    if (!*name || (known && !is_of_file(known, file))) {
        name_by_file(file, name, sizeof name);
        known = json_object_get(g->components, name);
    }
    if (!known) {
        known = make_component(file, f);
        if (!known || json_object_set_new(g->components, name, known) != 0)
            return anm_fail_memory(g->err);
    }
    take_sizes(g, f);
    take_vocab(g, f);
    if (one) return ANM_OK;
    json_array_append_new(json_object_get(known, "functions"), json_string(anm_function_name(f)));
    return ANM_OK;
}

static anm_status take_package(generator *g, const anm_llm_source *source) {
    anm_program *program;
    ANM_TRY(anm_program_open_to_inspect(source->path, &program, g->err));
    size_t count = anm_program_function_count(program);
    anm_status status = ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = take_function(g, anm_program_function_at(program, i), source->file, count == 1);
    anm_program_close(program);
    return status;
}

/* What config.json says; a monolithic package keeps its hidden size to itself. */
static anm_status read_checkpoint(generator *g) {
    const char *path = anm_path_join(g->llm.arena, g->llm.dir, "config.json");
    json_t *root = NULL;
    g->type = "unknown";
    if (!path) return anm_fail_memory(g->err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, g->err));
    const json_t *type = json_object_get(root, "model_type");
    const json_t *hidden = json_object_get(root, "hidden_size");
    if (json_is_string(type)) g->type = anm_arena_strdup(g->llm.arena, json_string_value(type));
    if (!g->hidden) g->hidden = json_integer_value(hidden);
    json_decref(root);
    return g->type ? ANM_OK : anm_fail_memory(g->err);
}

static anm_status take_packages(generator *g) {
    anm_llm_sources sources;
    ANM_TRY(anm_llm_read_meta(&g->llm, g->err));
    ANM_TRY(anm_llm_list_sources(&g->llm, &sources, g->err));
    for (size_t i = 0; i < sources.count; i++) ANM_TRY(take_package(g, &sources.items[i]));
    return read_checkpoint(g);
}

/* Embeddings take several lengths; shown is that of a prefill, whose input they are. */
static void fit_embeddings(const generator *g) {
    json_t *component = json_object_get(g->components, "embeddings");
    json_t *ids = json_object_get(json_object_get(component, "inputs"), "input_ids"), *output;
    json_t *shape = json_object_get(ids, "shape");
    const char *name;
    if (json_array_size(shape) == 2) json_array_set_new(shape, 1, json_integer(g->batch));
    json_object_foreach(json_object_get(component, "outputs"), name, output) {
        shape = json_object_get(output, "shape");
        if (json_array_size(shape) != 3) continue;
        json_array_set_new(shape, 0, json_integer(1));
        json_array_set_new(shape, 1, json_integer(g->batch));
        if (!json_integer_value(json_array_get(shape, 2)))
            json_array_set_new(shape, 2, json_integer(g->hidden));
    }
}

static bool is_split(const generator *g) {
    json_t *prefill = json_object_get(g->components, "ffn_prefill");
    const char *file = json_string_value(
        json_object_get(json_object_get(g->components, "ffn_infer"), "file_path"));
    return prefill && file && !is_of_file(prefill, file);
}

static json_t *assemble(generator *g) {
    char *path = realpath(g->llm.dir, NULL);
    if (g->batch > 0) fit_embeddings(g);
    json_t *root = json_pack(
        "{s:{s:s, s:s, s:s, s:n}, s:{s:i, s:I, s:I, s:I}, s:O, s:{}, s:s}", "model_info",
        "model_id", g->llm.name, "path", path ? path : g->llm.dir, "model_type", g->type,
        "discovered_at", "shapes", "batch_size", 1, "context_length", (json_int_t)g->context,
        "hidden_size", (json_int_t)g->hidden, "vocab_size", (json_int_t)g->vocab, "components",
        g->components, "naming", "ffn_execution", is_split(g) ? "split" : "unified");
    free(path);
    return root;
}

anm_status anm_model_config_generate(const char *dir, anm_model_config **out, anm_error *err) {
    generator g = {.llm = {.arena = anm_arena_create(), .dir = dir}, .err = err};
    *out = NULL;
    if (!g.llm.arena) return anm_fail_memory(err);
    g.components = json_object();
    anm_status status = ANM_OK;
    if (!anm_path_is_dir(dir))
        status = anm_fail(err, ANM_ERROR_NOT_FOUND, dir, "there is no such directory");
    if (status == ANM_OK) status = take_packages(&g);
    if (status == ANM_OK) {
        json_t *root = assemble(&g);
        status = root ? anm_model_config_parse(root, dir, dir, out, err) : anm_fail_memory(err);
    }
    json_decref(g.components);
    anm_arena_destroy(g.llm.arena);
    return status;
}

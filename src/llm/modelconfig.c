/* SPDX-License-Identifier: MIT */
/*
 * ModelConfig as JSON. The parsed document is kept whole, so that writing loses no key that is not
 * known here; `naming` may be absent, as candle-coreml's README has it, though its parser refuses.
 */
#include "src/llm/modelconfig.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/str.h"

typedef struct parser {
    anm_model_config *config;
    const char *component;
    anm_error *err;
} parser;

static anm_status wrong(const parser *p, const char *what) {
    const char *c = p->component;
    return anm_fail(p->err, ANM_ERROR_FORMAT, p->config->where, "%s%s%s%s", c ? "component " : "",
                    c ? c : "", c ? ": " : "", what);
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static anm_status take_shape(const parser *p, const json_t *shape, anm_config_tensor *out) {
    if (!json_is_array(shape)) return wrong(p, "a tensor has no shape");
    if (json_array_size(shape) > ANM_MAX_RANK) return wrong(p, "a tensor has too many dimensions");
    out->rank = (int)json_array_size(shape);
    for (int i = 0; i < out->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return wrong(p, "a shape has something else than whole numbers");
        out->shape[i] = json_integer_value(size);
    }
    return ANM_OK;
}

static anm_status take_tensor(const parser *p, const json_t *json, anm_config_tensor *out) {
    out->name = text_of(json, "name");
    out->data_type = text_of(json, "data_type");
    if (!out->name || !out->data_type)
        return wrong(p, "a tensor needs \"name\", \"shape\" and \"data_type\"");
    return take_shape(p, json_object_get(json, "shape"), out);
}

static anm_status take_tensors(const parser *p, const json_t *component, const char *key,
                               const anm_config_tensor **out, size_t *count) {
    json_t *map = json_object_get(component, key), *value;
    const char *name;
    if (!json_is_object(map)) return wrong(p, "\"inputs\" and \"outputs\" must be objects");
    anm_config_tensor *tensors =
        ANM_ARENA_ARRAY(p->config->arena, anm_config_tensor, json_object_size(map) + 1);
    if (!tensors) return anm_fail_memory(p->err);
    *out = tensors;
    json_object_foreach(map, name, value)
        ANM_TRY(take_tensor(p, value, &tensors[(*count)++]));
    return ANM_OK;
}

static anm_status take_functions(const parser *p, const json_t *component,
                                 anm_config_component *out) {
    const json_t *list = json_object_get(component, "functions");
    if (!json_is_array(list)) return wrong(p, "\"functions\" must be a list, [] for none");
    const char **names = ANM_ARENA_ARRAY(p->config->arena, const char *, json_array_size(list) + 1);
    if (!names) return anm_fail_memory(p->err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        names[i] = json_string_value(json_array_get(list, i));
        if (!names[i]) return wrong(p, "\"functions\" must be a list of names");
    }
    out->functions = names;
    out->function_count = json_array_size(list);
    return ANM_OK;
}

/* The path; else the component's pattern, which older files have; else that of "naming". */
static const char *given_path(const parser *p, const json_t *component) {
    char key[80];
    const char *path = text_of(component, "file_path");
    if (!path) path = text_of(component, "file_pattern");
    snprintf(key, sizeof key, "%.60s_pattern", p->component);
    return path ? path : text_of(json_object_get(p->config->root, "naming"), key);
}

static anm_status take_components(parser *p) {
    anm_model_config *c = p->config;
    json_t *map = json_object_get(c->root, "components"), *value;
    if (!json_is_object(map)) return wrong(p, "\"components\" is missing");
    c->components = ANM_ARENA_ARRAY(c->arena, anm_config_component, json_object_size(map) + 1);
    if (!c->components) return anm_fail_memory(p->err);
    json_object_foreach(map, p->component, value) {
        anm_config_component *out = &c->components[c->component_count++];
        out->name = p->component;
        out->given = given_path(p, value);
        ANM_TRY(take_tensors(p, value, "inputs", &out->inputs, &out->input_count));
        ANM_TRY(take_tensors(p, value, "outputs", &out->outputs, &out->output_count));
        ANM_TRY(take_functions(p, value, out));
    }
    p->component = NULL;
    return ANM_OK;
}

static anm_status take_size(const parser *p, const char *key, int64_t *out) {
    const json_t *size = json_object_get(json_object_get(p->config->root, "shapes"), key);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return anm_fail(p->err, ANM_ERROR_FORMAT, p->config->where,
                        "\"shapes\" must have %s, a whole number", key);
    *out = json_integer_value(size);
    return ANM_OK;
}

static anm_status take_all(parser *p) {
    anm_model_config_info *info = &p->config->info;
    const json_t *root = p->config->root, *about = json_object_get(root, "model_info");
    info->model_id = text_of(about, "model_id");
    info->path = text_of(about, "path");
    info->model_type = text_of(about, "model_type");
    info->discovered_at = text_of(about, "discovered_at");
    info->ffn_execution = text_of(root, "ffn_execution");
    if (!info->model_type) return wrong(p, "\"model_info\" must have a model_type");
    ANM_TRY(take_size(p, "batch_size", &info->batch_size));
    ANM_TRY(take_size(p, "context_length", &info->context_length));
    ANM_TRY(take_size(p, "hidden_size", &info->hidden_size));
    ANM_TRY(take_size(p, "vocab_size", &info->vocab_size));
    ANM_TRY(take_components(p));
    return anm_model_config_locate(p->config, p->err);
}

anm_status anm_model_config_parse(json_t *root, const char *where, const char *base,
                                  anm_model_config **out, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    anm_model_config *c = arena ? ANM_ARENA_NEW(arena, anm_model_config) : NULL;
    *out = NULL;
    if (!c) {
        anm_arena_destroy(arena);
        json_decref(root);
        return anm_fail_memory(err);
    }
    c->arena = arena;
    c->root = root;
    c->where = anm_arena_strdup(arena, where);
    c->base = anm_arena_strdup(arena, base);
    parser p = {.config = c, .err = err};
    anm_status status = c->where && c->base ? take_all(&p) : anm_fail_memory(err);
    if (status == ANM_OK) *out = c;
    else anm_model_config_close(c);
    return status;
}

static anm_status read_file(anm_arena *arena, const char *path, anm_model_config **out,
                            anm_error *err) {
    json_t *root;
    bool inside = anm_path_is_dir(path);
    const char *file = inside ? anm_path_join(arena, path, ANM_MODEL_CONFIG_FILE) : path;
    char *base = anm_arena_strdup(arena, file);
    if (!base) return anm_fail_memory(err);
    if (!anm_path_exists(file))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, path,
                        inside ? "there is no " ANM_MODEL_CONFIG_FILE " in this directory"
                               : "there is no such file");
    ANM_TRY(anm_json_load(file, &root, err));
    char *slash = strrchr(base, '/');
    if (slash) slash[slash == base] = '\0';
    return anm_model_config_parse(root, file, slash ? base : ".", out, err);
}

anm_status anm_model_config_read(const char *path, anm_model_config **out, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    *out = NULL;
    anm_status status = arena ? read_file(arena, path, out, err) : anm_fail_memory(err);
    anm_arena_destroy(arena);
    return status;
}

void anm_model_config_close(anm_model_config *config) {
    if (!config) return;
    json_decref(config->root);
    anm_arena_destroy(config->arena);
}

char *anm_model_config_text(const anm_model_config *config) {
    return json_dumps(config->root, JSON_INDENT(2));
}

void anm_model_config_text_free(char *text) {
    free(text);
}

anm_status anm_model_config_write(const anm_model_config *config, const char *path,
                                  anm_error *err) {
    anm_strbuf text = {0};
    char *json = anm_model_config_text(config);
    if (!json) return anm_fail_memory(err);
    anm_strbuf_puts(&text, json);
    anm_strbuf_putc(&text, '\n');
    free(json);
    anm_status status = text.failed ? anm_fail_memory(err)
                                    : anm_file_write(path, text.data, text.len, err);
    anm_strbuf_free(&text);
    return status;
}

const anm_model_config_info *anm_model_config_get_info(const anm_model_config *config) {
    return &config->info;
}

const anm_config_component *anm_model_config_component(const anm_model_config *config,
                                                       size_t index) {
    return index < config->component_count ? &config->components[index] : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading config.json and generation_config.json. config_rope.c reads the rotary embedding,
 * config_layers.c the kinds of layers; config_text.c finds the text model in a larger one.
 */
#include "src/hf/config.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/hf/checkpoint.h"
#include "src/hf/config_internal.h"

anm_status anm_config_int(const anm_config_source *s, const char *key, int64_t absent, int64_t min,
                          int64_t max, int64_t *out) {
    ANM_TRY(anm_json_get_int(s->object, key, absent, out, s->path, s->err));
    if (*out == absent || (*out >= min && *out <= max)) return ANM_OK;
    return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is %lld, not in [%lld, %lld]",
                    key, (long long)*out, (long long)min, (long long)max);
}

anm_status anm_config_number(const anm_config_source *s, const char *key, double absent,
                             double *out) {
    ANM_TRY(anm_json_get_double(s->object, key, absent, out, s->path, s->err));
    if (*out == absent || (*out > 0 && isfinite(*out))) return ANM_OK;
    return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is %g, not positive", key, *out);
}

anm_status anm_config_name(const anm_config_source *s, const char *key, const char *absent,
                           char out[ANM_HF_NAME]) {
    const char *text;
    ANM_TRY(anm_json_get_string(s->object, key, absent, &text, s->path, s->err));
    size_t length = strlen(text);
    if (length >= ANM_HF_NAME)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is longer than %d bytes",
                        key, ANM_HF_NAME - 1);
    memcpy(out, text, length + 1);
    return ANM_OK;
}

/* The limits are far above any model, and keep products of three sizes within 64 bits. */
static const struct size_key {
    const char *key;
    size_t field;
    int64_t max;
} size_keys[] = {
    {"hidden_size", offsetof(anm_hf_config, hidden_size), 1 << 20},
    {"num_hidden_layers", offsetof(anm_hf_config, num_hidden_layers), ANM_HF_MAX_LAYERS},
    {"num_attention_heads", offsetof(anm_hf_config, num_attention_heads), 1 << 14},
    {"intermediate_size", offsetof(anm_hf_config, intermediate_size), 1 << 22},
    {"vocab_size", offsetof(anm_hf_config, vocab_size), 1 << 24},
};

static anm_status missing_key(const anm_config_source *s, const char *key) {
    if (json_object_get(s->object, "text_config"))
        return anm_fail(s->err, ANM_ERROR_UNSUPPORTED, s->path,
                        "key \"text_config\": models of several parts are not supported");
    return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is missing", key);
}

static anm_status read_sizes(const anm_config_source *s, anm_hf_config *c) {
    for (size_t i = 0; i < sizeof size_keys / sizeof size_keys[0]; i++) {
        const struct size_key *k = &size_keys[i];
        int64_t *field = (int64_t *)((char *)c + k->field);
        if (!json_object_get(s->object, k->key)) return missing_key(s, k->key);
        ANM_TRY(anm_config_int(s, k->key, -1, 1, k->max, field));
        if (*field < 0) /* null, or -1 itself */
            return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is not a size", k->key);
    }
    ANM_TRY(anm_config_int(s, "max_position_embeddings", 0, 1, INT64_C(1) << 40,
                           &c->max_position_embeddings));
    ANM_TRY(anm_config_int(s, "sliding_window", 0, 1, INT64_C(1) << 40, &c->sliding_window));
    return anm_config_int(s, "state_length", 0, 1, INT64_C(1) << 40, &c->state_length);
}

static anm_status read_heads(const anm_config_source *s, anm_hf_config *c) {
    int64_t heads = c->num_attention_heads;
    ANM_TRY(anm_config_int(s, "num_key_value_heads", heads, 1, heads, &c->num_key_value_heads));
    if (heads % c->num_key_value_heads)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"num_key_value_heads\" is %lld, which does not divide "
                        "\"num_attention_heads\" %lld", (long long)c->num_key_value_heads,
                        (long long)heads);
    ANM_TRY(anm_config_int(s, "head_dim", 0, 1, 1 << 14, &c->head_dim));
    c->has_head_dim = c->head_dim != 0;
    if (!c->has_head_dim && c->hidden_size % heads)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"head_dim\" is missing, and \"num_attention_heads\" does not divide "
                        "\"hidden_size\"");
    if (!c->has_head_dim) c->head_dim = c->hidden_size / heads;
    if (c->head_dim % 2)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"head_dim\" is %lld; rotary embedding needs an even number",
                        (long long)c->head_dim);
    return ANM_OK;
}

static anm_status read_flags(const anm_config_source *s, anm_hf_config *c) {
    const json_t *o = s->object;
    ANM_TRY(anm_json_get_bool(o, "tie_word_embeddings", false, &c->tie_word_embeddings, s->path,
                              s->err));
    ANM_TRY(anm_json_get_bool(o, "attention_bias", false, &c->attention_bias, s->path, s->err));
    ANM_TRY(anm_json_get_bool(o, "mlp_bias", false, &c->mlp_bias, s->path, s->err));
    c->has_use_sliding_window = json_is_boolean(json_object_get(o, "use_sliding_window"));
    return anm_json_get_bool(o, "use_sliding_window", false, &c->use_sliding_window, s->path,
                             s->err);
}

/* The first of a list of strings under `key`; "" when absent. */
static anm_status read_architecture(const anm_config_source *s, anm_hf_config *c) {
    const json_t *list = json_object_get(s->object, "architectures");
    const json_t *first = json_array_get(list, 0);
    if (!list || json_is_null(list) || (json_is_array(list) && !first)) return ANM_OK;
    const char *name = json_string_value(first);
    if (!name || strlen(name) >= ANM_HF_NAME)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"architectures\" is not a list of class names");
    memcpy(c->architecture, name, strlen(name) + 1);
    return ANM_OK;
}

static anm_dtype dtype_from_torch(const char *name) {
    static const struct {
        const char *name;
        anm_dtype dtype;
    } table[] = {
        {"bfloat16", ANM_DTYPE_BF16}, {"float16", ANM_DTYPE_FP16},
        {"float32", ANM_DTYPE_FP32},  {"float64", ANM_DTYPE_FP64},
    };
    if (strncmp(name, "torch.", 6) == 0) name += 6;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(name, table[i].name) == 0) return table[i].dtype;
    return ANM_DTYPE_NONE;
}

static anm_status read_names(const anm_config_source *s, anm_hf_config *c) {
    char dtype[ANM_HF_NAME];
    ANM_TRY(anm_config_name(s, "model_type", "", c->model_type));
    if (!*c->model_type) return missing_key(s, "model_type");
    ANM_TRY(read_architecture(s, c));
    ANM_TRY(anm_config_read_quant(s, &c->quant));
    ANM_TRY(anm_config_name(s, "hidden_activation", "", c->hidden_act));
    if (!*c->hidden_act) ANM_TRY(anm_config_name(s, "hidden_act", "silu", c->hidden_act));
    ANM_TRY(anm_config_name(s, "torch_dtype", "", dtype));
    if (!*dtype) ANM_TRY(anm_config_name(s, "dtype", "", dtype));
    c->dtype = dtype_from_torch(dtype);
    return ANM_OK;
}

static anm_status add_id(const anm_config_source *s, const char *key, const json_t *value,
                         int64_t vocab, int64_t *ids, int *count) {
    int64_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id >= vocab)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"%s\" has a value that is no token id below vocab_size %lld", key,
                        (long long)vocab);
    for (int i = 0; i < *count; i++)
        if (ids[i] == id) return ANM_OK;
    if (*count == ANM_HF_MAX_IDS)
        return anm_fail(s->err, ANM_ERROR_LIMIT, s->path, "key \"%s\" has more than %d ids", key,
                        ANM_HF_MAX_IDS);
    ids[(*count)++] = id;
    return ANM_OK;
}

/* One id, a list of ids, or null. */
static anm_status read_ids(const anm_config_source *s, const char *key, int64_t vocab, int64_t *ids,
                           int *count) {
    const json_t *value = json_object_get(s->object, key), *item;
    size_t i;
    if (!value || json_is_null(value)) return ANM_OK;
    if (!json_is_array(value)) return add_id(s, key, value, vocab, ids, count);
    json_array_foreach(value, i, item) ANM_TRY(add_id(s, key, item, vocab, ids, count));
    return ANM_OK;
}

static anm_status read_tokens(const anm_config_source *s, anm_hf_config *c) {
    ANM_TRY(read_ids(s, "bos_token_id", c->vocab_size, c->bos_ids, &c->bos_count));
    return read_ids(s, "eos_token_id", c->vocab_size, c->eos_ids, &c->eos_count);
}

static anm_status read_model(const anm_config_source *s, anm_hf_config *c) {
    ANM_TRY(read_names(s, c));
    ANM_TRY(read_sizes(s, c));
    ANM_TRY(read_heads(s, c));
    ANM_TRY(read_flags(s, c));
    ANM_TRY(anm_config_read_layers(s, c));
    ANM_TRY(anm_config_number(s, "rms_norm_eps", 1e-6, &c->rms_norm_eps));
    return anm_config_read_rope(s, c);
}

/* Both files' objects; `generation` may be NULL. */
static anm_status read_objects(const anm_config_files *f, anm_hf_config *c, anm_error *err) {
    anm_config_source s = {f->config, f->config_path, err};
    ANM_TRY(anm_config_complete(f->config, f->config_path, err));
    ANM_TRY(read_model(&s, c));
    anm_config_source generation = {f->generation, f->generation_path, err};
    if (f->generation) ANM_TRY(read_tokens(&generation, c));
    return read_tokens(&s, c);
}

anm_status anm_hf_config_read(const char *model, anm_hf_config *out, anm_error *err) {
    anm_config_files files = {0};
    *out = (anm_hf_config){0};
    anm_arena *arena = anm_arena_create();
    anm_status status = arena ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = anm_config_load(arena, model, &files, err);
    if (status == ANM_OK) status = read_objects(&files, out, err);
    json_decref(files.config);
    json_decref(files.generation);
    anm_arena_destroy(arena);
    if (status != ANM_OK) *out = (anm_hf_config){0};
    return status;
}

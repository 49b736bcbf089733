/* SPDX-License-Identifier: MIT */
/*
 * The rotary embedding's keys, in the three spellings that files use: "rope_scaling" with "type"
 * (before transformers 4.43), with "rope_type", and "rope_parameters" that holds theta too (5.0).
 */
#include <string.h>

#include "src/base/json.h"
#include "src/hf/config_internal.h"

static const struct {
    const char *name;
    anm_rope_type type;
} types[] = {
    {"default", ANM_ROPE_DEFAULT},   {"none", ANM_ROPE_DEFAULT}, {"linear", ANM_ROPE_LINEAR},
    {"dynamic", ANM_ROPE_DYNAMIC},   {"yarn", ANM_ROPE_YARN},    {"longrope", ANM_ROPE_LONGROPE},
    {"su", ANM_ROPE_LONGROPE},       {"llama3", ANM_ROPE_LLAMA3},
};

static anm_status read_type(const anm_config_source *s, anm_hf_rope *r) {
    ANM_TRY(anm_config_name(s, "rope_type", "", r->type_name));
    if (!*r->type_name) ANM_TRY(anm_config_name(s, "type", "default", r->type_name));
    r->type = ANM_ROPE_OTHER;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(r->type_name, types[i].name) == 0) r->type = types[i].type;
    return ANM_OK;
}

/* Without these the type has no meaning. */
static anm_status require_keys(const anm_config_source *s, const anm_hf_rope *r) {
    static const char *const keys[] = {"factor", "low_freq_factor", "high_freq_factor",
                                       "original_max_position_embeddings"};
    size_t needed = 0;
    if (r->type == ANM_ROPE_LLAMA3) needed = 4;
    if (r->type == ANM_ROPE_LINEAR || r->type == ANM_ROPE_DYNAMIC || r->type == ANM_ROPE_YARN)
        needed = 1;
    for (size_t i = 0; i < needed; i++) {
        const json_t *value = json_object_get(s->object, keys[i]);
        if (!value || json_is_null(value))
            return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                            "key \"%s\" is missing for RoPE type \"%s\"", keys[i], r->type_name);
    }
    return ANM_OK;
}

static anm_status check_values(const anm_config_source *s, const anm_hf_rope *r) {
    if (r->type == ANM_ROPE_LLAMA3 && r->high_freq_factor <= r->low_freq_factor)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"high_freq_factor\" is not above \"low_freq_factor\"");
    if (r->partial_rotary_factor > 1)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"partial_rotary_factor\" is %g, above 1", r->partial_rotary_factor);
    return ANM_OK;
}

static anm_status read_numbers(const anm_config_source *s, anm_hf_rope *r) {
    ANM_TRY(anm_config_number(s, "rope_theta", r->theta, &r->theta));
    ANM_TRY(anm_config_number(s, "partial_rotary_factor", r->partial_rotary_factor,
                              &r->partial_rotary_factor));
    ANM_TRY(anm_config_number(s, "factor", 1, &r->factor));
    ANM_TRY(anm_config_number(s, "low_freq_factor", 0, &r->low_freq_factor));
    ANM_TRY(anm_config_number(s, "high_freq_factor", 0, &r->high_freq_factor));
    ANM_TRY(anm_config_number(s, "attention_factor", 0, &r->attention_factor));
    ANM_TRY(anm_config_number(s, "beta_fast", 32, &r->beta_fast));
    ANM_TRY(anm_config_number(s, "beta_slow", 1, &r->beta_slow));
    ANM_TRY(anm_config_number(s, "mscale", 0, &r->mscale));
    ANM_TRY(anm_config_number(s, "mscale_all_dim", 0, &r->mscale_all_dim));
    ANM_TRY(anm_json_get_bool(s->object, "truncate", true, &r->truncate, s->path, s->err));
    return anm_config_int(s, "original_max_position_embeddings",
                          r->original_max_position_embeddings, 1, INT64_C(1) << 40,
                          &r->original_max_position_embeddings);
}

/* {"full_attention": {...}, "sliding_attention": {...}}: one set of parameters per layer type. */
static bool is_per_layer_type(const json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (json_is_object(value)) return true;
    }
    return false;
}

/* The object that holds the parameters, NULL if there is none; `key` is its name. */
static const json_t *find_parameters(const json_t *root, const char **key) {
    static const char *const names[] = {"rope_parameters", "rope_scaling"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(root, names[i]);
        *key = names[i];
        if (value && !json_is_null(value)) return value;
    }
    return NULL;
}

/* One set of parameters; `parameters` NULL: no scaling. */
static anm_status read_set(const anm_config_source *s, const json_t *parameters, double theta,
                           const anm_hf_config *c, anm_hf_rope *r) {
    json_t *none = json_object();
    if (!none) return anm_fail_memory(s->err);
    anm_config_source inner = {json_is_object(parameters) ? parameters : none, s->path, s->err};
    anm_status status;
    r->original_max_position_embeddings = c->max_position_embeddings;
    r->theta = theta;
    ANM_CHECK(anm_config_number(s, "partial_rotary_factor", 1, &r->partial_rotary_factor));
    ANM_CHECK(read_type(&inner, r));
    ANM_CHECK(require_keys(&inner, r));
    ANM_CHECK(read_numbers(&inner, r));
    ANM_CHECK(check_values(&inner, r));
fail:
    json_decref(none);
    return status;
}

/* The sets of {"full_attention": ..., "sliding_attention": ...}; no others. */
static anm_status find_sets(const anm_config_source *s, const json_t *parameters, const char *key,
                            const json_t **full, const json_t **sliding) {
    size_t known;
    *full = json_object_get(parameters, "full_attention");
    *sliding = json_object_get(parameters, "sliding_attention");
    known = (size_t)(*full != NULL) + (size_t)(*sliding != NULL);
    if (json_object_size(parameters) == known) return ANM_OK;
    return anm_fail(s->err, ANM_ERROR_UNSUPPORTED, s->path,
                    "key \"%s\": parameters of other layer types than full_attention and "
                    "sliding_attention are not supported",
                    key);
}

anm_status anm_config_read_rope(const anm_config_source *s, anm_hf_config *c) {
    const char *key;
    const json_t *parameters = find_parameters(s->object, &key), *sliding = NULL;
    double theta, local_theta;
    if (parameters && !json_is_object(parameters))
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"%s\" is no object", key);
    ANM_TRY(anm_config_number(s, "rope_theta", 10000, &theta));
    ANM_TRY(anm_config_number(s, "rope_local_base_freq", 0, &local_theta));
    c->has_local_rope = local_theta > 0;
    if (parameters && is_per_layer_type(parameters)) {
        ANM_TRY(find_sets(s, parameters, key, &parameters, &sliding));
        c->has_local_rope = true;
    }
    ANM_TRY(read_set(s, parameters, theta, c, &c->rope));
    c->local_rope = c->rope;
    if (!c->has_local_rope) return ANM_OK;
    return read_set(s, sliding, local_theta > 0 ? local_theta : theta, c, &c->local_rope);
}

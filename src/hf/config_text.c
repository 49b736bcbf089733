/* SPDX-License-Identifier: MIT */
/*
 * The text model of a config: some files describe several models, of which text_config is one, and
 * leave out whatever the class in transformers has by default. Both are undone here, so that the
 * readers see one flat object with every key.
 */
#include <string.h>

#include "src/hf/config_internal.h"

/* By the text model's model_type: transformers' defaults where ours differ or there are none. */
static const struct {
    const char *model_type, *json;
} defaults[] = {
    {"gemma3_text",
     "{\"vocab_size\": 262208, \"hidden_size\": 2304, \"intermediate_size\": 9216, "
     "\"num_hidden_layers\": 26, \"num_attention_heads\": 8, \"num_key_value_heads\": 4, "
     "\"head_dim\": 256, \"hidden_activation\": \"gelu_pytorch_tanh\", "
     "\"max_position_embeddings\": 131072, \"rms_norm_eps\": 1e-6, "
     "\"tie_word_embeddings\": true, \"rope_theta\": 1000000.0, "
     "\"rope_local_base_freq\": 10000.0, \"query_pre_attn_scalar\": 256, "
     "\"sliding_window\": 4096, \"sliding_window_pattern\": 6}"},
};

/* Of a model of several parts: said once for all of them, beside text_config. */
static const char *const common[] = {"model_type", "architectures", "torch_dtype", "dtype",
                                     "quantization_config", "bos_token_id", "eos_token_id",
                                     "state_length"};

static const char *defaults_for(const json_t *text) {
    const char *type = json_string_value(json_object_get(text, "model_type"));
    for (size_t i = 0; type && i < sizeof defaults / sizeof defaults[0]; i++)
        if (strcmp(defaults[i].model_type, type) == 0) return defaults[i].json;
    return NULL;
}

/* Replaces the keys of `root` by those of its text_config, but for the common ones. */
static bool take_text(json_t *root) {
    json_t *text = json_deep_copy(json_object_get(root, "text_config"));
    bool ok = text != NULL;
    for (size_t i = 0; ok && i < sizeof common / sizeof common[0]; i++) {
        json_t *value = json_object_get(root, common[i]);
        if (value && !json_is_null(value)) ok = json_object_set(text, common[i], value) == 0;
    }
    ok = ok && json_object_clear(root) == 0 && json_object_update(root, text) == 0;
    json_decref(text);
    return ok;
}

/* layer_types and rope_parameters, which say more, are not in the defaults: they stay in force. */
static bool add_defaults(json_t *root, const char *text) {
    json_t *known = json_loads(text, 0, NULL), *value;
    const char *key;
    bool ok = known != NULL;
    if (json_object_get(root, "_sliding_window_pattern"))
        json_object_del(known, "sliding_window_pattern");
    json_object_foreach(known, key, value) {
        const json_t *given = json_object_get(root, key);
        if (!given) ok = ok && json_object_set(root, key, value) == 0;
    }
    json_decref(known);
    return ok;
}

anm_status anm_config_complete(json_t *root, const char *path, anm_error *err) {
    json_t *part = json_object_get(root, "text_config");
    const char *known = defaults_for(json_is_object(part) ? part : root);
    if (!known) return ANM_OK;
    if (json_is_object(part) && !take_text(root)) return anm_fail_memory(err);
    return add_defaults(root, known) ? ANM_OK : anm_fail_memory(err);
}

/* SPDX-License-Identifier: MIT */
/*
 * tokenizer_config.json and special_tokens_map.json: which tokens are BOS, EOS, PAD and UNK, and
 * the one place where the transformers library changes what tokenizer.json says: its Llama
 * classes replace the post-processor by BOS and EOS as add_bos_token and add_eos_token tell.
 */
#include <string.h>

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/hf/tokenizer_impl.h"

static anm_status load_optional(anm_arena *arena, const char *dir, const char *name,
                                const char **path, json_t **out, anm_error *err) {
    *out = NULL;
    *path = anm_path_join(arena, dir, name);
    if (!*path) return anm_fail_memory(err);
    if (!anm_path_exists(*path)) return ANM_OK;
    ANM_TRY(anm_json_load(*path, out, err));
    if (json_is_object(*out)) return ANM_OK;
    json_decref(*out);
    *out = NULL;
    return anm_fail(err, ANM_ERROR_FORMAT, *path, "not a JSON object");
}

/* A token is written as a string or as {"content": string, ...}. */
static int32_t token_id(const anm_tokenizer *t, const json_t *config, const char *key,
                        const char *path) {
    const json_t *value = json_object_get(config, key);
    if (json_is_object(value)) value = json_object_get(value, "content");
    if (!json_is_string(value)) return -1;
    anm_sv text = {json_string_value(value), json_string_length(value)};
    int32_t id = anm_tokenizer_id_of(t, text);
    if (id < 0)
        anm_log_write(ANM_LOG_WARNING, "%s: %s \"%.60s\" is not in the vocabulary", path, key,
                      text.data);
    return id;
}

static void read_special(anm_tokenizer *t, const json_t *config, const char *path, bool *known) {
    static const char *const keys[] = {"bos_token", "eos_token", "pad_token", "unk_token"};
    for (int i = 0; i < ANM_SPECIAL_KINDS; i++) {
        int32_t id = known[i] ? -1 : token_id(t, config, keys[i], path);
        if (id < 0) continue;
        t->special[i] = id;
        known[i] = true;
    }
}

static anm_status set_side(anm_id_vec *side, bool wanted, int32_t id, const char *what,
                           const char *path, anm_error *err) {
    side->len = 0;
    if (!wanted) return ANM_OK;
    if (id < 0) {
        anm_log_write(ANM_LOG_WARNING, "%s: %s is set but there is no such token", path, what);
        return ANM_OK;
    }
    return anm_vec_push(side, id) ? ANM_OK : anm_fail_memory(err);
}

static anm_status apply_llama_class(anm_tokenizer *t, const json_t *config, const char *path,
                                    anm_error *err) {
    const char *class;
    bool bos, eos;
    ANM_TRY(anm_json_get_string(config, "tokenizer_class", "", &class, path, err));
    if (strcmp(class, "LlamaTokenizer") != 0 && strcmp(class, "LlamaTokenizerFast") != 0)
        return ANM_OK;
    ANM_TRY(anm_json_get_bool(config, "add_bos_token", true, &bos, path, err));
    ANM_TRY(anm_json_get_bool(config, "add_eos_token", false, &eos, path, err));
    ANM_TRY(
        set_side(&t->post.before, bos, t->special[ANM_SPECIAL_BOS], "add_bos_token", path, err));
    return set_side(&t->post.after, eos, t->special[ANM_SPECIAL_EOS], "add_eos_token", path, err);
}

anm_status anm_tokenizer_load_config(anm_tokenizer *t, const char *dir, anm_error *err) {
    json_t *config = NULL, *map = NULL;
    const char *config_path, *map_path;
    bool known[ANM_SPECIAL_KINDS] = {false};
    anm_status status;
    ANM_CHECK(load_optional(t->arena, dir, "tokenizer_config.json", &config_path, &config, err));
    ANM_CHECK(load_optional(t->arena, dir, "special_tokens_map.json", &map_path, &map, err));
    read_special(t, config, config_path, known);
    read_special(t, map, map_path, known);
    if (config) ANM_CHECK(apply_llama_class(t, config, config_path, err));
fail:
    json_decref(config);
    json_decref(map);
    return status;
}

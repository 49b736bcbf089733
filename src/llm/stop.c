/* SPDX-License-Identifier: MIT */
/* Which token ids end an answer: all that generation_config.json, config.json and the tokenizer
 * name. ANEMLL's runners look at the tokenizer alone and so miss, e.g., Llama 3's <|eot_id|>. */
#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/llm/llm.h"

enum { MOST_STOP_IDS = 64 };

static void add(anm_llm *llm, int64_t id) {
    if (id < 0 || id > INT32_MAX || llm->stop_count == MOST_STOP_IDS) return;
    for (size_t i = 0; i < llm->stop_count; i++)
        if (llm->stop_ids[i] == id) return;
    llm->stop_ids[llm->stop_count++] = (int32_t)id;
}

static anm_status add_from(anm_llm *llm, const char *name, anm_error *err) {
    const char *path = anm_path_join(llm->arena, llm->dir, name);
    json_t *root;
    if (!path) return anm_fail_memory(err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, err));
    const json_t *eos = json_object_get(root, "eos_token_id");
    if (json_is_integer(eos)) add(llm, json_integer_value(eos));
    for (size_t i = 0; i < json_array_size(eos); i++)
        if (json_is_integer(json_array_get(eos, i)))
            add(llm, json_integer_value(json_array_get(eos, i)));
    json_decref(root);
    return ANM_OK;
}

anm_status anm_llm_read_stop_ids(anm_llm *llm, anm_error *err) {
    llm->stop_ids = ANM_ARENA_ARRAY(llm->arena, int32_t, MOST_STOP_IDS);
    if (!llm->stop_ids) return anm_fail_memory(err);
    ANM_TRY(add_from(llm, "generation_config.json", err));
    ANM_TRY(add_from(llm, "config.json", err));
    if (llm->tokenizer) add(llm, anm_tokenizer_special_id(llm->tokenizer, ANM_SPECIAL_EOS));
    return ANM_OK;
}

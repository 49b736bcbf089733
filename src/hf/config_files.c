/* SPDX-License-Identifier: MIT */
/* Where a config comes from: two files of a model directory, or the metadata of a GGUF model. */
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/hf/config_internal.h"
#include "src/hf/gguf_arch.h"

static anm_status load_object(const char *path, json_t **out, anm_error *err) {
    ANM_TRY(anm_json_load(path, out, err));
    if (json_is_object(*out)) return ANM_OK;
    json_decref(*out);
    *out = NULL;
    return anm_fail(err, ANM_ERROR_FORMAT, path, "the file is not a JSON object");
}

static anm_status load_gguf(anm_arena *arena, const char *path, anm_config_files *out,
                            anm_error *err) {
    anm_gguf *gguf;
    out->config_path = out->generation_path = path;
    ANM_TRY(anm_gguf_open(path, &gguf, err));
    anm_status status = anm_gguf_config(gguf, &out->config, err);
    if (status == ANM_OK) status = anm_gguf_generation(gguf, &out->generation, err);
    anm_gguf_close(gguf);
    return status;
}

anm_status anm_config_load(anm_arena *arena, const char *model, anm_config_files *out,
                           anm_error *err) {
    const char *gguf;
    *out = (anm_config_files){0};
    ANM_TRY(anm_gguf_locate(arena, model, &gguf, err));
    if (gguf) return load_gguf(arena, gguf, out, err);
    out->config_path = anm_path_join(arena, model, "config.json");
    out->generation_path = anm_path_join(arena, model, "generation_config.json");
    if (!out->config_path || !out->generation_path) return anm_fail_memory(err);
    ANM_TRY(load_object(out->config_path, &out->config, err));
    if (!anm_path_exists(out->generation_path)) return ANM_OK;
    return load_object(out->generation_path, &out->generation, err);
}

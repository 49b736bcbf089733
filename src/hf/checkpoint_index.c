/* SPDX-License-Identifier: MIT */
/* model.safetensors.index.json: {"weight_map": {tensor name: shard file name}, "metadata": ...}. */
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/hf/checkpoint_internal.h"

typedef struct index_reader {
    anm_checkpoint *checkpoint;
    const char *path;
    json_t *weight_map;
    anm_map shards; /* file name (the JSON's memory) to index into checkpoint->files */
    anm_error *err;
} index_reader;

/* A shard lies beside its index: a path could lead out of the model directory. */
static bool is_plain_name(const json_t *value) {
    const char *name = json_string_value(value);
    return name && *name && strlen(name) == json_string_length(value) && !strchr(name, '/') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static anm_status open_shard(index_reader *r, const char *tensor, const char *name) {
    anm_checkpoint *c = r->checkpoint;
    const char *path = anm_path_join(c->arena, c->dir, name);
    if (!path) return anm_fail_memory(r->err);
    if (!anm_path_exists(path))
        return anm_fail(r->err, ANM_ERROR_NOT_FOUND, r->path,
                        "shard %s, which should hold tensor \"%s\", is absent; download it", name,
                        tensor);
    ANM_TRY(anm_checkpoint_add_file(c, path, r->err));
    if (anm_map_put(&r->shards, anm_sv_from(name), c->files.len - 1)) return ANM_OK;
    return anm_fail_memory(r->err);
}

/* Each listed tensor must be in its shard; a shard is opened when it is first named. */
static anm_status check_entry(index_reader *r, const char *tensor, const json_t *value) {
    if (!is_plain_name(value))
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->path,
                        "weight_map gives no plain file name for tensor \"%s\"", tensor);
    const char *name = json_string_value(value);
    uint64_t shard = r->checkpoint->files.len; /* where open_shard puts a new one */
    if (!anm_map_get(&r->shards, anm_sv_from(name), &shard)) ANM_TRY(open_shard(r, tensor, name));
    if (anm_safetensors_find(r->checkpoint->files.data[shard], tensor)) return ANM_OK;
    return anm_fail(r->err, ANM_ERROR_FORMAT, r->path,
                    "tensor \"%s\" is not in shard %s, where weight_map puts it", tensor, name);
}

static void warn_of_unlisted(const index_reader *r, const anm_safetensors *file) {
    size_t unlisted = 0;
    const char *first = NULL;
    for (size_t i = 0; i < anm_safetensors_count(file); i++) {
        const char *name = anm_safetensors_get(file, i)->name;
        if (json_object_get(r->weight_map, name)) continue;
        if (!unlisted++) first = name;
    }
    if (unlisted)
        anm_log_write(ANM_LOG_WARNING, "%s: %zu tensors are not in the index, the first is \"%s\"",
                anm_safetensors_path(file), unlisted, first);
}

static anm_status read_shards(index_reader *r, const json_t *root) {
    const char *tensor;
    json_t *name;
    r->weight_map = json_object_get(root, "weight_map");
    if (!json_is_object(r->weight_map))
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->path, "key \"weight_map\" is no object");
    json_object_foreach(r->weight_map, tensor, name) ANM_TRY(check_entry(r, tensor, name));
    for (size_t i = 0; i < r->checkpoint->files.len; i++)
        warn_of_unlisted(r, r->checkpoint->files.data[i]);
    return ANM_OK;
}

anm_status anm_checkpoint_load_shards(anm_checkpoint *c, const char *index_path, anm_error *err) {
    index_reader r = {.checkpoint = c, .path = index_path, .err = err};
    json_t *root;
    ANM_TRY(anm_json_load(index_path, &root, err));
    anm_status status = read_shards(&r, root);
    anm_map_free(&r.shards);
    json_decref(root);
    return status;
}

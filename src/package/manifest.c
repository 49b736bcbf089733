/* SPDX-License-Identifier: MIT */
#include "src/package/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/map.h"

/* A path in a manifest is relative to Data/ and must not lead out of it. */
static bool stays_inside(const char *path) {
    if (!*path || *path == '/') return false;
    for (const char *p = path; p;) {
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0')) return false;
        p = strchr(p, '/');
        if (p) p++;
    }
    return true;
}

static anm_status model_item(const json_t *root, const char *file, const char **relative,
                             anm_error *err) {
    const char *id;
    ANM_TRY(anm_json_get_string(root, "rootModelIdentifier", NULL, &id, file, err));
    if (!id) return anm_fail(err, ANM_ERROR_FORMAT, file, "key \"rootModelIdentifier\" is missing");
    const json_t *item = json_object_get(json_object_get(root, "itemInfoEntries"), id);
    if (!item)
        return anm_fail(err, ANM_ERROR_FORMAT, file, "itemInfoEntries has no item \"%s\"", id);
    ANM_TRY(anm_json_get_string(item, "path", NULL, relative, file, err));
    if (!*relative || !stays_inside(*relative))
        return anm_fail(err, ANM_ERROR_FORMAT, file,
                        "the model item has no path inside the package");
    return ANM_OK;
}

anm_status anm_manifest_read(anm_arena *arena, const char *path, const char **model_file,
                             anm_error *err) {
    const char *relative = NULL, *file = anm_path_join(arena, path, "Manifest.json");
    json_t *root;
    if (!file) return anm_fail_memory(err);
    ANM_TRY(anm_json_load(file, &root, err));
    anm_status status = model_item(root, file, &relative, err);
    if (status == ANM_OK) {
        *model_file = anm_arena_printf(arena, "%s/Data/%s", path, relative);
        if (!*model_file) status = anm_fail_memory(err);
    }
    json_decref(root);
    return status;
}

/* A version-4 shaped UUID whose bits come from a hash. */
static char *make_uuid(anm_arena *arena, const char *seed, const char *role) {
    uint64_t a = anm_hash_bytes(seed, strlen(seed)) ^ anm_hash_bytes(role, strlen(role));
    uint64_t b = anm_hash_bytes(&a, sizeof a);
    return anm_arena_printf(arena,
                            "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64,
                            a >> 32, a >> 16 & 0xffff, a & 0xfff, b >> 52, b & 0xffffffffffff);
}

static json_t *make_item(const char *description, const char *name, const char *path) {
    return json_pack("{s:s, s:s, s:s, s:s}", "author", "com.apple.CoreML", "description",
                     description, "name", name, "path", path);
}

static json_t *make_manifest(const char *model_id, const char *weights_id) {
    json_t *items = json_object();
    json_object_set_new(
        items, model_id,
        make_item("CoreML Model Specification", "model.mlmodel", "com.apple.CoreML/model.mlmodel"));
    if (weights_id)
        json_object_set_new(
            items, weights_id,
            make_item("CoreML Model Weights", "weights", "com.apple.CoreML/weights"));
    return json_pack("{s:s, s:o, s:s}", "fileFormatVersion", "1.0.0", "itemInfoEntries", items,
                     "rootModelIdentifier", model_id);
}

/* For free(). */
static char *make_text(anm_arena *arena, const char *seed, bool weights) {
    char *model_id = make_uuid(arena, seed, "model");
    char *weights_id = make_uuid(arena, seed, "weights");
    if (!model_id || !weights_id) return NULL;
    json_t *manifest = make_manifest(model_id, weights ? weights_id : NULL);
    char *text = manifest ? json_dumps(manifest, JSON_INDENT(4) | JSON_SORT_KEYS) : NULL;
    json_decref(manifest);
    return text;
}

anm_status anm_manifest_write(const char *dir, const char *seed, bool weights, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    char *text = make_text(arena, seed, weights);
    char *file = anm_path_join(arena, dir, "Manifest.json");
    anm_status status = text && file ? anm_file_write(file, text, strlen(text), err)
                                     : anm_fail_memory(err);
    free(text);
    anm_arena_destroy(arena);
    return status;
}

size_t anm_manifest_bytes(anm_arena *arena, bool weights) {
    char *text = make_text(arena, "any", weights);
    size_t bytes = text ? strlen(text) : 0;
    free(text);
    return bytes;
}

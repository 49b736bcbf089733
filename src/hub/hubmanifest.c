/* SPDX-License-Identifier: MIT */
#include "src/hub/hubmanifest.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/hub/hubplace.h"

static anm_status fail_format(const char *path, anm_error *err) {
    return anm_fail(err, ANM_ERROR_FORMAT, path,
                    "this part of the cache is damaged: `anemone rm` the model and pull it again");
}

static const char *text_of(anm_arena *arena, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? anm_arena_strdup(arena, text) : NULL;
}

static anm_status read_files(anm_arena *arena, const json_t *list, const char *path,
                             anm_hub_files *out, anm_error *err) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *size = json_object_get(item, "size");
        anm_hub_file file = {.path = text_of(arena, item, "path"),
                             .hash = text_of(arena, item, "hash"),
                             .unpacked = text_of(arena, item, "unpacked"),
                             .size = (uint64_t)json_integer_value(size)};
        if (!file.path || !file.hash || !anm_hub_path_is_tame(file.path))
            return fail_format(path, err);
        if (!anm_vec_push(out, file)) return anm_fail_memory(err);
    }
    anm_hub_files_sort(out);
    return ANM_OK;
}

anm_status anm_hub_manifest_read(anm_arena *arena, const char *dir, anm_hub_manifest *out,
                                 anm_error *err) {
    *out = (anm_hub_manifest){0};
    const char *path = anm_path_join(arena, dir, ANM_HUB_MANIFEST);
    json_t *root;
    if (!path) return anm_fail_memory(err);
    if (!anm_path_exists(path))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, dir, "this is no model in the cache");
    ANM_TRY(anm_json_load(path, &root, err));
    out->name = text_of(arena, root, "name");
    out->revision = text_of(arena, root, "revision");
    out->usual = json_is_true(json_object_get(root, "usual"));
    anm_status status = out->name && out->revision
                            ? read_files(arena, json_object_get(root, "files"), path, &out->files,
                                         err)
                            : fail_format(path, err);
    json_decref(root);
    if (status != ANM_OK) anm_vec_free(&out->files);
    return status;
}

static json_t *file_json(const anm_hub_file *f) {
    json_t *item = json_pack("{s:s, s:I, s:s}", "path", f->path, "size", (json_int_t)f->size,
                             "hash", f->hash);
    if (item && f->unpacked) json_object_set_new(item, "unpacked", json_string(f->unpacked));
    return item;
}

anm_status anm_hub_manifest_write(anm_arena *arena, const char *dir,
                                  const anm_hub_manifest *manifest, anm_error *err) {
    const char *path = anm_path_join(arena, dir, ANM_HUB_MANIFEST);
    json_t *files = json_array();
    for (size_t i = 0; i < manifest->files.len; i++)
        json_array_append_new(files, file_json(&manifest->files.data[i]));
    json_t *root = json_pack("{s:i, s:s, s:s, s:b, s:o}", "format", 1, "name", manifest->name,
                             "revision", manifest->revision, "usual", manifest->usual, "files",
                             files);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!path || !text) {
        free(text);
        return anm_fail_memory(err);
    }
    anm_status status = anm_file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

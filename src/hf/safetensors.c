/* SPDX-License-Identifier: MIT */
/* An open safetensors file: the mapping, its checked header, and lookup by name. */
#include "src/base/alloc.h"
#include "src/base/map.h"
#include "src/hf/safetensors_internal.h"

struct anm_safetensors {
    anm_arena *arena;
    char *path;
    anm_mapping mapping;
    anm_safetensors_header header;
    anm_map by_name; /* index into header.tensors */
};

static anm_status index_names(anm_safetensors *file, anm_error *err) {
    const anm_safetensors_header *h = &file->header;
    if (!anm_map_reserve(&file->by_name, h->count)) return anm_fail_memory(err);
    for (size_t i = 0; i < h->count; i++)
        if (!anm_map_put(&file->by_name, anm_sv_from(h->tensors[i].name), i))
            return anm_fail_memory(err);
    return ANM_OK;
}

static anm_status load(anm_safetensors *file, const char *path, anm_error *err) {
    file->arena = anm_arena_create();
    file->path = file->arena ? anm_arena_strdup(file->arena, path) : NULL;
    if (!file->path) return anm_fail_memory(err);
    ANM_TRY(anm_mapping_open(path, &file->mapping, err));
    const anm_mapping *m = &file->mapping;
    ANM_TRY(anm_safetensors_parse(file->arena, m->data, m->size, path, &file->header, err));
    return index_names(file, err);
}

anm_status anm_safetensors_open(const char *path, anm_safetensors **out, anm_error *err) {
    *out = NULL;
    anm_safetensors *file = anm_calloc(1, sizeof *file);
    if (!file) return anm_fail_memory(err);
    anm_status status = load(file, path, err);
    if (status == ANM_OK)
        *out = file;
    else
        anm_safetensors_close(file);
    return status;
}

void anm_safetensors_close(anm_safetensors *file) {
    if (!file) return;
    anm_map_free(&file->by_name);
    anm_mapping_close(&file->mapping);
    anm_arena_destroy(file->arena);
    anm_free(file);
}

size_t anm_safetensors_count(const anm_safetensors *file) {
    return file->header.count;
}

const anm_tensor *anm_safetensors_get(const anm_safetensors *file, size_t index) {
    return index < file->header.count ? &file->header.tensors[index] : NULL;
}

const anm_tensor *anm_safetensors_find(const anm_safetensors *file, const char *name) {
    uint64_t index;
    if (!anm_map_get(&file->by_name, anm_sv_from(name), &index)) return NULL;
    return &file->header.tensors[index];
}

const char *anm_safetensors_metadata(const anm_safetensors *file, const char *key) {
    for (size_t i = 0; i < file->header.metadata_count; i++)
        if (strcmp(file->header.metadata[i].key, key) == 0) return file->header.metadata[i].value;
    return NULL;
}

const char *anm_safetensors_path(const anm_safetensors *file) {
    return file->path;
}

const anm_mapping *anm_safetensors_mapping(const anm_safetensors *file) {
    return &file->mapping;
}

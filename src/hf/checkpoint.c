/* SPDX-License-Identifier: MIT */
/*
 * An open checkpoint: its files, table of weights, lookup. checkpoint_index.c reads the index,
 * checkpoint_gguf.c names a GGUF model's tensors, checkpoint_weight.c reads the values.
 */
#include "src/hf/checkpoint.h"

#include "src/base/alloc.h"
#include "src/hf/checkpoint_internal.h"

anm_status anm_checkpoint_add_file(anm_checkpoint *c, const char *path, anm_error *err) {
    anm_safetensors *file;
    ANM_TRY(anm_safetensors_open(path, &file, err));
    if (anm_vec_push(&c->files, file)) return ANM_OK;
    anm_safetensors_close(file);
    return anm_fail_memory(err);
}

/* The name that a tensor of a larger model's language model has in the language model alone. */
static char *name_alone(anm_arena *arena, const char *name) {
    static const char outside[] = "language_model.", inside[] = "model.language_model.";
    if (anm_str_starts(name, inside))
        return anm_arena_printf(arena, "model.%s", name + strlen(inside));
    return anm_arena_strdup(arena, anm_str_starts(name, outside) ? name + strlen(outside) : name);
}

static anm_status rename_tensor(anm_checkpoint *c, anm_weight *w, anm_error *err) {
    anm_tensor *copy = anm_arena_alloc(c->arena, sizeof *copy);
    if (!copy) return anm_fail_memory(err);
    *copy = *w->tensor;
    copy->name = name_alone(c->arena, w->tensor->name);
    w->tensor = copy;
    return copy->name ? ANM_OK : anm_fail_memory(err);
}

/* The first file that has a name owns it; a second one is an error. */
anm_status anm_checkpoint_add_weight(anm_checkpoint *c, const anm_weight *w, anm_error *err) {
    anm_sv name = anm_sv_from(w->tensor->name);
    uint64_t other;
    if (anm_map_get(&c->by_name, name, &other))
        return anm_fail(err, ANM_ERROR_FORMAT, w->path, "tensor \"%s\" is also in %s",
                        w->tensor->name, c->weights.data[other].path);
    if (!anm_map_put(&c->by_name, name, c->weights.len) || !anm_vec_push(&c->weights, *w))
        return anm_fail_memory(err);
    return ANM_OK;
}

static anm_status add_weights(anm_checkpoint *c, const anm_safetensors *file, anm_error *err) {
    for (size_t i = 0; i < anm_safetensors_count(file); i++) {
        anm_weight w = {.tensor = anm_safetensors_get(file, i),
                        .path = anm_safetensors_path(file),
                        .mapping = anm_safetensors_mapping(file)};
        if (strstr(w.tensor->name, "language_model.")) ANM_TRY(rename_tensor(c, &w, err));
        ANM_TRY(anm_checkpoint_add_weight(c, &w, err));
    }
    return ANM_OK;
}

/* What a directory without safetensors holds instead, as words for the error; NULL if nothing. */
static const char *describe_other(const char *name) {
    if (anm_str_ends(name, ".gguf")) return "it is no language model, or not the first part of one";
    if (anm_str_ends(name, ".bin") && anm_str_starts(name, "pytorch_model"))
        return "PyTorch pickles are not read, save the model as safetensors";
    if (anm_str_ends(name, ".pth") || anm_str_ends(name, ".pt"))
        return "PyTorch pickles are not read, use the Hugging Face form of the model";
    if (anm_str_ends(name, ".safetensors"))
        return "without model.safetensors.index.json its place in the model is unknown";
    if (anm_str_ends(name, ".mlpackage") || anm_str_ends(name, ".mlmodelc"))
        return "this is a converted model, the original checkpoint is needed";
    return NULL;
}

static anm_status no_weights(anm_checkpoint *c, anm_error *err) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(c->arena, c->dir, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        const char *other = describe_other(names[i]);
        if (other)
            return anm_fail(err, ANM_ERROR_NOT_FOUND, c->dir,
                            "no model.safetensors or model.safetensors.index.json; found %s, but "
                            "%s",
                            names[i], other);
    }
    return anm_fail(err, ANM_ERROR_NOT_FOUND, c->dir,
                    "no model.safetensors or model.safetensors.index.json in this directory");
}

static anm_status check_dir(const char *dir, anm_error *err) {
    if (anm_path_is_dir(dir)) return ANM_OK;
    if (!anm_path_exists(dir))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, dir, "no such model directory");
    return anm_fail(err, ANM_ERROR_ARGUMENT, dir,
                    "neither a .gguf file nor a directory that holds config.json and the weights");
}

static anm_status load(anm_checkpoint *c, const char *dir, anm_error *err) {
    c->arena = anm_arena_create();
    c->dir = c->arena ? anm_arena_strdup(c->arena, dir) : NULL;
    if (!c->dir) return anm_fail_memory(err);
    const char *gguf;
    ANM_TRY(anm_gguf_locate(c->arena, dir, &gguf, err));
    if (gguf) return anm_checkpoint_load_gguf(c, gguf, err);
    ANM_TRY(check_dir(dir, err));
    const char *single = anm_path_join(c->arena, dir, "model.safetensors");
    const char *index = anm_path_join(c->arena, dir, "model.safetensors.index.json");
    if (!single || !index) return anm_fail_memory(err);
    if (anm_path_exists(single)) {
        ANM_TRY(anm_checkpoint_add_file(c, single, err));
    } else if (anm_path_exists(index)) {
        ANM_TRY(anm_checkpoint_load_shards(c, index, err));
    } else {
        return no_weights(c, err);
    }
    for (size_t i = 0; i < c->files.len; i++) ANM_TRY(add_weights(c, c->files.data[i], err));
    return anm_checkpoint_attach_scales(c, err);
}

anm_status anm_checkpoint_open(const char *dir, anm_checkpoint **out, anm_error *err) {
    *out = NULL;
    anm_checkpoint *c = anm_calloc(1, sizeof *c);
    if (!c) return anm_fail_memory(err);
    anm_status status = load(c, dir, err);
    if (status == ANM_OK) *out = c;
    else anm_checkpoint_close(c);
    return status;
}

void anm_checkpoint_close(anm_checkpoint *c) {
    if (!c) return;
    for (size_t i = 0; i < c->files.len; i++) anm_safetensors_close(c->files.data[i]);
    anm_vec_free(&c->files);
    anm_gguf_close(c->gguf);
    anm_vec_free(&c->weights);
    anm_map_free(&c->by_name);
    anm_arena_destroy(c->arena);
    anm_free(c);
}

const anm_gguf *anm_checkpoint_gguf(const anm_checkpoint *c) {
    return c->gguf;
}

const char *anm_checkpoint_dir(const anm_checkpoint *c) {
    return c->dir;
}

size_t anm_checkpoint_count(const anm_checkpoint *c) {
    return c->weights.len;
}

const anm_weight *anm_checkpoint_get(const anm_checkpoint *c, size_t index) {
    return index < c->weights.len ? &c->weights.data[index] : NULL;
}

const anm_weight *anm_checkpoint_find(const anm_checkpoint *c, const char *name) {
    uint64_t index;
    if (!anm_map_get(&c->by_name, anm_sv_from(name), &index)) return NULL;
    return &c->weights.data[index];
}

anm_status anm_checkpoint_require(const anm_checkpoint *c, const char *name, const anm_weight **out,
                                  anm_error *err) {
    *out = anm_checkpoint_find(c, name);
    if (*out) return ANM_OK;
    return anm_fail(err, ANM_ERROR_NOT_FOUND, c->dir, "the checkpoint has no tensor \"%s\"", name);
}

/* SPDX-License-Identifier: MIT */
/* Finding and opening the files of a GGUF model, and lookup over all of them. */
#include "src/hf/gguf.h"

#include <ctype.h>

#include "src/base/alloc.h"
#include "src/hf/gguf_internal.h"

enum { MOST_SPLITS = 4096, SPLIT_SUFFIX = 20 /* length of "-00001-of-00003.gguf" */ };

/* ---- which file ---- */

/* Whether a name ends as that of a split, and if so which of how many. */
static bool read_split(const char *name, int *number, int *count) {
    static const char pattern[] = "-#####-of-#####.gguf";
    size_t length = strlen(name);
    if (length < SPLIT_SUFFIX) return false;
    const char *tail = name + length - SPLIT_SUFFIX;
    for (int i = 0; i < SPLIT_SUFFIX; i++)
        if (pattern[i] == '#' ? !isdigit((unsigned char)tail[i]) : pattern[i] != tail[i])
            return false;
    *number = *count = 0;
    for (int i = 0; i < 5; i++) {
        *number = 10 * *number + tail[1 + i] - '0';
        *count = 10 * *count + tail[10 + i] - '0';
    }
    return true;
}

static bool is_candidate(const char *name) {
    int number, count;
    if (!anm_str_ends(name, ".gguf") || anm_str_starts(name, "mmproj") || *name == '.')
        return false;
    return !read_split(name, &number, &count) || number == 1;
}

static anm_status pick(anm_arena *arena, const char *dir, const char **out, anm_error *err) {
    char **names;
    size_t count;
    const char *found = NULL;
    ANM_TRY(anm_dir_list(arena, dir, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!is_candidate(names[i])) continue;
        if (found)
            return anm_fail(err, ANM_ERROR_ARGUMENT, dir,
                            "several GGUF models, such as %s and %s; name the file", found,
                            names[i]);
        found = names[i];
    }
    if (!found) return ANM_OK;
    *out = anm_path_join(arena, dir, found);
    return *out ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_gguf_locate(anm_arena *arena, const char *model, const char **out, anm_error *err) {
    *out = NULL;
    if (!anm_path_is_dir(model)) {
        if (anm_path_exists(model) && anm_str_ends(model, ".gguf")) *out = model;
        return ANM_OK;
    }
    const char *single = anm_path_join(arena, model, "model.safetensors");
    const char *index = anm_path_join(arena, model, "model.safetensors.index.json");
    if (!single || !index) return anm_fail_memory(err);
    if (anm_path_exists(single) || anm_path_exists(index)) return ANM_OK;
    return pick(arena, model, out, err);
}

/* ---- opening ---- */

static anm_status open_file(anm_gguf *g, anm_gguf_file *file, const char *path, anm_error *err) {
    file->path = anm_arena_strdup(g->arena, path);
    if (!file->path) return anm_fail_memory(err);
    ANM_TRY(anm_mapping_open(path, &file->mapping, err));
    g->file_count++;
    return anm_gguf_parse(g->arena, file, err);
}

static anm_status split_int(const anm_gguf_file *file, const char *key, int64_t absent,
                            int64_t *out, anm_error *err) {
    const anm_gguf_value *v = anm_gguf_file_find(file, key);
    *out = absent;
    if (!v || (anm_gguf_value_int(v, out) && *out >= 0 && *out <= INT32_MAX)) return ANM_OK;
    return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, v->offset,
                       "key \"%s\" is not a count", key);
}

static anm_status open_split(anm_gguf *g, const char *first, int64_t index, int64_t count,
                             anm_error *err) {
    int64_t number;
    size_t stem = strlen(first) - SPLIT_SUFFIX;
    const char *path = anm_arena_printf(g->arena, "%.*s-%05d-of-%05d.gguf", (int)stem, first,
                                        (int)index + 1, (int)count);
    if (!path) return anm_fail_memory(err);
    if (!anm_path_exists(path))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, path,
                        "this part of the model is missing (%d in all)", (int)count);
    ANM_TRY(open_file(g, &g->files[index], path, err));
    ANM_TRY(split_int(&g->files[index], "split.no", -1, &number, err));
    if (number == index) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, path, "split.no is %d, not %d", (int)number,
                    (int)index);
}

/* Any of the splits may be named. */
static anm_status open_files(anm_gguf *g, const char *path, anm_error *err) {
    int number, of;
    int64_t count;
    anm_gguf_file probe = {0};
    bool by_name = read_split(path, &number, &of);
    if (by_name && of > 1 && of <= MOST_SPLITS && number >= 1 && number <= of) {
        g->files = ANM_ARENA_ARRAY(g->arena, anm_gguf_file, of);
        if (!g->files) return anm_fail_memory(err);
        for (int i = 0; i < of; i++) ANM_TRY(open_split(g, path, i, of, err));
        ANM_TRY(split_int(&g->files[0], "split.count", 0, &count, err));
        if (count == of) return ANM_OK;
        return anm_fail(err, ANM_ERROR_FORMAT, g->files[0].path,
                        "split.count is %d, though its name says %d", (int)count, of);
    }
    g->files = anm_arena_copy(g->arena, &probe, sizeof probe);
    if (!g->files) return anm_fail_memory(err);
    ANM_TRY(open_file(g, g->files, path, err));
    ANM_TRY(split_int(g->files, "split.count", 0, &count, err));
    if (count <= 1) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, path,
                    "one of %d parts, but its name does not end as in -00001-of-%05d.gguf",
                    (int)count, (int)count);
}

static anm_status add_tensors(anm_gguf *g, const anm_gguf_file *file, anm_error *err) {
    for (size_t i = 0; i < file->tensor_count; i++) {
        const anm_gguf_tensor *t = &file->tensors[i];
        anm_sv name = anm_sv_from(t->tensor.name);
        if (anm_map_get(&g->by_name, name, NULL))
            return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, t->info,
                               "tensor \"%s\" is there twice", t->tensor.name);
        if (!anm_map_put(&g->by_name, name, g->tensors.len) || !anm_vec_push(&g->tensors, t))
            return anm_fail_memory(err);
    }
    return ANM_OK;
}

static anm_status load(anm_gguf *g, const char *path, anm_error *err) {
    int64_t total;
    g->arena = anm_arena_create();
    if (!g->arena) return anm_fail_memory(err);
    ANM_TRY(open_files(g, path, err));
    for (size_t i = 0; i < g->file_count; i++) ANM_TRY(add_tensors(g, &g->files[i], err));
    ANM_TRY(split_int(&g->files[0], "split.tensors.count", (int64_t)g->tensors.len, &total, err));
    if (total == (int64_t)g->tensors.len) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, g->files[0].path,
                    "split.tensors.count is %d, but the files have %zu tensors", (int)total,
                    g->tensors.len);
}

anm_status anm_gguf_open(const char *path, anm_gguf **out, anm_error *err) {
    *out = NULL;
    anm_gguf *g = anm_calloc(1, sizeof *g);
    if (!g) return anm_fail_memory(err);
    anm_status status = load(g, path, err);
    if (status == ANM_OK) *out = g;
    else anm_gguf_close(g);
    return status;
}

void anm_gguf_close(anm_gguf *g) {
    if (!g) return;
    for (size_t i = 0; i < g->file_count; i++) {
        anm_map_free(&g->files[i].by_key);
        anm_mapping_close(&g->files[i].mapping);
    }
    anm_vec_free(&g->tensors);
    anm_map_free(&g->by_name);
    anm_arena_destroy(g->arena);
    anm_free(g);
}

const char *anm_gguf_path(const anm_gguf *g) {
    return g->files[0].path;
}

size_t anm_gguf_tensor_count(const anm_gguf *g) {
    return g->tensors.len;
}

const anm_gguf_tensor *anm_gguf_tensor_at(const anm_gguf *g, size_t index) {
    return g->tensors.data[index];
}

const anm_gguf_tensor *anm_gguf_tensor_find(const anm_gguf *g, const char *name) {
    uint64_t index;
    if (!anm_map_get(&g->by_name, anm_sv_from(name), &index)) return NULL;
    return g->tensors.data[index];
}

/* SPDX-License-Identifier: MIT */
/*
 * Which packages of a directory make the model. A package and its compiled form may stand side by
 * side: the package is taken. meta.yaml's ffn is spelled in two ways: the first chunk's file, or,
 * as ANEMLL's generator has it, a name without the chunk, "qwen_FFN_PF_lut8.mlmodelc".
 */
#include <string.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/llm/modelconfig.h"
#include "src/llm/role.h"

enum { MOST_SOURCES = 400 };

typedef struct lister {
    anm_llm *llm;
    anm_llm_sources *out;
    anm_error *err;
} lister;

static anm_status add(lister *l, const char *path) {
    const char *file = path ? anm_path_base(l->llm->arena, path) : NULL;
    if (!file) return anm_fail_memory(l->err);
    l->out->items[l->out->count++] = (anm_llm_source){.path = path, .file = file};
    return ANM_OK;
}

/* ---- what meta.yaml names ---- */

/* The package or compiled model of a stem in the model's directory; NULL: neither is there. */
static const char *find_stem(const lister *l, const char *stem) {
    static const char *const forms[] = {"mlpackage", "mlmodelc"};
    for (int i = 0; i < 2; i++) {
        const char *path = anm_arena_printf(l->llm->arena, "%s/%s.%s", l->llm->dir, stem, forms[i]);
        if (path && anm_path_is_dir(path)) return path;
    }
    return NULL;
}

/* Not there is no error: *complete tells. */
static anm_status add_stem(lister *l, const char *stem, bool *complete) {
    const char *path = stem ? find_stem(l, stem) : NULL;
    if (!path) *complete = false;
    return path ? add(l, path) : ANM_OK;
}

static const char *stem_of(const lister *l, const char *file) {
    size_t length = strlen(file);
    if (anm_str_ends(file, ".mlmodelc")) length -= strlen(".mlmodelc");
    else if (anm_str_ends(file, ".mlpackage")) length -= strlen(".mlpackage");
    return anm_arena_strndup(l->llm->arena, file, length);
}

/* "qwen_FFN_PF" or "qwen_FFN_PF_chunk_01of02": every chunk. */
static anm_status add_chunks(lister *l, const char *stem, bool *complete) {
    size_t number, chunks = l->llm->meta.chunks ? l->llm->meta.chunks : 1;
    const char *mark = strstr(stem, "_chunk_");
    if (mark) anm_llm_chunk_numbers(stem, &number, &chunks);
    else if (find_stem(l, stem)) return add_stem(l, stem, complete);
    int length = mark ? (int)(mark - stem) : (int)strlen(stem);
    for (size_t i = 1; i <= chunks && i < 100; i++)
        ANM_TRY(add_stem(l,
                         anm_arena_printf(l->llm->arena, "%.*s_chunk_%02zuof%02zu", length, stem, i,
                                          chunks),
                         complete));
    return ANM_OK;
}

static anm_status list_named(lister *l, bool *complete) {
    const anm_llm_meta *meta = &l->llm->meta;
    *complete = meta->whole || (meta->embeddings && meta->head && meta->ffn);
    if (!*complete) return ANM_OK;
    if (meta->whole) return add_stem(l, stem_of(l, meta->whole), complete);
    const char *ffn = stem_of(l, meta->ffn);
    if (!ffn) return anm_fail_memory(l->err);
    ANM_TRY(add_stem(l, stem_of(l, meta->embeddings), complete));
    ANM_TRY(add_chunks(l, ffn, complete));
    return add_stem(l, stem_of(l, meta->head), complete);
}

/* ---- what is there ---- */

static bool is_wanted(char **names, size_t count, size_t index) {
    const char *name = names[index];
    if (anm_str_ends(name, ".mlpackage")) return true;
    if (!anm_str_ends(name, ".mlmodelc")) return false;
    size_t stem = strlen(name) - strlen(".mlmodelc");
    for (size_t i = 0; i < count; i++)
        if (anm_str_ends(names[i], ".mlpackage") && strlen(names[i]) == stem + 10 &&
            strncmp(names[i], name, stem) == 0)
            return false;
    return true;
}

static anm_status list_all(lister *l, const char *dir) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(l->llm->arena, dir, &names, &count, l->err));
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(names, count, i)) continue;
        if (l->out->count == MOST_SOURCES)
            return anm_fail(l->err, ANM_ERROR_LIMIT, dir, "more than %d packages are here",
                            MOST_SOURCES);
        ANM_TRY(add(l, anm_path_join(l->llm->arena, dir, names[i])));
    }
    return ANM_OK;
}

static anm_status nothing_found(const lister *l) {
    char **names;
    size_t count;
    const char *dir = l->llm->dir;
    ANM_TRY(anm_dir_list(l->llm->arena, dir, &names, &count, l->err));
    for (size_t i = 0; i < count; i++)
        if (anm_str_ends(names[i], ".safetensors"))
            return anm_fail(l->err, ANM_ERROR_NOT_FOUND, dir,
                            "this is a checkpoint, not yet converted: run `anemone convert` first");
    return anm_fail(l->err, ANM_ERROR_NOT_FOUND, dir,
                    "no .mlpackage or .mlmodelc is in this directory");
}

anm_status anm_llm_list_sources(anm_llm *llm, anm_llm_sources *out, anm_error *err) {
    lister l = {llm, out, err};
    bool complete = false;
    *out = (anm_llm_sources){0};
    if (llm->config) return anm_model_config_sources(llm->config, llm->arena, out, err);
    out->items = ANM_ARENA_ARRAY(llm->arena, anm_llm_source, MOST_SOURCES);
    if (!out->items) return anm_fail_memory(err);
    ANM_TRY(list_named(&l, &complete));
    if (complete) return ANM_OK;
    out->count = 0;
    ANM_TRY(list_all(&l, llm->dir));
    const char *inner = anm_path_join(llm->arena, llm->dir, "coreml");
    if (!inner) return anm_fail_memory(err);
    if (!out->count && anm_path_is_dir(inner)) ANM_TRY(list_all(&l, inner));
    return out->count ? ANM_OK : nothing_found(&l);
}

/* SPDX-License-Identifier: MIT */
/* What an evaluation measures: packages, or a checkpoint by its plain forward pass. */
#include <string.h>

#include "anemone/model_config.h"
#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hf/gguf.h"
#include "src/llm/eval.h"

static bool is_package(const char *name) {
    return anm_str_ends(name, ".mlpackage") || anm_str_ends(name, ".mlmodelc") ||
           strcmp(name, ANM_MODEL_CONFIG_FILE) == 0;
}

/*
 * Whether packages, or what describes them, are in the directory or, without a checkpoint's
 * weights, in its subdirectory "coreml"; none, if it cannot be read.
 */
static bool has_packages(anm_arena *arena, const char *dir) {
    char **names;
    size_t count;
    bool weights = false;
    if (anm_dir_list(arena, dir, &names, &count, NULL) != ANM_OK) return false;
    for (size_t i = 0; i < count; i++) {
        if (is_package(names[i])) return true;
        weights = weights || anm_str_ends(names[i], ".safetensors");
        weights = weights || anm_str_ends(names[i], ".gguf");
    }
    const char *inner = anm_path_join(arena, dir, "coreml");
    return !weights && inner && anm_path_is_dir(inner) && has_packages(arena, inner);
}

/* A file without one can still be driven by token ids. */
static anm_status open_gguf_tokenizer(anm_eval_model *m, const char *path, anm_error *err) {
    anm_error problem;
    anm_status status = anm_tokenizer_open(path, &m->tokenizer, &problem);
    if (status == ANM_OK || status == ANM_ERROR_NOT_FOUND) return ANM_OK;
    if (err) *err = problem;
    return status;
}

static anm_status open_checkpoint(anm_eval_model *m, anm_arena *arena, const char *dir,
                                  anm_error *err) {
    const char *base = anm_path_base(arena, dir), *gguf;
    const char *tokenizer = anm_path_join(arena, dir, "tokenizer.json");
    m->name = base ? anm_strdup(base) : NULL;
    if (!m->name || !tokenizer) return anm_fail_memory(err);
    ANM_TRY(anm_forward_open(dir, &m->forward, err));
    if (anm_path_exists(tokenizer)) return anm_tokenizer_open(dir, &m->tokenizer, err);
    ANM_TRY(anm_gguf_locate(arena, dir, &gguf, err));
    return gguf ? open_gguf_tokenizer(m, gguf, err) : ANM_OK;
}

static anm_status open_either(anm_eval_model *m, const char *dir, const anm_llm_options *options,
                              anm_error *err) {
    anm_arena *arena = anm_arena_create();
    anm_status status;
    if (!arena) return anm_fail_memory(err);
    bool gguf = !anm_path_is_dir(dir) && anm_str_ends(dir, ".gguf");
    if (has_packages(arena, dir) || (!anm_path_is_dir(dir) && !gguf))
        status = anm_llm_open(dir, options, &m->owned, err);
    else status = open_checkpoint(m, arena, dir, err);
    m->llm = m->owned;
    anm_arena_destroy(arena);
    return status;
}

anm_status anm_eval_model_open(const char *dir, const anm_llm_options *options,
                               anm_eval_model **out, anm_error *err) {
    *out = NULL;
    anm_eval_model *m = anm_calloc(1, sizeof *m);
    if (!m) return anm_fail_memory(err);
    anm_status status = open_either(m, dir, options, err);
    if (status == ANM_OK) *out = m;
    else anm_eval_model_close(m);
    return status;
}

void anm_eval_model_close(anm_eval_model *m) {
    if (!m) return;
    anm_llm_close(m->owned);
    anm_forward_close(m->forward);
    anm_tokenizer_close(m->tokenizer);
    anm_free(m->name);
    anm_free(m);
}

const char *anm_eval_model_name(const anm_eval_model *m) {
    return m->llm ? anm_llm_name(m->llm) : m->name;
}

const anm_tokenizer *anm_eval_model_tokenizer(const anm_eval_model *m) {
    return m->llm ? anm_llm_tokenizer(m->llm) : m->tokenizer;
}

const anm_llm *anm_eval_model_llm(const anm_eval_model *m) {
    return m->llm;
}

size_t anm_eval_model_vocab_size(const anm_eval_model *m) {
    return m->llm ? anm_llm_vocab_size(m->llm) : anm_forward_vocab_size(m->forward);
}

/* A checkpoint that does not say how far it was trained takes windows of any length. */
size_t anm_eval_model_context_length(const anm_eval_model *m) {
    if (m->llm) return anm_llm_context_length(m->llm);
    int64_t most = anm_forward_config(m->forward)->max_position_embeddings;
    return most > 0 ? (size_t)most : 1 << 20;
}

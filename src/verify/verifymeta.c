/* SPDX-License-Identifier: MIT */
/*
 * What stands beside the packages: meta.yaml, by which ANEMLL's runners open them, and config.json,
 * which says what model they should be.
 */
#include <stdio.h>
#include <stdlib.h>

#include "src/base/file.h"
#include "src/base/yamlread.h"
#include "src/hf/config.h"
#include "src/llm/llm.h"
#include "src/verify/verify_internal.h"

enum { META_LIMIT = 1 << 20 };

/* ---- meta.yaml ---- */

typedef struct meta {
    anm_verifier *v;
    anm_yaml *yaml;
    size_t wrong;
} meta;

/* NULL if absent. */
static const char *parameter(const meta *m, const char *key) {
    char path[64];
    snprintf(path, sizeof path, "model_info/parameters/%s", key);
    return anm_yaml_scalar(m->yaml, path);
}

static anm_status check_number(meta *m, const char *key, size_t actual) {
    const char *text = parameter(m, key);
    if (!text || (size_t)strtoull(text, NULL, 10) == actual) return ANM_OK;
    m->wrong++;
    return anm_verify_note(m->v, ANM_VERIFY_FAILED, "meta", "meta.yaml",
                           "%s is %s, the packages have %zu: correct it, or convert again", key,
                           text, actual);
}

/* The compiled name of meta.yaml stands for the package as well. */
static bool part_is_there(const anm_verifier *v, const char *name) {
    size_t stem = strlen(name);
    if (anm_str_ends(name, ".mlmodelc")) stem -= strlen(".mlmodelc");
    else if (anm_str_ends(name, ".mlpackage")) stem -= strlen(".mlpackage");
    for (size_t i = 0; i < v->part_count; i++) {
        const char *file = v->parts[i].file;
        if (strncmp(file, name, stem) == 0 && file[stem] == '.' && !strchr(file + stem + 1, '.'))
            return true;
    }
    return false;
}

static anm_status check_file(meta *m, const char *key, const char *name) {
    if (part_is_there(m->v, name)) return ANM_OK;
    m->wrong++;
    return anm_verify_note(m->v, ANM_VERIFY_FAILED, "meta", "meta.yaml",
                           "%s names %s, which is not here, neither compiled nor as a package: "
                           "correct it, or convert again", key, name);
}

/*
 * "qwen_FFN_PF.mlmodelc" stands for all chunks: "qwen_FFN_PF_chunk_01of02". With one, ANEMLL names
 * it so as well, and so do we; a name with the chunk in it is taken as it is.
 */
static anm_status check_chunks(meta *m, const char *name) {
    const char *given = parameter(m, "num_chunks");
    size_t chunks = given ? (size_t)strtoull(given, NULL, 10) : 1;
    const char *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);
    char file[300];
    if (part_is_there(m->v, name) || strstr(name, "_chunk_")) return check_file(m, "ffn", name);
    for (size_t i = 1; i <= chunks && i < 100; i++) {
        snprintf(file, sizeof file, "%.*s_chunk_%02zuof%02zu.mlmodelc", stem, name, i, chunks);
        ANM_TRY(check_file(m, "ffn", file));
    }
    return ANM_OK;
}

static anm_status check_parameters(meta *m) {
    const anm_llm *llm = m->v->llm;
    const char *embeddings = parameter(m, "embeddings"), *head = parameter(m, "lm_head");
    const char *ffn = parameter(m, "ffn");
    if (embeddings) ANM_TRY(check_file(m, "embeddings", embeddings));
    if (head) ANM_TRY(check_file(m, "lm_head", head));
    if (ffn) ANM_TRY(check_chunks(m, ffn));
    if (!llm) return ANM_OK;
    ANM_TRY(check_number(m, "context_length", llm->context));
    ANM_TRY(check_number(m, "batch_size", llm->batch));
    ANM_TRY(check_number(m, "num_chunks", llm->chunk_count));
    if (llm->logits_count) ANM_TRY(check_number(m, "split_lm_head", llm->logits_count));
    return ANM_OK;
}

static anm_status check_document(meta *m) {
    if (!anm_yaml_has(m->yaml, "model_info/parameters"))
        return anm_verify_note(m->v, ANM_VERIFY_FAILED, "meta", "meta.yaml",
                               "it has no model_info with parameters: convert again");
    ANM_TRY(check_parameters(m));
    if (m->wrong) return ANM_OK;
    return anm_verify_note(m->v, ANM_VERIFY_OK, "meta", "meta.yaml",
                           "its sizes and file names are those of the packages");
}

anm_status anm_verify_meta(anm_verifier *v) {
    meta m = {.v = v};
    const char *path = anm_path_join(v->arena, v->dir, "meta.yaml");
    char *text;
    size_t size;
    anm_error error;
    if (!path) return anm_fail_memory(v->err);
    if (!anm_path_exists(path) && v->config)
        return anm_verify_note(v, ANM_VERIFY_SKIPPED, "meta", "meta.yaml",
                               "there is none: %s describes the model", v->model);
    if (!anm_path_exists(path))
        return anm_verify_note(v, ANM_VERIFY_FAILED, "meta", "meta.yaml",
                               "it is missing: ANEMLL's runners need it; convert again");
    if (anm_file_read(v->arena, path, META_LIMIT, &text, &size, &error) != ANM_OK)
        return anm_verify_note_error(v, "meta", "meta.yaml", &error, NULL);
    if (anm_yaml_parse(text, size, "meta.yaml", &m.yaml, &error) != ANM_OK)
        return anm_verify_note_error(v, "meta", "meta.yaml", &error, "convert again");
    anm_status status = check_document(&m);
    anm_yaml_free(m.yaml);
    return status;
}

/* ---- config.json ---- */

/* Rows of all KV cache states: two a layer; 0 without a state of the usual form. */
static int64_t cache_rows(const anm_verifier *v, int64_t *kv_heads, int64_t *head_dim) {
    const anm_llm_chunk *chunk = &v->llm->chunks[0];
    const anm_function *f = chunk->functions[ANM_LLM_INFER];
    int64_t rows = 0;
    for (size_t i = 0; f && i < anm_function_state_count(f); i++) {
        const anm_feature *s = anm_function_state(f, i);
        if (s->rank != 4) return 0;
        rows += s->shape[0];
        *kv_heads = s->shape[1];
        *head_dim = s->shape[3];
    }
    return rows;
}

typedef struct comparison {
    const char *what;
    int64_t configured, actual;
} comparison;

static anm_status compare_sizes(anm_verifier *v, const char *path, const anm_hf_config *c) {
    int64_t kv_heads = 0, head_dim = 0, rows = cache_rows(v, &kv_heads, &head_dim);
    const comparison sizes[] = {
        {"hidden_size", c->hidden_size, (int64_t)v->llm->hidden},
        {"vocab_size", c->vocab_size, (int64_t)v->llm->vocab},
        {"num_hidden_layers", c->num_hidden_layers, rows ? rows / 2 : c->num_hidden_layers},
        {"num_key_value_heads", c->num_key_value_heads, rows ? kv_heads : c->num_key_value_heads},
        {"head_dim", c->has_head_dim ? c->head_dim : 0, rows ? head_dim : 0},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const comparison *s = &sizes[i];
        if (s->configured == s->actual || !s->configured || !s->actual) continue;
        return anm_verify_note(v, ANM_VERIFY_FAILED, "config", path,
                               "%s is %lld, the packages have %lld: they were made of another "
                               "checkpoint",
                               s->what, (long long)s->configured, (long long)s->actual);
    }
    return anm_verify_note(v, ANM_VERIFY_OK, "config", path,
                           "%s, %lld layers of hidden size %lld: the packages' sizes",
                           c->model_type, (long long)c->num_hidden_layers,
                           (long long)c->hidden_size);
}

anm_status anm_verify_config(anm_verifier *v, const char *dir) {
    anm_hf_config config;
    anm_error error;
    const char *path = anm_path_join(v->arena, dir, "config.json");
    if (!path) return anm_fail_memory(v->err);
    if (!v->llm) return ANM_OK;
    if (!anm_path_exists(path))
        return anm_verify_note(v, ANM_VERIFY_SKIPPED, "config", path,
                               "there is none to hold the packages against");
    if (anm_hf_config_read(dir, &config, &error) != ANM_OK)
        return anm_verify_note_error(v, "config", path, &error, NULL);
    return compare_sizes(v, path, &config);
}

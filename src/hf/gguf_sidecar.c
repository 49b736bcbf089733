/* SPDX-License-Identifier: MIT */
#include "src/hf/gguf_sidecar.h"

#include <stdlib.h>

#include "src/hf/gguf_arch.h"
#include "src/hf/gguf_tokenizer.h"

static anm_status write_text(anm_arena *arena, const char *dir, const char *name, const char *text,
                             size_t length, anm_error *err) {
    const char *path = anm_path_join(arena, dir, name);
    return path ? anm_file_write(path, text, length, err) : anm_fail_memory(err);
}

static anm_status write_object(anm_arena *arena, const char *dir, const char *name,
                               const json_t *object, anm_error *err) {
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    const char *line = text ? anm_arena_printf(arena, "%s\n", text) : NULL;
    free(text);
    if (!line) return anm_fail_memory(err);
    return write_text(arena, dir, name, line, strlen(line), err);
}

static anm_status write_configs(const anm_gguf *g, anm_arena *arena, const char *dir,
                                anm_error *err) {
    json_t *config, *generation = NULL;
    ANM_TRY(anm_gguf_config(g, &config, err));
    anm_status status = anm_gguf_generation(g, &generation, err);
    if (status == ANM_OK) status = write_object(arena, dir, "config.json", config, err);
    if (status == ANM_OK)
        status = write_object(arena, dir, "generation_config.json", generation, err);
    json_decref(config);
    json_decref(generation);
    return status;
}

typedef anm_status (*text_fn)(const anm_gguf_vocab *vocab, anm_strbuf *out, anm_error *err);

static anm_status write_made(const anm_gguf_vocab *v, anm_arena *arena, const char *dir,
                             const char *name, text_fn make, anm_error *err) {
    anm_strbuf text = {0};
    anm_status status = make(v, &text, err);
    if (status == ANM_OK) status = write_text(arena, dir, name, text.data, text.len, err);
    anm_strbuf_free(&text);
    return status;
}

/* ---- a tokenizer that lies beside ---- */

/* The file of that name in the GGUF file's directory; *out is NULL if there is none. */
static anm_status find_beside(const anm_gguf *g, anm_arena *arena, const char *name,
                              const char **out, anm_error *err) {
    const char *path = anm_gguf_path(g), *slash = strrchr(path, '/');
    *out = anm_arena_printf(arena, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
    if (!*out) return anm_fail_memory(err);
    if (!anm_path_exists(*out)) *out = NULL;
    return ANM_OK;
}

static anm_status copy_beside(const anm_gguf *g, anm_arena *arena, const char *dir,
                              anm_error *err) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json",
                                        "special_tokens_map.json", "added_tokens.json",
                                        "chat_template.jinja"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *from, *to = anm_path_join(arena, dir, names[i]);
        if (!to) return anm_fail_memory(err);
        ANM_TRY(find_beside(g, arena, names[i], &from, err));
        if (from) ANM_TRY(anm_file_copy(from, to, err));
    }
    return ANM_OK;
}

anm_status anm_gguf_find_tokenizer(const anm_gguf *g, anm_arena *arena, anm_gguf_vocab *vocab,
                                   bool *has, const char **beside, anm_error *err) {
    anm_error why = {0};
    *beside = NULL;
    anm_status status = anm_gguf_vocab_read(g, arena, vocab, has, &why);
    if (status == ANM_ERROR_UNSUPPORTED) {
        ANM_TRY(find_beside(g, arena, "tokenizer.json", beside, err));
        *has = *beside != NULL;
        if (*beside) return ANM_OK;
        return anm_fail(err, status, why.where, "%s; or put the original's tokenizer.json and "
                        "tokenizer_config.json beside the file", why.message);
    }
    if (status != ANM_OK && err) *err = why;
    return status;
}

anm_status anm_gguf_check_tokenizer(const anm_gguf *g, anm_error *err) {
    anm_gguf_vocab vocab;
    bool has;
    const char *beside;
    anm_arena *scratch = anm_arena_create();
    if (!scratch) return anm_fail_memory(err);
    anm_status status = anm_gguf_find_tokenizer(g, scratch, &vocab, &has, &beside, err);
    anm_arena_destroy(scratch);
    return status;
}

static anm_status write_tokenizer(const anm_gguf *g, anm_arena *arena, const char *dir, bool *has,
                                  anm_error *err) {
    anm_gguf_vocab v;
    const char *beside;
    ANM_TRY(anm_gguf_find_tokenizer(g, arena, &v, has, &beside, err));
    if (!*has) return ANM_OK;
    if (beside) return copy_beside(g, arena, dir, err);
    ANM_TRY(write_made(&v, arena, dir, "tokenizer.json", anm_gguf_tokenizer_json, err));
    return write_made(&v, arena, dir, "tokenizer_config.json", anm_gguf_tokenizer_config, err);
}

anm_status anm_gguf_write_sidecars(const anm_gguf *g, const char *dir, bool *tokenizer,
                                   anm_error *err) {
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    anm_status status = write_configs(g, arena, dir, err);
    if (status == ANM_OK) status = write_tokenizer(g, arena, dir, tokenizer, err);
    anm_arena_destroy(arena);
    return status;
}

/* SPDX-License-Identifier: MIT */
/* Opening, closing and asking a tokenizer. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/hf/tok_bytetrie.h"
#include "src/hf/tokenizer_impl.h"

static anm_status load_file(anm_tokenizer *t, const char *path, anm_error *err) {
    anm_mapping file;
    ANM_TRY(anm_mapping_open(path, &file, err));
    anm_sv text = {(const char *)file.data, file.size};
    anm_status status = anm_tokenizer_load_text(t, text, path, err);
    anm_mapping_close(&file);
    return status;
}

anm_status anm_tokenizer_load_dir(anm_tokenizer *t, const char *dir, anm_error *err) {
    char *file = anm_path_join(t->arena, dir, "tokenizer.json");
    if (!file) return anm_fail_memory(err);
    ANM_TRY(load_file(t, file, err));
    return anm_tokenizer_load_config(t, dir, err);
}

static anm_status load_path(anm_tokenizer *t, const char *path, anm_error *err) {
    if (anm_path_is_dir(path)) return anm_tokenizer_load_dir(t, path, err);
    if (anm_str_ends(path, ".gguf")) return anm_tokenizer_load_gguf(t, path, err);
    return load_file(t, path, err);
}

static anm_tokenizer *create(void) {
    anm_tokenizer *t = anm_calloc(1, sizeof *t);
    if (!t) return NULL;
    memset(t->special, 0xFF, sizeof t->special);
    anm_trie_init(&t->added.plain);
    anm_trie_init(&t->added.normalized);
    pthread_mutex_init(&t->lock, NULL);
    t->arena = anm_arena_create();
    if (t->arena) return t;
    anm_tokenizer_close(t);
    return NULL;
}

static anm_status hand_out(anm_tokenizer *t, anm_status status, anm_tokenizer **out) {
    if (status != ANM_OK) anm_tokenizer_close(t);
    *out = status == ANM_OK ? t : NULL;
    return status;
}

anm_status anm_tokenizer_open(const char *path, anm_tokenizer **out, anm_error *err) {
    anm_tokenizer *t = create();
    *out = NULL;
    return t ? hand_out(t, load_path(t, path, err), out) : anm_fail_memory(err);
}

anm_status anm_tokenizer_open_text(anm_sv text, const char *where, anm_tokenizer **out,
                                   anm_error *err) {
    anm_tokenizer *t = create();
    *out = NULL;
    return t ? hand_out(t, anm_tokenizer_load_text(t, text, where, err), out)
             : anm_fail_memory(err);
}

void anm_encode_scratch_free(anm_encode_scratch *s) {
    anm_strbuf_free(&s->repaired);
    anm_norm_scratch_free(&s->norm);
    anm_pretok_scratch_free(&s->pretok);
    anm_model_scratch_free(&s->model);
    anm_regex_scratch_free(&s->regex);
    anm_free(s);
}

void anm_tokenizer_close(anm_tokenizer *t) {
    if (!t) return;
    for (int i = 0; i < t->idle_count; i++) anm_encode_scratch_free(t->idle[i]);
    anm_normalizer_free(&t->normalizer);
    anm_pretok_free(&t->pretok);
    anm_model_free(&t->model);
    anm_added_free(&t->added);
    anm_post_free(&t->post);
    anm_decode_chain_free(&t->decoder);
    anm_byte_trie_destroy(t->byte_trie);
    anm_arena_destroy(t->arena);
    pthread_mutex_destroy(&t->lock);
    anm_free(t);
}

anm_sv anm_tokenizer_text_of(const anm_tokenizer *t, int32_t id) {
    const anm_added_token *added = anm_added_by_id(&t->added, id);
    return added ? added->content : anm_vocab_text(&t->model.vocab, id);
}

int32_t anm_tokenizer_id_of(const anm_tokenizer *t, anm_sv text) {
    const anm_added_token *added = anm_added_by_text(&t->added, text);
    return added ? added->id : anm_vocab_find(&t->model.vocab, text);
}

int32_t anm_tokenizer_vocab_size(const anm_tokenizer *t) {
    return t->added.id_limit;
}

const char *anm_tokenizer_token_text(const anm_tokenizer *t, int32_t id) {
    return anm_tokenizer_text_of(t, id).data;
}

int32_t anm_tokenizer_token_id(const anm_tokenizer *t, const char *text) {
    return anm_tokenizer_id_of(t, anm_sv_from(text));
}

int32_t anm_tokenizer_special_id(const anm_tokenizer *t, anm_special_token kind) {
    return (unsigned)kind < ANM_SPECIAL_KINDS ? t->special[kind] : -1;
}

bool anm_tokenizer_is_special(const anm_tokenizer *t, int32_t id) {
    const anm_added_token *added = anm_added_by_id(&t->added, id);
    return added && added->special;
}

/* SPDX-License-Identifier: MIT */
/*
 * Added tokens from JSON. As in the Rust library the id in the file does not decide: a token
 * that the vocabulary has keeps that id, any other gets the next free number. The two agree in
 * well-made files; a warning says so when they do not.
 */
#include "src/base/log.h"
#include "src/hf/tok_added.h"
#include "src/hf/tok_component.h"

static anm_status read_token(const json_t *value, anm_arena *arena, const char *where,
                             anm_added_token *out, int64_t *declared, anm_error *err) {
    *out = (anm_added_token){0};
    if (!json_is_object(value))
        return anm_fail(err, ANM_ERROR_FORMAT, where, "an added token must be an object");
    ANM_TRY(anm_component_text(value, "content", NULL, arena, where, &out->content, err));
    ANM_TRY(anm_json_get_int(value, "id", -1, declared, where, err));
    ANM_TRY(anm_json_get_bool(value, "single_word", false, &out->single_word, where, err));
    ANM_TRY(anm_json_get_bool(value, "lstrip", false, &out->lstrip, where, err));
    ANM_TRY(anm_json_get_bool(value, "rstrip", false, &out->rstrip, where, err));
    ANM_TRY(anm_json_get_bool(value, "special", false, &out->special, where, err));
    ANM_TRY(anm_json_get_bool(value, "normalized", !out->special, &out->normalized, where, err));
    if (out->content.len > ANM_ADDED_MAX_LENGTH)
        return anm_fail(err, ANM_ERROR_LIMIT, where, "added token of %zu bytes; at most %d",
                        out->content.len, ANM_ADDED_MAX_LENGTH);
    return ANM_OK;
}

static anm_status choose_id(const anm_added *a, const anm_vocab *vocab, anm_added_token *token,
                            int32_t *next_id, const char *where, anm_error *err) {
    token->id = anm_vocab_find(vocab, token->content);
    if (token->id < 0) token->id = (*next_id)++;
    if (token->id >= ANM_VOCAB_MAX_ID)
        return anm_fail(err, ANM_ERROR_LIMIT, where, "token ids beyond %d", ANM_VOCAB_MAX_ID - 1);
    return ANM_OK;
}

/* A content that comes again replaces the flags; it stays special once it was. */
static anm_status store(anm_added *a, const anm_vocab *vocab, anm_added_token token,
                        int64_t declared, int32_t *next_id, const char *where, anm_error *err) {
    const anm_added_token *known = anm_added_by_text(a, token.content);
    if (known) {
        token.id = known->id;
        token.special = token.special || known->special;
        a->tokens.data[known - a->tokens.data] = token;
        return ANM_OK;
    }
    ANM_TRY(choose_id(a, vocab, &token, next_id, where, err));
    if (declared >= 0 && declared != token.id)
        anm_log_write(ANM_LOG_WARNING, "%s: added token \"%.60s\" has id %d, not %lld as written",
                      where, token.content.data, token.id, (long long)declared);
    if (token.id >= a->id_limit) a->id_limit = token.id + 1;
    if (!anm_map_put(&a->by_text, token.content, a->tokens.len) || !anm_vec_push(&a->tokens, token))
        return anm_fail_memory(err);
    return ANM_OK;
}

/* After the last push: the keys point into the array. */
static bool index_ids(anm_added *a) {
    for (size_t i = 0; i < a->tokens.len; i++) {
        anm_sv key = {(const char *)&a->tokens.data[i].id, sizeof(int32_t)};
        if (!anm_map_put(&a->by_id, key, i)) return false;
    }
    return true;
}

static anm_status build_tries(anm_added *a, const anm_normalizer *normalizer, anm_error *err) {
    anm_norm_scratch scratch = {0};
    anm_regex_scratch regex = {0};
    anm_status status = ANM_OK;
    for (size_t i = 0; status == ANM_OK && i < a->tokens.len; i++) {
        const anm_added_token *token = &a->tokens.data[i];
        anm_sv text = token->content;
        if (token->normalized)
            status = anm_normalizer_run(normalizer, &scratch, &regex, text, &text, err);
        anm_trie *trie = token->normalized ? &a->normalized : &a->plain;
        if (status == ANM_OK && !anm_trie_add(trie, text, (int32_t)i))
            status = anm_fail_memory(err);
    }
    anm_norm_scratch_free(&scratch);
    anm_regex_scratch_free(&regex);
    return status;
}

anm_status anm_added_load(const json_t *value, anm_arena *arena, const char *where,
                          const anm_vocab *vocab, const anm_normalizer *normalizer, anm_added *a,
                          anm_error *err) {
    const json_t *item;
    size_t i;
    int32_t next_id = (int32_t)vocab->count;
    *a = (anm_added){.id_limit = (int32_t)vocab->id_limit};
    anm_trie_init(&a->plain);
    anm_trie_init(&a->normalized);
    if (value && !json_is_null(value) && !json_is_array(value))
        return anm_fail(err, ANM_ERROR_FORMAT, where, "\"added_tokens\" must be an array");
    json_array_foreach(value, i, item) {
        anm_added_token token;
        int64_t declared;
        ANM_TRY(read_token(item, arena, where, &token, &declared, err));
        if (token.content.len == 0) continue;
        ANM_TRY(store(a, vocab, token, declared, &next_id, where, err));
    }
    if (!index_ids(a)) return anm_fail_memory(err);
    return build_tries(a, normalizer, err);
}

/* SPDX-License-Identifier: MIT */
/* Texts to evaluate on, and how they are cut into windows. */
#include <string.h>

#include "src/base/file.h"
#include "src/llm/eval.h"

static const char separator[] = "<|endoftext|>";
enum { SEPARATOR_LENGTH = sizeof separator - 1 };

bool anm_eval_next_window(const anm_eval_plan *plan, size_t count, anm_eval_window *w) {
    if (w->end == 0) {
        w->first = plan->prefix ? 0 : 1;
    } else {
        w->first = w->end;
        w->begin += plan->stride;
    }
    if (w->first >= count) return false;
    w->end = count - w->begin < plan->room ? count : w->begin + plan->room;
    return true;
}

anm_status anm_eval_text_create(const int32_t *prefix, size_t prefix_count, anm_eval_text **out,
                                anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_eval_text *text = arena ? ANM_ARENA_NEW(arena, anm_eval_text) : NULL;
    if (text) text->prefix = ANM_ARENA_ARRAY(arena, int32_t, prefix_count + 1);
    if (!text || !text->prefix) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    text->arena = arena;
    text->name = "text";
    text->prefix_count = prefix_count;
    if (prefix_count) memcpy(text->prefix, prefix, prefix_count * sizeof *prefix);
    *out = text;
    return ANM_OK;
}

void anm_eval_text_free(anm_eval_text *text) {
    if (!text) return;
    anm_vec_free(&text->documents);
    anm_arena_destroy(text->arena);
}

anm_status anm_eval_text_add(anm_eval_text *text, const int32_t *tokens, size_t count,
                             anm_error *err) {
    int32_t *copy = ANM_ARENA_ARRAY(text->arena, int32_t, count + 1);
    if (!copy) return anm_fail_memory(err);
    if (count) memcpy(copy, tokens, count * sizeof *copy);
    anm_eval_document document = {copy, count};
    if (!anm_vec_push(&text->documents, document)) return anm_fail_memory(err);
    text->tokens += count;
    return ANM_OK;
}

size_t anm_eval_text_document_count(const anm_eval_text *text) {
    return text->documents.len;
}

size_t anm_eval_text_token_count(const anm_eval_text *text) {
    return text->tokens;
}

anm_status anm_eval_encode(const anm_tokenizer *tokenizer, const char *data, size_t size,
                           bool special, anm_token_list *out, anm_error *err) {
    anm_encode_options options;
    anm_encode_options_init(&options);
    options.add_special_tokens = special;
    options.parse_special = true;
    return anm_tokenizer_encode(tokenizer, data, size, &options, out, err);
}

/* What stands before the tokens of a short text when the post-processor has been at it. */
static size_t prefix_length(const anm_token_list *with, const anm_token_list *without) {
    for (size_t at = 0; without->len && at + without->len <= with->len; at++)
        if (memcmp(with->ids + at, without->ids, without->len * sizeof *without->ids) == 0)
            return at;
    return 0;
}

anm_status anm_eval_text_create_for(const anm_tokenizer *tokenizer, anm_eval_text **out,
                                    anm_error *err) {
    anm_token_list with = {0}, without = {0};
    anm_status status = anm_eval_encode(tokenizer, "a", 1, true, &with, err);
    if (status == ANM_OK) status = anm_eval_encode(tokenizer, "a", 1, false, &without, err);
    if (status == ANM_OK)
        status = anm_eval_text_create(with.ids, prefix_length(&with, &without), out, err);
    anm_token_list_free(&with);
    anm_token_list_free(&without);
    return status;
}

static anm_status add_document(anm_eval_text *text, const anm_tokenizer *tokenizer,
                               const char *data, size_t size, anm_token_list *ids, anm_error *err) {
    ANM_TRY(anm_eval_encode(tokenizer, data, size, false, ids, err));
    return anm_eval_text_add(text, ids->ids, ids->len, err);
}

/* What is left after the last separator is a document of its own, unless there is nothing. */
static anm_status add_documents(anm_eval_text *text, const anm_tokenizer *tokenizer,
                                const char *data, size_t size, anm_token_list *ids,
                                anm_error *err) {
    bool keep = anm_tokenizer_token_id(tokenizer, separator) >= 0;
    while (size) {
        const char *mark = memmem(data, size, separator, SEPARATOR_LENGTH);
        size_t length = mark ? (size_t)(mark - data) : size;
        size_t used = mark ? length + SEPARATOR_LENGTH : size;
        ANM_TRY(add_document(text, tokenizer, data, keep ? used : length, ids, err));
        if (used < size && data[used] == '\n') used++;
        data += used;
        size -= used;
    }
    return ANM_OK;
}

static anm_status check_length(const anm_eval_text *text, const char *path, size_t size,
                               anm_error *err) {
    for (size_t i = 0; i < text->documents.len; i++)
        if (text->prefix_count + text->documents.data[i].count >= 2) return ANM_OK;
    if (!size) return anm_fail(err, ANM_ERROR_ARGUMENT, path, "the file is empty");
    return anm_fail(err, ANM_ERROR_ARGUMENT, path,
                    "there is nothing to predict: a text needs two tokens at least");
}

anm_status anm_eval_text_read(const anm_tokenizer *tokenizer, const char *path, int documents,
                              anm_eval_text **out, anm_error *err) {
    anm_mapping file;
    anm_eval_text *text = NULL;
    anm_token_list ids = {0};
    *out = NULL;
    ANM_TRY(anm_mapping_open(path, &file, err));
    const char *data = (const char *)file.data;
    anm_status status = anm_eval_text_create_for(tokenizer, &text, err);
    if (status == ANM_OK && !(text->name = anm_arena_strdup(text->arena, path)))
        status = anm_fail_memory(err);
    if (status == ANM_OK)
        status = documents ? add_documents(text, tokenizer, data, file.size, &ids, err)
                           : add_document(text, tokenizer, data, file.size, &ids, err);
    if (status == ANM_OK) status = check_length(text, path, file.size, err);
    anm_token_list_free(&ids);
    anm_mapping_close(&file);
    if (status == ANM_OK) *out = text;
    else anm_eval_text_free(text);
    return status;
}

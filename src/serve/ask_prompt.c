/* SPDX-License-Identifier: MIT */
/* The prompts of /v1/completions. */
#include <stdlib.h>

#include "src/base/alloc.h"
#include "src/serve/ask.h"
#include "src/serve/fields.h"

static anm_status wrong_form(anm_error *err) {
    return anm_fail(err, ANM_ERROR_ARGUMENT, "prompt",
                    "'prompt' must be a string, a list of token ids, or a list of either");
}

/* A text that gives no token starts as the model's texts start. */
static anm_status start_of_text(const anm_ask *a, anm_token_list *list, anm_error *err) {
    const anm_tokenizer *t = anm_llm_tokenizer(a->model->llm);
    int32_t id = anm_tokenizer_special_id(t, ANM_SPECIAL_BOS);
    if (id < 0) id = anm_tokenizer_special_id(t, ANM_SPECIAL_EOS);
    if (id < 0) return anm_fail(err, ANM_ERROR_ARGUMENT, "prompt", "the prompt is empty");
    list->ids = anm_realloc_array(NULL, 1, sizeof *list->ids);
    if (!list->ids) return anm_fail_memory(err);
    list->ids[0] = id;
    list->len = list->cap = 1;
    return ANM_OK;
}

static anm_status check_length(const anm_ask *a, const anm_token_list *list, anm_error *err) {
    size_t context = anm_llm_context_length(a->model->llm);
    /* A prompt as long as the context can be scored, but not continued. */
    if (list->len < context || (list->len == context && a->max_tokens == 0)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, a->chat ? "messages" : "prompt",
                    "the prompt has %zu tokens, the context of \"%s\" %zu", list->len, a->model->id,
                    context);
}

anm_status anm_ask_add_text(anm_ask *a, const char *text, size_t length, bool special,
                            anm_error *err) {
    anm_encode_options options;
    anm_token_list *list = &a->prompts[a->prompt_count];
    anm_encode_options_init(&options);
    options.add_special_tokens = special;
    options.parse_special = true;
    a->prompt_texts[a->prompt_count++] = text;
    ANM_TRY(
        anm_tokenizer_encode(anm_llm_tokenizer(a->model->llm), text, length, &options, list, err));
    if (!list->len) ANM_TRY(start_of_text(a, list, err));
    return check_length(a, list, err);
}

static anm_status add_ids(anm_ask *a, const json_t *ids, anm_error *err) {
    anm_token_list *list = &a->prompts[a->prompt_count++];
    size_t count = json_array_size(ids), vocab = anm_llm_vocab_size(a->model->llm);
    if (!count) return anm_fail(err, ANM_ERROR_ARGUMENT, "prompt", "a list of token ids is empty");
    list->ids = anm_realloc_array(NULL, count, sizeof *list->ids);
    if (!list->ids) return anm_fail_memory(err);
    list->cap = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(ids, i);
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value)) return wrong_form(err);
        if (id < 0 || (size_t)id >= vocab)
            return anm_fail(err, ANM_ERROR_ARGUMENT, "prompt",
                            "token id %lld is outside the vocabulary of %zu", (long long)id, vocab);
        list->ids[list->len++] = (int32_t)id;
    }
    return check_length(a, list, err);
}

static anm_status add_prompt(anm_ask *a, const json_t *prompt, anm_error *err) {
    if (json_is_string(prompt))
        return anm_ask_add_text(a, json_string_value(prompt), json_string_length(prompt), true,
                                err);
    return json_is_array(prompt) ? add_ids(a, prompt, err) : wrong_form(err);
}

/* A list of numbers is one prompt; of strings or lists, several. */
anm_status anm_ask_prompts(anm_ask *a, anm_error *err) {
    const json_t *prompt = anm_field(a->body, "prompt");
    bool several = json_is_array(prompt) && !json_is_integer(json_array_get(prompt, 0));
    size_t count = several ? json_array_size(prompt) : 1;
    if (several && !count) return wrong_form(err);
    if (count > ANM_MOST_PROMPTS)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "prompt", "at most %d prompts", ANM_MOST_PROMPTS);
    a->prompts = ANM_ARENA_ARRAY(a->arena, anm_token_list, count);
    a->prompt_texts = ANM_ARENA_ARRAY(a->arena, const char *, count);
    if (!a->prompts || !a->prompt_texts) return anm_fail_memory(err);
    if (!prompt) return anm_ask_add_text(a, "", 0, true, err);
    if (!several) return add_prompt(a, prompt, err);
    for (size_t i = 0; i < count; i++) ANM_TRY(add_prompt(a, json_array_get(prompt, i), err));
    return ANM_OK;
}

void anm_ask_free(anm_ask *a) {
    for (size_t i = 0; i < a->prompt_count; i++) anm_token_list_free(&a->prompts[i]);
    anm_grammar_destroy(a->grammar);
    anm_grammar_destroy(a->mark);
    free(a->tools_json);
    json_decref(a->body);
    anm_arena_destroy(a->arena);
}

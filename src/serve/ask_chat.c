/* SPDX-License-Identifier: MIT */
/* The messages of a chat, in the form that templates of models take, and the prompt from them. */
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"
#include "src/serve/ask.h"
#include "src/serve/fields.h"

static anm_status refuse(anm_error *err, size_t index, const char *what) {
    char where[64];
    snprintf(where, sizeof where, "messages[%zu]", index);
    return anm_fail(err, ANM_ERROR_ARGUMENT, where, "%s", what);
}

/* [{"type": "text", "text": ...}, ...]: templates for text take a string. */
static anm_status join_parts(const json_t *parts, size_t index, json_t **out, anm_error *err) {
    anm_strbuf text = {0};
    anm_status status = ANM_OK;
    for (size_t i = 0; i < json_array_size(parts) && status == ANM_OK; i++) {
        const json_t *part = json_array_get(parts, i), *piece = json_object_get(part, "text");
        const char *type = json_string_value(json_object_get(part, "type"));
        if (type && strcmp(type, "text") == 0 && json_is_string(piece))
            anm_strbuf_append(&text, json_string_value(piece), json_string_length(piece));
        else status = refuse(err, index, "this model takes content of the type \"text\" only");
    }
    if (status == ANM_OK && text.failed) status = anm_fail_memory(err);
    if (status == ANM_OK) *out = json_stringn(anm_strbuf_cstr(&text), text.len);
    anm_strbuf_free(&text);
    return status;
}

/* The content as a text in `message`; none is fine where there are calls. */
static anm_status take_content(json_t *message, size_t index, anm_error *err) {
    json_t *content = json_object_get(message, "content"), *joined = NULL;
    bool calls = json_array_size(json_object_get(message, "tool_calls")) > 0;
    if (json_is_array(content)) {
        ANM_TRY(join_parts(content, index, &joined, err));
        if (json_object_set_new(message, "content", joined)) return anm_fail_memory(err);
        content = joined;
    }
    if (calls && (!content || json_is_null(content))) return ANM_OK;
    if (!json_is_string(content))
        return refuse(err, index, "'content' must be a string or a list of parts");
    if (strlen(json_string_value(content)) != json_string_length(content))
        return refuse(err, index, "'content' must not have NUL characters");
    return ANM_OK;
}

/* What a message has beside role and content, as the template takes it. */
static anm_status take_rest(anm_ask *a, const json_t *message, const char **out, anm_error *err) {
    json_t *rest = json_copy((json_t *)(uintptr_t)message);
    *out = NULL;
    if (!rest) return anm_fail_memory(err);
    json_object_del(rest, "role");
    json_object_del(rest, "content");
    char *text = json_object_size(rest) ? json_dumps(rest, JSON_COMPACT) : NULL;
    bool failed = json_object_size(rest) && !text;
    json_decref(rest);
    if (text) *out = anm_arena_strdup(a->arena, text);
    failed |= text && !*out;
    free(text);
    return failed ? anm_fail_memory(err) : ANM_OK;
}

static anm_status take_message(anm_ask *a, json_t *message, size_t index, anm_chat_message *out,
                               anm_error *err) {
    const char *role = json_string_value(json_object_get(message, "role"));
    if (!json_is_object(message)) return refuse(err, index, "a message is an object");
    if (!role) return refuse(err, index, "'role' must be a string");
    /* OpenAI's newer name for what templates know as "system". */
    out->role = strcmp(role, "developer") == 0 ? "system" : role;
    ANM_TRY(take_content(message, index, err));
    out->content = json_string_value(json_object_get(message, "content"));
    return take_rest(a, message, &out->extra_json, err);
}

static anm_status take_messages(anm_ask *a, anm_chat_message **out, size_t *count, anm_error *err) {
    json_t *messages = json_object_get(a->body, "messages"), *message;
    size_t i;
    *out = NULL;
    *count = json_array_size(messages);
    if (!*count)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "messages",
                        "'messages' must be a list of one or more messages");
    *out = ANM_ARENA_ARRAY(a->arena, anm_chat_message, *count);
    if (!*out) return anm_fail_memory(err);
    json_array_foreach(messages, i, message) ANM_TRY(take_message(a, message, i, &(*out)[i], err));
    return ANM_OK;
}

/* Variables of the template beside the messages: as vLLM takes them, and OpenAI's one. */
static anm_status take_variables(const anm_ask *a, char **out, anm_error *err) {
    json_t *more = json_object_get(a->body, "chat_template_kwargs"), *all = json_object();
    const char *effort = NULL;
    anm_status status = anm_field_text(a->body, "reasoning_effort", &effort, err);
    if (status == ANM_OK && effort && strcmp(effort, "none") == 0)
        json_object_set_new(all, "enable_thinking", json_false());
    if (status == ANM_OK && more && !json_is_null(more) && json_object_update(all, more) != 0)
        status = anm_fail(err, ANM_ERROR_ARGUMENT, "chat_template_kwargs",
                          "'chat_template_kwargs' must be an object");
    if (status == ANM_OK) {
        *out = json_dumps(all, JSON_COMPACT);
        if (!*out) status = anm_fail_memory(err);
    }
    json_decref(all);
    return status;
}

static anm_status render(anm_ask *a, const anm_chat_message *messages, size_t count,
                         const char *variables, anm_error *err) {
    anm_chat_options options;
    char *text;
    size_t length;
    anm_chat_options_init(&options);
    options.add_generation_prompt = 1;
    options.python_text = 1; /* as transformers rendered what the model was trained on */
    options.extra_json = variables;
    options.tools_json = a->tools_json;
    ANM_TRY(anm_chat_template_render(anm_llm_chat_template(a->model->llm), messages, count,
                                     &options, &text, &length, err));
    const char *kept = anm_arena_strndup(a->arena, text, length);
    anm_chat_text_free(text);
    if (!kept) return anm_fail_memory(err);
    a->thinks = anm_prompt_opens_reasoning(kept, length);
    return anm_ask_add_text(a, kept, length, false, err); /* a template writes BOS itself */
}

anm_status anm_ask_messages(anm_ask *a, anm_error *err) {
    anm_chat_message *messages;
    char *variables = NULL;
    size_t count;
    if (!anm_llm_chat_template(a->model->llm))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, "model",
                        "the model \"%s\" has no chat template; use /v1/completions", a->model->id);
    ANM_TRY(take_messages(a, &messages, &count, err));
    a->prompts = ANM_ARENA_ARRAY(a->arena, anm_token_list, 1);
    a->prompt_texts = ANM_ARENA_ARRAY(a->arena, const char *, 1);
    if (!a->prompts || !a->prompt_texts) return anm_fail_memory(err);
    ANM_TRY(take_variables(a, &variables, err));
    anm_status status = render(a, messages, count, variables, err);
    free(variables);
    return status;
}

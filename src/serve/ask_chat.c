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

static anm_status take_content(json_t *message, size_t index, anm_error *err) {
    json_t *content = json_object_get(message, "content"), *joined = NULL;
    bool calls = json_array_size(json_object_get(message, "tool_calls")) > 0;
    if (json_is_string(content)) return ANM_OK;
    if (json_is_array(content)) {
        ANM_TRY(join_parts(content, index, &joined, err));
        return json_object_set_new(message, "content", joined) ? anm_fail_memory(err) : ANM_OK;
    }
    if (calls && (!content || json_is_null(content)))
        return json_object_set_new(message, "content", json_string("")) ? anm_fail_memory(err)
                                                                        : ANM_OK;
    return refuse(err, index, "'content' must be a string or a list of parts");
}

/* The API has arguments as text of JSON; templates print the object. */
static void open_arguments(json_t *message) {
    json_t *calls = json_object_get(message, "tool_calls"), *call;
    size_t i;
    json_array_foreach(calls, i, call) {
        json_t *function = json_object_get(call, "function");
        const json_t *arguments = json_object_get(function, "arguments");
        if (!json_is_string(arguments)) continue;
        json_t *object = json_loadb(json_string_value(arguments), json_string_length(arguments),
                                    JSON_ALLOW_NUL, NULL);
        if (json_is_object(object)) json_object_set(function, "arguments", object);
        json_decref(object);
    }
}

static anm_status take_message(json_t *message, size_t index, anm_error *err) {
    const char *role = json_string_value(json_object_get(message, "role"));
    if (!json_is_object(message)) return refuse(err, index, "a message is an object");
    if (!role) return refuse(err, index, "'role' must be a string");
    /* OpenAI's newer name for what templates know as "system". */
    if (strcmp(role, "developer") == 0 &&
        json_object_set_new(message, "role", json_string("system")))
        return anm_fail_memory(err);
    open_arguments(message);
    return take_content(message, index, err);
}

static anm_status take_messages(const anm_ask *a, json_t **out, anm_error *err) {
    json_t *messages = json_object_get(a->body, "messages"), *message;
    size_t i;
    if (!json_array_size(messages))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "messages",
                        "'messages' must be a list of one or "
                        "more messages");
    json_array_foreach(messages, i, message) ANM_TRY(take_message(message, i, err));
    *out = messages;
    return ANM_OK;
}

/* Variables of the template beside the messages: as vLLM takes them, and OpenAI's one. */
static anm_status add_variables(const anm_ask *a, json_t *context, anm_error *err) {
    json_t *more = json_object_get(a->body, "chat_template_kwargs");
    const char *effort = NULL;
    ANM_TRY(anm_field_text(a->body, "reasoning_effort", &effort, err));
    if (effort && strcmp(effort, "none") == 0)
        json_object_set_new(context, "enable_thinking", json_false());
    if (!more || json_is_null(more)) return ANM_OK;
    if (!json_is_object(more))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "chat_template_kwargs",
                        "'chat_template_kwargs' must be an object");
    return json_object_update(context, more) ? anm_fail_memory(err) : ANM_OK;
}

static anm_status render(anm_ask *a, const json_t *context, anm_error *err) {
    anm_chat_options options;
    char *text, *json = json_dumps(context, JSON_COMPACT);
    size_t length;
    anm_chat_options_init(&options);
    options.python_text = 1; /* as transformers rendered what the model was trained on */
    if (!json) return anm_fail_memory(err);
    anm_status status = anm_chat_template_render_json(anm_llm_chat_template(a->model->llm), json,
                                                      strlen(json), &options, &text, &length, err);
    free(json);
    if (status != ANM_OK) return status;
    const char *kept = anm_arena_strndup(a->arena, text, length);
    anm_chat_text_free(text);
    if (!kept) return anm_fail_memory(err);
    a->thinks = anm_str_ends(kept, "<think>") || anm_str_ends(kept, "<think>\n");
    return anm_ask_add_text(a, kept, length, false, err); /* a template writes BOS itself */
}

anm_status anm_ask_messages(anm_ask *a, anm_error *err) {
    json_t *messages = NULL;
    if (!anm_llm_chat_template(a->model->llm))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, "model",
                        "the model \"%s\" has no chat template; use /v1/completions", a->model->id);
    ANM_TRY(take_messages(a, &messages, err));
    a->prompts = ANM_ARENA_ARRAY(a->arena, anm_token_list, 1);
    a->prompt_texts = ANM_ARENA_ARRAY(a->arena, const char *, 1);
    if (!a->prompts || !a->prompt_texts) return anm_fail_memory(err);
    json_t *context = json_pack("{s:O,s:b}", "messages", messages, "add_generation_prompt", 1);
    if (!context) return anm_fail_memory(err);
    anm_status status = add_variables(a, context, err);
    if (status == ANM_OK) status = render(a, context, err);
    json_decref(context);
    return status;
}

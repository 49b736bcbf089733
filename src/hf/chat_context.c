/* SPDX-License-Identifier: MIT */
/*
 * Messages, tools and calls of tools to JSON. Templates disagree about the arguments of a call:
 * most print an object themselves, DeepSeek-R1's adds a text to a text.
 */
#include "src/hf/chat_context.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"

typedef struct maker {
    bool as_text, calls;
    anm_error *err;
} maker;

static anm_status parse_member(const char *json, const char *where, bool array, json_t **out,
                               anm_error *err) {
    ANM_TRY(anm_json_parse(json, strlen(json), where, out, err));
    if (array ? json_is_array(*out) : json_is_object(*out)) return ANM_OK;
    json_decref(*out);
    *out = NULL;
    return anm_fail(err, ANM_ERROR_FORMAT, where, "expected a JSON %s",
                    array ? "array" : "object");
}

/* A text that is no JSON object stays as it is: the template may know what to do. */
static json_t *arguments_object(const json_t *text) {
    json_t *object = json_loadb(json_string_value(text), json_string_length(text), 0, NULL);
    if (json_is_object(object)) return object;
    json_decref(object);
    return NULL;
}

static json_t *arguments_text(const json_t *object) {
    char *text = json_dumps(object, 0);
    json_t *string = text ? json_string(text) : NULL;
    free(text); /* jansson's memory, not ours */
    return string;
}

/* The arguments stand in "function", or in a call without it, as transformers allows. */
static void settle_arguments(maker *m, json_t *call) {
    json_t *function = json_object_get(call, "function");
    json_t *holder = json_is_object(function) ? function : call, *settled = NULL;
    const json_t *arguments = json_object_get(holder, "arguments");
    if (json_is_string(arguments) && !m->as_text) settled = arguments_object(arguments);
    if (json_is_object(arguments) && m->as_text) settled = arguments_text(arguments);
    if (settled) json_object_set_new(holder, "arguments", settled);
    m->calls = true;
}

static void settle_calls(maker *m, json_t *message) {
    json_t *calls = json_object_get(message, "tool_calls");
    /* Templates ask whether the key is there, so an empty list must not be. */
    if (calls && !json_array_size(calls)) json_object_del(message, "tool_calls");
    for (size_t i = 0; i < json_array_size(calls); i++)
        settle_arguments(m, json_array_get(calls, i));
}

static anm_status add_extra(maker *m, json_t *object, const char *extra_json) {
    json_t *extra;
    if (!extra_json) return ANM_OK;
    ANM_TRY(parse_member(extra_json, "messages: extra_json", false, &extra, m->err));
    bool ok = json_object_update(object, extra) == 0;
    json_decref(extra);
    if (!ok) return anm_fail_memory(m->err);
    settle_calls(m, object);
    return ANM_OK;
}

static anm_status add_message(maker *m, json_t *list, const anm_chat_message *message,
                              size_t index) {
    if (!message->role || (!message->content && !message->extra_json))
        return anm_fail(m->err, ANM_ERROR_ARGUMENT, "messages",
                        "message %zu has no role or content", index);
    json_t *role = json_string(message->role);
    json_t *content = message->content ? json_string(message->content) : json_null();
    bool valid = role && content;
    json_t *object = json_object();
    bool ok = json_object_set_new(object, "role", role) == 0;
    ok = json_object_set_new(object, "content", content) == 0 && ok;
    ok = json_array_append_new(list, object) == 0 && ok;
    if (!valid)
        return anm_fail(m->err, ANM_ERROR_ARGUMENT, "messages", "message %zu is not UTF-8",
                        index);
    return ok ? add_extra(m, object, message->extra_json) : anm_fail_memory(m->err);
}

static anm_status add_messages(maker *m, const anm_chat_turns *turns, json_t *list) {
    for (size_t i = 0; i < turns->count; i++)
        ANM_TRY(add_message(m, list, &turns->messages[i], i));
    return ANM_OK;
}

/* What transformers gives every template; tools and documents are none rather than undefined. */
static anm_status fill(maker *m, const anm_chat_turns *turns, json_t *context) {
    json_t *list = json_array(), *tools = NULL;
    bool ok = json_object_set_new(context, "messages", list) == 0;
    if (!ok) return anm_fail_memory(m->err);
    ANM_TRY(add_messages(m, turns, list));
    if (turns->tools_json)
        ANM_TRY(parse_member(turns->tools_json, "tools_json", true, &tools, m->err));
    if (tools && !json_array_size(tools)) { /* no tools, which templates test as none */
        json_decref(tools);
        tools = NULL;
    }
    ok = json_object_set_new(context, "tools", tools ? tools : json_null()) == 0;
    ok = json_object_set_new(context, "documents", json_null()) == 0 && ok;
    ok = json_object_set_new(context, "add_generation_prompt",
                             json_boolean(turns->add_generation_prompt)) == 0 && ok;
    return ok ? ANM_OK : anm_fail_memory(m->err);
}

anm_status anm_chat_context(const anm_chat_turns *turns, bool arguments_as_text, char **out,
                            bool *calls, anm_error *err) {
    maker m = {.as_text = arguments_as_text, .err = err};
    json_t *context = json_object();
    *out = NULL;
    anm_status status = context ? fill(&m, turns, context) : anm_fail_memory(err);
    *calls = m.calls;
    if (status == ANM_OK) {
        *out = json_dumps(context, JSON_COMPACT);
        if (!*out) status = anm_fail_memory(err);
    }
    json_decref(context);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Tools that the model may call, whether it must, and the form its answer must have. A call that
 * must come is forced by a grammar of the model's own form of calls.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "src/serve/ask.h"
#include "src/serve/fields.h"

enum { MOST_NAME = 64 };

/* OpenAI's rule, with dots, which some servers of tools have in names. */
static bool is_name(const char *name) {
    size_t length = name ? strlen(name) : 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i])) return false;
    return length > 0 && length <= MOST_NAME;
}

static const char *name_of(const json_t *tool) {
    return json_string_value(json_object_get(json_object_get(tool, "function"), "name"));
}

static anm_status check_tools(const json_t *tools, anm_error *err) {
    if (!json_is_array(tools))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "tools", "'tools' must be a list of tools");
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        const char *type = json_string_value(json_object_get(tool, "type"));
        if (!type || strcmp(type, "function") != 0 || !is_name(name_of(tool)))
            return anm_fail(
                err, ANM_ERROR_ARGUMENT, "tools",
                "tool %zu must have the type \"function\" and a function with a name of "
                "letters, digits, '_', '-' and '.'",
                i);
    }
    return ANM_OK;
}

/* A call as a JSON schema; with `strict` its arguments follow the tool's own. */
static json_t *call_schema(const anm_ask *a, const json_t *tool, bool strict) {
    const char *key = a->tool_form == ANM_TOOL_FORM_LLAMA ? "parameters" : "arguments";
    json_t *own = json_object_get(json_object_get(tool, "function"), "parameters");
    json_t *arguments =
        strict && json_is_object(own) ? json_deep_copy(own) : json_pack("{s:s}", "type", "object");
    /* Nothing but what the tool names: a model has no reason to say more. */
    if (json_object_get(arguments, "properties") &&
        !json_object_get(arguments, "additionalProperties"))
        json_object_set_new(arguments, "additionalProperties", json_false());
    return json_pack("{s:s,s:{s:{s:s},s:o},s:[ss],s:b}", "type", "object", "properties", "name",
                     "const", name_of(tool), key, arguments, "required", "name", key,
                     "additionalProperties", 0);
}

/* `only`: the one tool that must be called; NULL: any. NULL if there is none. */
static char *calls_schema(const anm_ask *a, const json_t *tools, const char *only, bool strict) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        if (!only || strcmp(name_of(tool), only) == 0)
            json_array_append_new(list, call_schema(a, tool, strict));
    }
    json_t *schema = json_array_size(list) ? json_pack("{s:O}", "anyOf", list) : NULL;
    char *text = schema ? json_dumps(schema, JSON_COMPACT) : NULL;
    json_decref(schema);
    json_decref(list);
    return text;
}

static anm_status make_calls(anm_ask *a, const json_t *tools, const char *only, bool strict,
                             anm_error *err) {
    char *schema = calls_schema(a, tools, only, strict);
    if (!schema)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "tool_choice", "no tool is named \"%s\"",
                        only ? only : "");
    anm_status status =
        anm_grammar_from_json_schema(schema, strlen(schema), "tools", &a->grammar, err);
    free(schema);
    return status;
}

/*
 * In Qwen's form the call stands behind a mark, which is a grammar of its own: what follows it is
 * JSON alone, and its end is the end of the answer.
 */
static anm_status force_call(anm_ask *a, const json_t *tools, const char *only, anm_error *err) {
    static const char mark[] = "root ::= \"<tool_call>\\n\"";
    if (a->tool_form == ANM_TOOL_FORM_QWEN)
        ANM_TRY(anm_grammar_parse(mark, sizeof mark - 1, NULL, &a->mark, err));
    else if (a->tool_form != ANM_TOOL_FORM_LLAMA)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, "tool_choice",
                        "calls of this model's form cannot be forced: use \"auto\"");
    anm_status status = make_calls(a, tools, only, true, err);
    /* A tool's schema may say what no grammar can: then any object will do. */
    if (status == ANM_ERROR_UNSUPPORTED) status = make_calls(a, tools, only, false, err);
    return status;
}

static anm_status take_choice(anm_ask *a, const json_t *tools, const json_t *choice,
                              anm_error *err) {
    const char *word = json_string_value(choice);
    if (!choice || (word && strcmp(word, "auto") == 0)) return ANM_OK;
    if (word && strcmp(word, "required") == 0) return force_call(a, tools, NULL, err);
    if (json_is_object(choice) && name_of(choice))
        return force_call(a, tools, name_of(choice), err);
    return anm_fail(err, ANM_ERROR_ARGUMENT, "tool_choice",
                    "'tool_choice' must be \"none\", \"auto\", \"required\" or a function");
}

anm_status anm_ask_tools(anm_ask *a, anm_error *err) {
    const json_t *tools = anm_field(a->body, "tools"), *choice = anm_field(a->body, "tool_choice");
    if (!tools) return ANM_OK;
    ANM_TRY(check_tools(tools, err));
    const char *word = json_string_value(choice);
    if (!json_array_size(tools) || (word && strcmp(word, "none") == 0)) return ANM_OK;
    a->tool_form = anm_tool_form_of(anm_llm_chat_template(a->model->llm));
    if (a->tool_form == ANM_TOOL_FORM_NONE)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, "tools",
                        "the chat template of \"%s\" has no tool calls of a known form",
                        a->model->id);
    a->tools_json = json_dumps(tools, JSON_COMPACT);
    if (!a->tools_json) return anm_fail_memory(err);
    return take_choice(a, tools, choice, err);
}

static anm_status take_schema(anm_ask *a, const json_t *format, anm_error *err) {
    const json_t *schema = json_object_get(json_object_get(format, "json_schema"), "schema");
    if (!json_is_object(schema))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "response_format",
                        "'response_format' needs json_schema.schema, an object");
    char *text = json_dumps(schema, JSON_COMPACT);
    if (!text) return anm_fail_memory(err);
    anm_status status =
        anm_grammar_from_json_schema(text, strlen(text), "response_format", &a->grammar, err);
    free(text);
    return status;
}

static anm_status take_format(anm_ask *a, const json_t *format, anm_error *err) {
    const char *type = json_string_value(json_object_get(format, "type"));
    if (type && strcmp(type, "text") == 0) return ANM_OK;
    if (a->grammar)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "response_format",
                        "'response_format' and a call that must come exclude each other");
    if (type && strcmp(type, "json_object") == 0) return anm_grammar_json(true, &a->grammar, err);
    if (type && strcmp(type, "json_schema") == 0) return take_schema(a, format, err);
    return anm_fail(
        err, ANM_ERROR_ARGUMENT, "response_format",
        "the type of 'response_format' is \"text\", \"json_object\" or \"json_schema\"");
}

/* OpenAI's response_format, and llama.cpp's grammar. */
anm_status anm_ask_format(anm_ask *a, anm_error *err) {
    const json_t *format = anm_field(a->body, "response_format");
    const char *grammar = NULL;
    ANM_TRY(anm_field_text(a->body, "grammar", &grammar, err));
    if (format) ANM_TRY(take_format(a, format, err));
    if (!grammar) return ANM_OK;
    if (a->grammar)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "grammar",
                        "'grammar' and another form of the answer exclude each other");
    return anm_grammar_parse(grammar, strlen(grammar), "grammar", &a->grammar, err);
}

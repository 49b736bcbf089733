/* SPDX-License-Identifier: MIT */
/*
 * Chat templates of Hugging Face models: finds the template and the special tokens in the model's
 * files, and hands conversations to the Jinja engine as JSON.
 */
#include "anemone/chat_template.h"

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/options.h"
#include "src/hf/chat_context.h"
#include "src/hf/jinja.h"
#include "src/hf/toolform.h"

struct anm_chat_template {
    jinja_template *jinja;
    char *tokens; /* the special tokens, as a JSON object; NULL when there are none */
};

/* --- special tokens --- */

/* A token is a string, or an object that describes it ({"content": "<s>", "lstrip": false}). */
static json_t *token_text(json_t *token) {
    if (json_is_object(token)) token = json_object_get(token, "content");
    return json_is_string(token) ? json_incref(token) : NULL;
}

static json_t *token_list(const json_t *tokens) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        json_t *text = token_text(json_array_get(tokens, i));
        if (text) json_array_append_new(list, text);
    }
    return list;
}

/* Tokens that an earlier file has set stay. */
static void collect_tokens(json_t *tokens, const json_t *config) {
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    static const char more[] = "additional_special_tokens";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *text = token_text(json_object_get(config, names[i]));
        if (text && !json_object_get(tokens, names[i]))
            json_object_set_new(tokens, names[i], text);
        else
            json_decref(text);
    }
    const json_t *list = json_object_get(config, more);
    if (json_is_array(list) && !json_object_get(tokens, more))
        json_object_set_new(tokens, more, token_list(list));
}

/* --- files --- */

typedef struct opener {
    anm_arena *arena;
    const char *dir;
    const char *name; /* of the template; never NULL */
    const char *where;
    json_t *config; /* tokenizer_config.json; NULL when there is none */
    char *text;
    size_t len;
    anm_error *err;
} opener;

/* *out stays NULL when the directory does not have the file. */
static anm_status load_optional(opener *o, const char *file, json_t **out) {
    const char *path = anm_path_join(o->arena, o->dir, file);
    if (!path) return anm_fail_memory(o->err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, out, o->err));
    if (json_is_object(*out)) return ANM_OK;
    return anm_fail(o->err, ANM_ERROR_FORMAT, path, "expected a JSON object");
}

static anm_status read_text(opener *o, const char *file) {
    const char *path = anm_path_join(o->arena, o->dir, file);
    if (!path) return anm_fail_memory(o->err);
    if (!anm_path_exists(path)) return ANM_OK;
    o->where = path;
    return anm_file_read(o->arena, path, JINJA_MAX_TEMPLATE, &o->text, &o->len, o->err);
}

static anm_status missing_name(opener *o, const json_t *list) {
    anm_strbuf names = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(list, i), "name"));
        if (name) anm_strbuf_printf(&names, "%s\"%s\"", names.len ? ", " : "", name);
    }
    anm_status status = anm_fail(o->err, ANM_ERROR_NOT_FOUND, o->where,
                                 "the model has no chat template \"%s\", only %s", o->name,
                                 anm_strbuf_cstr(&names));
    anm_strbuf_free(&names);
    return status;
}

/* The text of the chosen template among [{"name": ..., "template": ...}, ...], or the only one. */
static anm_status choose(opener *o, const json_t *value, const json_t **out) {
    *out = value;
    if (!json_is_array(value)) {
        if (strcmp(o->name, "default") == 0) return ANM_OK;
        return anm_fail(o->err, ANM_ERROR_NOT_FOUND, o->where,
                        "the model has one chat template, \"default\", and none named \"%s\"",
                        o->name);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *entry = json_array_get(value, i);
        const char *name = json_string_value(json_object_get(entry, "name"));
        *out = json_object_get(entry, "template");
        if (name && strcmp(name, o->name) == 0) return ANM_OK;
    }
    return missing_name(o, value);
}

static anm_status take_from_config(opener *o) {
    const json_t *value = json_object_get(o->config, "chat_template");
    o->where = anm_path_join(o->arena, o->dir, "tokenizer_config.json");
    if (!o->where) return anm_fail_memory(o->err);
    if (!value || json_is_null(value))
        return anm_fail(o->err, ANM_ERROR_NOT_FOUND, o->dir,
                        "the model has no chat template: neither chat_template.jinja nor "
                        "\"chat_template\" in tokenizer_config.json; it may be a base model");
    ANM_TRY(choose(o, value, &value));
    if (!json_is_string(value))
        return anm_fail(o->err, ANM_ERROR_FORMAT, o->where, "\"chat_template\" is not a string");
    o->text = anm_arena_strndup(o->arena, json_string_value(value), json_string_length(value));
    o->len = json_string_length(value);
    return o->text ? ANM_OK : anm_fail_memory(o->err);
}

static anm_status find_text(opener *o) {
    bool is_default = strcmp(o->name, "default") == 0;
    if (strchr(o->name, '/') || strstr(o->name, ".."))
        return anm_fail(o->err, ANM_ERROR_ARGUMENT, "name", "\"%s\" is no template's name",
                        o->name);
    if (!anm_path_is_dir(o->dir))
        return anm_fail(o->err, ANM_ERROR_NOT_FOUND, o->dir, "there is no such model directory");
    const char *file =
        is_default ? "chat_template.jinja"
                   : anm_arena_printf(o->arena, "additional_chat_templates/%s.jinja", o->name);
    if (!file) return anm_fail_memory(o->err);
    ANM_TRY(read_text(o, file));
    return o->text ? ANM_OK : take_from_config(o);
}

static anm_status load_tokens(opener *o, char **out) {
    json_t *tokens = json_object(), *map = NULL;
    anm_status status = load_optional(o, "special_tokens_map.json", &map);
    if (status == ANM_OK) {
        collect_tokens(tokens, o->config);
        collect_tokens(tokens, map);
        *out = json_dumps(tokens, JSON_COMPACT);
        if (!*out) status = anm_fail_memory(o->err);
    }
    json_decref(map);
    json_decref(tokens);
    return status;
}

static anm_status open_files(opener *o, anm_chat_template *t) {
    ANM_TRY(load_optional(o, "tokenizer_config.json", &o->config));
    ANM_TRY(find_text(o));
    ANM_TRY(load_tokens(o, &t->tokens));
    return anm_jinja_parse(o->text, o->len, o->where, &t->jinja, o->err);
}

anm_status anm_chat_template_open(const char *model_dir, const char *name,
                                  anm_chat_template **out, anm_error *err) {
    *out = NULL;
    opener o = {.arena = anm_arena_create(), .dir = model_dir, .name = name ? name : "default",
                .err = err};
    anm_chat_template *t = anm_calloc(1, sizeof *t);
    anm_status status = o.arena && t ? open_files(&o, t) : anm_fail_memory(err);
    json_decref(o.config);
    anm_arena_destroy(o.arena);
    if (status == ANM_OK)
        *out = t;
    else
        anm_chat_template_close(t);
    return status;
}

anm_status anm_chat_template_parse(const char *text, size_t len, const char *where,
                                   anm_chat_template **out, anm_error *err) {
    *out = NULL;
    anm_chat_template *t = anm_calloc(1, sizeof *t);
    if (!t) return anm_fail_memory(err);
    anm_status status = anm_jinja_parse(text, len, where ? where : "template", &t->jinja, err);
    if (status == ANM_OK)
        *out = t;
    else
        anm_chat_template_close(t);
    return status;
}

void anm_chat_template_close(anm_chat_template *tmpl) {
    if (!tmpl) return;
    anm_jinja_free(tmpl->jinja);
    free(tmpl->tokens); /* jansson's memory, not ours */
    anm_free(tmpl);
}

/* --- rendering --- */

void anm_chat_options_init(anm_chat_options *options) {
    *options = (anm_chat_options){.struct_size = sizeof *options};
}

void anm_chat_text_free(char *text) {
    anm_free(text);
}

static anm_status read_options(const anm_chat_options *from, anm_chat_options *options,
                               anm_error *err) {
    anm_chat_options_init(options);
    return anm_options_take(options, sizeof *options, from, err);
}

static anm_status render(const anm_chat_template *tmpl, jinja_context context,
                         const anm_chat_options *options, char **text, size_t *len,
                         anm_error *err) {
    jinja_context contexts[3];
    size_t count = 0;
    anm_strbuf out = {0};
    jinja_options how = {.now = options->now, .python = options->python_text != 0};
    if (tmpl->tokens)
        contexts[count++] = (jinja_context){"special tokens", anm_sv_from(tmpl->tokens)};
    contexts[count++] = context;
    if (options->extra_json)
        contexts[count++] = (jinja_context){"extra_json", anm_sv_from(options->extra_json)};
    anm_status status = anm_jinja_render(tmpl->jinja, contexts, count, &how, &out, err);
    if (status == ANM_OK) {
        anm_strbuf_putc(&out, '\0'); /* an empty text has no memory yet */
        if (out.failed) status = anm_fail_memory(err);
    }
    if (status != ANM_OK) {
        anm_strbuf_free(&out);
        return status;
    }
    *text = out.data;
    if (len) *len = out.len - 1;
    return ANM_OK;
}

anm_status anm_chat_template_render_json(const anm_chat_template *tmpl, const char *context_json,
                                         size_t context_len, const anm_chat_options *options,
                                         char **text, size_t *len, anm_error *err) {
    anm_chat_options known;
    *text = NULL;
    if (len) *len = 0;
    ANM_TRY(read_options(options, &known, err));
    jinja_context context = {"context", {context_json, context_len}};
    return render(tmpl, context, &known, text, len, err);
}

/* One try; *retry when it failed and might not with the arguments of calls as texts. */
static anm_status render_messages(const anm_chat_template *tmpl, const anm_chat_turns *turns,
                                  const anm_chat_options *options, char **text, size_t *len,
                                  bool *retry, anm_error *err) {
    char *context;
    bool calls;
    bool as_text = *retry;
    *retry = false;
    ANM_TRY(anm_chat_context(turns, as_text, &context, &calls, err));
    jinja_context variables = {"messages", anm_sv_from(context)};
    anm_status status = render(tmpl, variables, options, text, len, err);
    free(context); /* jansson's memory, not ours */
    *retry = status == ANM_ERROR_MISMATCH && calls && !as_text;
    return status;
}

anm_status anm_chat_template_render(const anm_chat_template *tmpl,
                                    const anm_chat_message *messages, size_t count,
                                    const anm_chat_options *options, char **text, size_t *len,
                                    anm_error *err) {
    anm_chat_options known;
    bool retry = false;
    *text = NULL;
    if (len) *len = 0;
    ANM_TRY(read_options(options, &known, err));
    anm_chat_turns turns = {messages, count, known.tools_json, known.add_generation_prompt != 0};
    anm_status status = render_messages(tmpl, &turns, &known, text, len, &retry, err);
    if (!retry) return status;
    retry = true;
    anm_error second; /* if that fails too, the first error says what is wrong */
    anm_status again = render_messages(tmpl, &turns, &known, text, len, &retry, &second);
    return again == ANM_OK ? ANM_OK : status;
}

anm_tool_form anm_tool_form_of(const anm_chat_template *tmpl) {
    return tmpl ? anm_tool_form_in(anm_jinja_source_text(tmpl->jinja)) : ANM_TOOL_FORM_NONE;
}

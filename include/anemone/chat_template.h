/* SPDX-License-Identifier: MIT */
/*
 * Chat templates: from the messages of a conversation to the text a model was trained on.
 *
 * Models bring a Jinja template that writes their conversation format, in chat_template.jinja or
 * in tokenizer_config.json. A template, once open, is immutable: threads may render it at the
 * same time. docs/chat-templates.md tells which parts of Jinja are covered.
 */
#ifndef ANEMONE_CHAT_TEMPLATE_H
#define ANEMONE_CHAT_TEMPLATE_H

#include <stddef.h>
#include <time.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_chat_template anm_chat_template;

/* One turn of a conversation, all zero-terminated UTF-8. */
typedef struct anm_chat_message {
    const char *role; /* "system", "user", "assistant", "tool" or what else the template knows */
    const char *content; /* may be NULL where extra_json is not: the template sees none */
    /*
     * NULL, or a JSON object with more members of the message: "tool_calls" of an assistant,
     * "tool_call_id" and "name" of a tool, "reasoning_content". Tool calls have the form of
     * OpenAI's API; arguments written as a text are given to the template as the object that they
     * hold, unless it wants the text.
     */
    const char *extra_json;
} anm_chat_message;

typedef struct anm_chat_options {
    size_t struct_size; /* set by anm_chat_options_init() */
    /* Ask the template to end with the start of the assistant's turn. Not zero: yes. Default 0. */
    int add_generation_prompt;
    /*
     * NULL, or a JSON object with more variables, such as {"enable_thinking": false} or
     * {"tools": [...]}. They take the place of variables of the same name.
     */
    const char *extra_json;
    /* What strftime_now() shows, in local time; 0 (the default): the current time. */
    time_t now;
    /*
     * Zero, the default: values print as in huggingface.js (true, {"a": 1}). Not zero: exactly as
     * in Python (True, {'a': 1}), which is what transformers renders.
     */
    int python_text;
    /*
     * NULL, or a JSON array of tools as in OpenAI's API:
     * [{"type": "function", "function": {"name": ..., "description": ..., "parameters": {...}}}].
     */
    const char *tools_json;
} anm_chat_options;

/* Fills in the defaults. */
ANM_API void anm_chat_options_init(anm_chat_options *options);

/*
 * Opens the template of a model directory: chat_template.jinja if it exists, else the
 * "chat_template" of tokenizer_config.json, which is one template or a list of named ones. `name`
 * chooses among several; NULL means "default". A name other than "default" is also looked for in
 * additional_chat_templates/NAME.jinja. The special tokens of tokenizer_config.json and
 * special_tokens_map.json (bos_token, eos_token, ...) become variables of the template.
 *
 * Errors: ANM_ERROR_NOT_FOUND when the model has no (such) template, ANM_ERROR_FORMAT for a
 * malformed file or template (with the byte offset, and line and column in the message),
 * ANM_ERROR_UNSUPPORTED for a tag that is not covered. Release with anm_chat_template_close().
 */
ANM_API ANM_MUST_CHECK anm_status anm_chat_template_open(const char *model_dir, const char *name,
                                                         anm_chat_template **out, anm_error *err);

/* Parses `len` bytes of template text, without special tokens. `where` names it in messages. */
ANM_API ANM_MUST_CHECK anm_status anm_chat_template_parse(const char *text, size_t len,
                                                          const char *where,
                                                          anm_chat_template **out,
                                                          anm_error *err);

ANM_API void anm_chat_template_close(anm_chat_template *tmpl); /* NULL is fine */

/*
 * Renders `count` messages. As in transformers the template sees messages,
 * add_generation_prompt, tools and documents (none unless given) and the special tokens.
 * *text is zero-terminated, *len bytes long (NULL: not wanted), and is released with
 * anm_chat_text_free(). `options` may be NULL for the defaults.
 *
 * Errors: ANM_ERROR_ARGUMENT with the template's own message when it refuses the conversation
 * (raise_exception), or when a message is not UTF-8; ANM_ERROR_MISMATCH for an operation the
 * values do not allow, such as an attribute of an undefined variable; ANM_ERROR_FORMAT for bad
 * JSON; ANM_ERROR_UNSUPPORTED for an unknown filter or test; ANM_ERROR_LIMIT when the template
 * nests, loops or prints beyond the limits in docs/chat-templates.md.
 */
ANM_API ANM_MUST_CHECK anm_status anm_chat_template_render(const anm_chat_template *tmpl,
                                                           const anm_chat_message *messages,
                                                           size_t count,
                                                           const anm_chat_options *options,
                                                           char **text, size_t *len,
                                                           anm_error *err);

/*
 * The same with all variables in one JSON object of `context_len` bytes. Only the special tokens
 * are added to it; of the options, add_generation_prompt and tools_json are not used and
 * extra_json still is.
 */
ANM_API ANM_MUST_CHECK anm_status anm_chat_template_render_json(const anm_chat_template *tmpl,
                                                                const char *context_json,
                                                                size_t context_len,
                                                                const anm_chat_options *options,
                                                                char **text, size_t *len,
                                                                anm_error *err);

ANM_API void anm_chat_text_free(char *text); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Reading a model's answer: reasoning between <think> and </think>, calls of tools in the form
 * that the model's chat template shows, and the text that remains. Works on the answer as it
 * streams or whole. docs/tool-calls.md describes the forms.
 *
 * Nothing of an answer is lost: what begins as a call and is none comes back as text. Left out
 * are only the marks themselves and white space next to them.
 */
#ifndef ANEMONE_TOOL_CALL_H
#define ANEMONE_TOOL_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "anemone/chat_template.h"
#include "anemone/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum anm_tool_form {
    ANM_TOOL_FORM_NONE = 0,    /* calls are not looked for */
    ANM_TOOL_FORM_QWEN = 1,    /* <tool_call>{"name": ..., "arguments": {...}}</tool_call> */
    ANM_TOOL_FORM_LLAMA = 2,   /* {"name": ..., "parameters": {...}}, also behind <|python_tag|> */
    ANM_TOOL_FORM_DEEPSEEK = 3 /* DeepSeek-R1's and V3's marks around a name and a JSON block */
} anm_tool_form;

/* The form that a template's text shows; NONE also for NULL. */
ANM_API anm_tool_form anm_tool_form_of(const anm_chat_template *tmpl);
/* Whether a rendered prompt ends within <think>, so that the answer begins with reasoning. */
ANM_API bool anm_prompt_opens_reasoning(const char *prompt, size_t len);

typedef enum anm_answer_event_kind {
    ANM_ANSWER_TEXT = 0,
    ANM_ANSWER_REASONING = 1,
    ANM_ANSWER_CALL_BEGIN = 2,     /* text: the tool's name */
    ANM_ANSWER_CALL_ARGUMENTS = 3, /* text: the next part of a JSON object */
    ANM_ANSWER_CALL_END = 4,       /* the call is whole, its arguments are valid JSON */
    ANM_ANSWER_CALL_BROKEN = 5     /* the call, begun or not, is none; text: all of it, raw */
} anm_answer_event_kind;

typedef struct anm_answer_event {
    anm_answer_event_kind kind;
    size_t call;      /* of the CALL kinds: its number in the answer, from 0 */
    const char *text; /* zero-terminated; lives until the callback returns */
    size_t len;
} anm_answer_event;

typedef void (*anm_answer_fn)(void *context, const anm_answer_event *event);

typedef struct anm_answer_options {
    size_t struct_size;
    anm_tool_form form; /* default NONE */
    bool in_reasoning;  /* the prompt ended within <think> */
    bool plain;         /* do not look for <think> at the beginning */
    anm_answer_fn on_event;
    void *context;
} anm_answer_options;
ANM_API void anm_answer_options_init(anm_answer_options *options);

typedef struct anm_answer_parser anm_answer_parser;
ANM_API ANM_MUST_CHECK anm_status anm_answer_parser_create(const anm_answer_options *options,
                                                           anm_answer_parser **out,
                                                           anm_error *err);
ANM_API void anm_answer_parser_destroy(anm_answer_parser *parser); /* NULL is fine */
/* The next bytes of the answer. Fails only when memory is out. */
ANM_API ANM_MUST_CHECK anm_status anm_answer_parser_push(anm_answer_parser *parser,
                                                         const char *text, size_t len,
                                                         anm_error *err);
/*
 * As push, for a generated token and the text that it completed: a token that decoding leaves out
 * and that marks a call (Llama's <|python_tag|>) counts as its text.
 */
ANM_API ANM_MUST_CHECK anm_status anm_answer_parser_token(anm_answer_parser *parser,
                                                          const anm_tokenizer *tokenizer,
                                                          int32_t token, const char *text,
                                                          size_t len, anm_error *err);
/* The answer is over: gives what was held back. The parser is then ready for another one. */
ANM_API ANM_MUST_CHECK anm_status anm_answer_parser_finish(anm_answer_parser *parser,
                                                           anm_error *err);

/* A whole answer. */
typedef struct anm_tool_call {
    char *name;
    char *arguments; /* a JSON object */
} anm_tool_call;
typedef struct anm_answer {
    char *text, *reasoning; /* never NULL */
    anm_tool_call *calls;
    size_t call_count;
    bool broken; /* the text holds a call that was malformed or cut off */
} anm_answer;

/* `options` may be NULL; its callback is not used. Release with anm_answer_free. */
ANM_API ANM_MUST_CHECK anm_status anm_answer_parse(const anm_answer_options *options,
                                                   const char *text, size_t len, anm_answer **out,
                                                   anm_error *err);
ANM_API void anm_answer_free(anm_answer *answer); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif

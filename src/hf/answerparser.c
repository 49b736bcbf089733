/* SPDX-License-Identifier: MIT */
/* The stages of an answer: reasoning, text, calls. */
#include "src/hf/answerparser.h"

#include "src/base/alloc.h"
#include "src/base/options.h"

/* What opens a call; the first one that the form has, by place in the text, counts. */
static const char think_open[] = "<think>", think_close[] = "</think>";
static const char qwen_open[] = "<tool_call>", qwen_close[] = "</tool_call>";
static const char llama_open[] = "<|python_tag|>";
static const char calls_begin[] = "<\xEF\xBD\x9Ctool\xE2\x96\x81" "calls\xE2\x96\x81"
                                  "begin\xEF\xBD\x9C>";
static const char calls_end[] = "<\xEF\xBD\x9Ctool\xE2\x96\x81" "calls\xE2\x96\x81"
                                "end\xEF\xBD\x9C>";

void anm_answer_options_init(anm_answer_options *options) {
    *options = (anm_answer_options){.struct_size = sizeof *options};
}

static const char *opening(const anm_answer_parser *p) {
    switch (p->options.form) {
    case ANM_TOOL_FORM_QWEN: return qwen_open;
    case ANM_TOOL_FORM_LLAMA: return llama_open;
    case ANM_TOOL_FORM_DEEPSEEK: return anm_answer_deepseek_mark();
    default: return NULL;
    }
}

void anm_answer_tell(anm_answer_parser *p, anm_answer_event_kind kind, const char *text,
                     size_t len) {
    bool counts = kind >= ANM_ANSWER_CALL_BEGIN;
    if (!len && (kind == ANM_ANSWER_TEXT || kind == ANM_ANSWER_REASONING)) return;
    anm_strbuf_clear(&p->piece);
    anm_strbuf_append(&p->piece, text, len);
    if (p->piece.failed || !p->options.on_event) return;
    anm_answer_event event = {kind, counts ? p->calls : 0, anm_strbuf_cstr(&p->piece), len};
    p->options.on_event(p->options.context, &event);
}

void anm_answer_drop(anm_answer_parser *p, size_t count) {
    if (!count) return;
    p->held.len -= count;
    memmove(p->held.data, p->held.data + count, p->held.len + 1);
}

static void tell_held(anm_answer_parser *p, anm_answer_event_kind kind, size_t count) {
    anm_answer_tell(p, kind, anm_strbuf_cstr(&p->held), count);
    anm_answer_drop(p, count);
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t leading_space(const anm_strbuf *text) {
    size_t n = 0;
    while (n < text->len && is_space(text->data[n])) n++;
    return n;
}

/* The first `len` bytes without the white space at their end. */
static size_t without_space(const anm_strbuf *text, size_t len) {
    while (len && is_space(text->data[len - 1])) len--;
    return len;
}

typedef enum likeness { LIKE_NO, LIKE_MAYBE, LIKE_YES } likeness;

/* Whether `mark` stands at `at`, or still could. */
static likeness stands_at(const anm_strbuf *text, size_t at, const char *mark) {
    size_t len = strlen(mark), there = text->len - at;
    size_t both = there < len ? there : len;
    if (both && memcmp(text->data + at, mark, both) != 0) return LIKE_NO;
    return there >= len ? LIKE_YES : LIKE_MAYBE;
}

/* Where the mark stands or may begin; the text's length where neither. */
static size_t find_mark(const anm_strbuf *text, const char *mark, bool *whole) {
    *whole = false;
    for (size_t i = 0; i < text->len; i++) {
        likeness like = text->data[i] == mark[0] ? stands_at(text, i, mark) : LIKE_NO;
        if (like == LIKE_NO) continue;
        *whole = like == LIKE_YES;
        return i;
    }
    return text->len;
}

/* --- stages --- */

static bool begin_stage(anm_answer_parser *p) {
    bool llama = p->options.form == ANM_TOOL_FORM_LLAMA;
    size_t space = leading_space(&p->held);
    if (!p->held.len || (llama && space == p->held.len)) return false;
    if (llama && p->held.data[space] == '{') {
        anm_answer_drop(p, space);
        anm_answer_open_call(p, 0, ANM_STAGE_JSON);
    } else {
        p->stage = ANM_STAGE_TEXT;
    }
    return true;
}

static bool start_stage(anm_answer_parser *p) {
    size_t space = leading_space(&p->held);
    if (p->options.plain) {
        p->stage = ANM_STAGE_BEGIN;
        return true;
    }
    likeness like = p->held.len ? stands_at(&p->held, space, think_open) : LIKE_MAYBE;
    if (like == LIKE_MAYBE) return false;
    if (like == LIKE_YES) anm_answer_drop(p, space + strlen(think_open));
    p->stage = like == LIKE_YES ? ANM_STAGE_REASONING : ANM_STAGE_BEGIN;
    p->fresh = like == LIKE_YES;
    return true;
}

/* White space at both ends of the reasoning is left out. */
static bool reasoning_stage(anm_answer_parser *p) {
    bool whole;
    if (p->fresh) anm_answer_drop(p, leading_space(&p->held));
    size_t end = find_mark(&p->held, think_close, &whole);
    size_t len = without_space(&p->held, end);
    if (len) p->fresh = false;
    tell_held(p, ANM_ANSWER_REASONING, len);
    if (!whole) return false;
    anm_answer_drop(p, end - len + strlen(think_close));
    p->stage = ANM_STAGE_AFTER_THINK;
    return true;
}

static bool after_think_stage(anm_answer_parser *p) {
    anm_answer_drop(p, leading_space(&p->held));
    if (p->held.len) p->stage = ANM_STAGE_BEGIN;
    return p->held.len > 0;
}

static anm_answer_stage call_stage(const anm_answer_parser *p) {
    return p->options.form == ANM_TOOL_FORM_DEEPSEEK ? ANM_STAGE_MARKED : ANM_STAGE_JSON;
}

/* DeepSeek puts a mark around all calls, which is left out. Looks before `end` only. */
static bool skip_calls_mark(anm_answer_parser *p, size_t *end) {
    bool whole;
    size_t at = find_mark(&p->held, calls_begin, &whole);
    if (p->options.form != ANM_TOOL_FORM_DEEPSEEK || at >= *end) return false;
    *end = at;
    if (!whole) return false;
    size_t len = without_space(&p->held, at);
    tell_held(p, ANM_ANSWER_TEXT, len);
    anm_answer_drop(p, at - len + strlen(calls_begin));
    p->stage = ANM_STAGE_BETWEEN;
    return true;
}

/* Text up to a mark; the white space before the mark waits, for it goes if a call comes. */
static bool text_stage(anm_answer_parser *p) {
    bool whole;
    const char *mark = opening(p);
    if (!mark) {
        tell_held(p, ANM_ANSWER_TEXT, p->held.len);
        return false;
    }
    size_t call = find_mark(&p->held, mark, &whole), end = call;
    if (skip_calls_mark(p, &end)) return true;
    size_t len = without_space(&p->held, end);
    tell_held(p, ANM_ANSWER_TEXT, len);
    if (!whole || end != call) return false;
    anm_answer_drop(p, end - len);
    anm_answer_open_call(p, strlen(mark), call_stage(p));
    return true;
}

static bool close_stage(anm_answer_parser *p) {
    size_t space = leading_space(&p->held);
    likeness like = stands_at(&p->held, space, qwen_close);
    if (!p->held.len || like == LIKE_MAYBE) return false;
    if (like == LIKE_YES) anm_answer_drop(p, space + strlen(qwen_close));
    p->stage = ANM_STAGE_BETWEEN;
    return true;
}

/* What may stand between calls is left out: white space, Llama's ";", DeepSeek's end of all. */
static size_t separators(const anm_answer_parser *p) {
    size_t n = leading_space(&p->held);
    bool semicolon = p->options.form == ANM_TOOL_FORM_LLAMA;
    while (n < p->held.len && (is_space(p->held.data[n]) || (semicolon && p->held.data[n] == ';')))
        n++;
    return n;
}

static bool between_stage(anm_answer_parser *p) {
    size_t at = separators(p);
    if (at == p->held.len) return false;
    likeness like = stands_at(&p->held, at, opening(p)), end = LIKE_NO;
    if (p->options.form == ANM_TOOL_FORM_DEEPSEEK) end = stands_at(&p->held, at, calls_end);
    bool bare = p->options.form == ANM_TOOL_FORM_LLAMA && p->held.data[at] == '{';
    if (like == LIKE_YES || bare) {
        anm_answer_drop(p, at);
        anm_answer_open_call(p, bare ? 0 : strlen(opening(p)), call_stage(p));
    } else if (end == LIKE_YES) {
        anm_answer_drop(p, at + strlen(calls_end));
        p->stage = ANM_STAGE_TEXT;
    } else if (like == LIKE_MAYBE || end == LIKE_MAYBE) {
        return false;
    } else {
        p->stage = ANM_STAGE_TEXT;
    }
    return true;
}

static bool code_stage(anm_answer_parser *p) {
    anm_strbuf_append(&p->raw, anm_strbuf_cstr(&p->held), p->held.len);
    anm_answer_drop(p, p->held.len);
    return false;
}

static bool advance(anm_answer_parser *p) {
    switch (p->stage) {
    case ANM_STAGE_START: return start_stage(p);
    case ANM_STAGE_REASONING: return reasoning_stage(p);
    case ANM_STAGE_AFTER_THINK: return after_think_stage(p);
    case ANM_STAGE_BEGIN: return begin_stage(p);
    case ANM_STAGE_TEXT: return text_stage(p);
    case ANM_STAGE_JSON: return anm_answer_json(p);
    case ANM_STAGE_CLOSE: return close_stage(p);
    case ANM_STAGE_MARKED: return anm_answer_marked(p);
    case ANM_STAGE_CODE: return code_stage(p);
    case ANM_STAGE_BETWEEN: return between_stage(p);
    }
    return false;
}

/* --- the public functions --- */

static void restart(anm_answer_parser *p) {
    p->stage = p->options.in_reasoning ? ANM_STAGE_REASONING : ANM_STAGE_START;
    p->fresh = true;
    p->calls = 0;
    p->begun = false;
    anm_strbuf_clear(&p->held);
    anm_strbuf_clear(&p->raw);
    anm_strbuf_clear(&p->piece);
}

anm_status anm_answer_parser_create(const anm_answer_options *options, anm_answer_parser **out,
                                    anm_error *err) {
    anm_answer_options known;
    *out = NULL;
    anm_answer_options_init(&known);
    ANM_TRY(anm_options_take(&known, sizeof known, options, err));
    if ((unsigned)known.form > ANM_TOOL_FORM_DEEPSEEK)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "form", "%d is no form of calls",
                        (int)known.form);
    anm_answer_parser *p = anm_calloc(1, sizeof *p);
    if (!p) return anm_fail_memory(err);
    p->options = known;
    restart(p);
    *out = p;
    return ANM_OK;
}

void anm_answer_parser_destroy(anm_answer_parser *p) {
    if (!p) return;
    anm_strbuf_free(&p->held);
    anm_strbuf_free(&p->raw);
    anm_strbuf_free(&p->piece);
    anm_strbuf_free(&p->name);
    anm_free(p);
}

static anm_status check_memory(const anm_answer_parser *p, anm_error *err) {
    bool failed = p->held.failed || p->raw.failed || p->piece.failed ||
                  p->name.failed;
    return failed ? anm_fail_memory(err) : ANM_OK;
}

anm_status anm_answer_parser_push(anm_answer_parser *p, const char *text, size_t len,
                                  anm_error *err) {
    anm_strbuf_append(&p->held, text, len);
    ANM_TRY(check_memory(p, err));
    while (advance(p)) ANM_TRY(check_memory(p, err));
    return check_memory(p, err);
}

anm_status anm_answer_parser_token(anm_answer_parser *p, const anm_tokenizer *tokenizer,
                                   int32_t token, const char *text, size_t len, anm_error *err) {
    if (token >= 0 && anm_tokenizer_is_special(tokenizer, token)) {
        const char *mark = anm_tokenizer_token_text(tokenizer, token), *open = opening(p);
        bool wanted = open && (strcmp(mark, open) == 0 ||
                               (p->options.form == ANM_TOOL_FORM_DEEPSEEK && strstr(mark, "tool")));
        if (strcmp(mark, think_open) == 0 || strcmp(mark, think_close) == 0 || wanted)
            ANM_TRY(anm_answer_parser_push(p, mark, strlen(mark), err));
    }
    return anm_answer_parser_push(p, text, len, err);
}

/* What was held back is what it looked like until now. */
static void release(anm_answer_parser *p) {
    size_t end = without_space(&p->held, p->held.len);
    switch (p->stage) {
    case ANM_STAGE_REASONING: tell_held(p, ANM_ANSWER_REASONING, end); break;
    case ANM_STAGE_JSON:
    case ANM_STAGE_CODE:
    case ANM_STAGE_MARKED:
        anm_strbuf_append(&p->raw, anm_strbuf_cstr(&p->held), p->held.len);
        anm_answer_break_call(p);
        break;
    case ANM_STAGE_CLOSE:
    case ANM_STAGE_BETWEEN:
        tell_held(p, ANM_ANSWER_TEXT, separators(p) < end ? p->held.len : 0);
        break;
    default: tell_held(p, ANM_ANSWER_TEXT, p->calls ? end : p->held.len); break;
    }
}

anm_status anm_answer_parser_finish(anm_answer_parser *p, anm_error *err) {
    release(p);
    anm_status status = check_memory(p, err);
    restart(p);
    return status;
}

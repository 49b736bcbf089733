/* SPDX-License-Identifier: MIT */
/*
 * The calls in an answer. A call's name is told as soon as it is known and its arguments as they
 * come; at its end the whole is parsed strictly, and only then told to be a call.
 */
#include <stdlib.h>

#include "src/base/json.h"
#include "src/hf/answerparser.h"

static const char call_begin[] = "<\xEF\xBD\x9Ctool\xE2\x96\x81" "call\xE2\x96\x81"
                                 "begin\xEF\xBD\x9C>";
static const char call_end[] = "<\xEF\xBD\x9Ctool\xE2\x96\x81" "call\xE2\x96\x81"
                               "end\xEF\xBD\x9C>";
static const char call_sep[] = "<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>";

void anm_answer_open_call(anm_answer_parser *p, size_t mark, anm_answer_stage stage) {
    anm_strbuf_clear(&p->raw);
    anm_strbuf_append(&p->raw, anm_strbuf_cstr(&p->held), mark);
    anm_answer_drop(p, mark);
    p->stage = stage;
    p->mark = mark;
    p->scan = (anm_callscan){0};
    p->begun = p->naming = p->arguing = p->streaming = false;
    p->told = 0;
    anm_strbuf_clear(&p->name);
}

/* Llama's bare JSON has no mark: what never was a call by its keys is plain text. */
void anm_answer_break_call(anm_answer_parser *p) {
    bool plain = p->options.form == ANM_TOOL_FORM_LLAMA && !p->mark && !p->begun;
    anm_answer_tell(p, plain ? ANM_ANSWER_TEXT : ANM_ANSWER_CALL_BROKEN, p->raw.data, p->raw.len);
    if (!plain) p->calls++;
    anm_strbuf_clear(&p->raw);
    p->stage = ANM_STAGE_TEXT;
}

static void end_call(anm_answer_parser *p) {
    anm_answer_tell(p, ANM_ANSWER_CALL_END, "", 0);
    p->calls++;
    anm_strbuf_clear(&p->raw);
}

static void begin_call(anm_answer_parser *p, const char *name) {
    p->begun = true;
    anm_answer_tell(p, ANM_ANSWER_CALL_BEGIN, name, strlen(name));
}

/* --- a JSON object: Qwen, Llama --- */

static bool key_is(const anm_answer_parser *p, const char *name) {
    const char *key = p->raw.data + p->mark + p->scan.key;
    size_t len = p->scan.key_end - p->scan.key;
    return len == strlen(name) + 2 && memcmp(key + 1, name, len - 2) == 0;
}

static bool is_arguments(const anm_answer_parser *p) {
    return key_is(p, "arguments") || key_is(p, "parameters");
}

static bool is_llama(const anm_answer_parser *p) {
    return p->options.form == ANM_TOOL_FORM_LLAMA;
}

/* False when the object cannot be a call. */
static bool on_key(anm_answer_parser *p) {
    p->naming = key_is(p, "name") || (is_llama(p) && key_is(p, "function"));
    p->arguing = is_arguments(p);
    return p->naming || p->arguing || !is_llama(p) || p->mark || key_is(p, "type");
}

static void tell_arguments(anm_answer_parser *p, size_t end) {
    if (!p->streaming || end <= p->told) return;
    anm_answer_tell(p, ANM_ANSWER_CALL_ARGUMENTS, p->raw.data + p->told, end - p->told);
    p->told = end;
}

static void on_value_end(anm_answer_parser *p) {
    const char *text = p->raw.data + p->mark + p->scan.value;
    size_t len = p->scan.value_end - p->scan.value;
    if (p->arguing) tell_arguments(p, p->mark + p->scan.value_end);
    if (!p->naming || p->begun || text[0] != '"') return;
    json_t *name = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    anm_strbuf_clear(&p->name);
    if (json_is_string(name)) anm_strbuf_puts(&p->name, json_string_value(name));
    json_decref(name);
}

/* The arguments are told as they come if the name stood before them. */
static void on_value_begin(anm_answer_parser *p) {
    if (!p->arguing || !p->name.len || p->begun || p->raw.data[p->raw.len - 1] != '{') return;
    begin_call(p, p->name.data);
    p->streaming = true;
    p->told = p->mark + p->scan.value;
}

static bool on_event(anm_answer_parser *p, anm_scan_event event) {
    switch (event) {
    case ANM_SCAN_KEY_END: return on_key(p);
    case ANM_SCAN_VALUE_BEGIN: on_value_begin(p); return true;
    case ANM_SCAN_VALUE_END: on_value_end(p); return true;
    default: return p->scan.phase != ANM_SCAN_BAD;
    }
}

static const json_t *first_of(const json_t *object, const char *one, const char *other) {
    const json_t *value = json_object_get(object, one);
    return value ? value : json_object_get(object, other);
}

/* Some models write the arguments as a text that holds JSON. NULL when they are no object. */
static json_t *arguments_of(const anm_answer_parser *p, const json_t *call) {
    const json_t *value = first_of(call, "arguments", "parameters");
    if (!value && is_llama(p) && !p->mark) return NULL;
    if (!value) return json_object();
    json_t *read = json_is_string(value)
                       ? json_loadb(json_string_value(value), json_string_length(value),
                                    JSON_REJECT_DUPLICATES, NULL)
                       : json_incref((json_t *)value);
    if (json_is_object(read)) return read;
    json_decref(read);
    return NULL;
}

/* False when memory is out. */
static bool finish_valid(anm_answer_parser *p, const char *name, const json_t *arguments) {
    if (!p->begun) begin_call(p, name);
    if (!p->told) {
        char *text = json_dumps(arguments, 0);
        if (!text) return false;
        anm_answer_tell(p, ANM_ANSWER_CALL_ARGUMENTS, text, strlen(text));
        free(text); /* jansson's memory, not ours */
    }
    end_call(p);
    return true;
}

static void finish_json(anm_answer_parser *p) {
    json_t *call = json_loadb(p->raw.data + p->mark, p->raw.len - p->mark,
                              JSON_REJECT_DUPLICATES, NULL);
    const json_t *name = json_object_get(call, "name");
    if (!name && is_llama(p)) name = json_object_get(call, "function");
    json_t *arguments = arguments_of(p, call);
    bool valid = json_is_string(name) && json_string_length(name) && arguments;
    if (!valid)
        anm_answer_break_call(p);
    else if (!finish_valid(p, json_string_value(name), arguments))
        p->raw.failed = true;
    json_decref(arguments);
    json_decref(call);
    if (valid)
        p->stage = p->options.form == ANM_TOOL_FORM_QWEN ? ANM_STAGE_CLOSE : ANM_STAGE_BETWEEN;
}

bool anm_answer_json(anm_answer_parser *p) {
    size_t taken = 0;
    bool alive = true;
    if (!p->held.len) return false;
    while (alive && taken < p->held.len && p->scan.phase != ANM_SCAN_DONE) {
        char byte = p->held.data[taken++];
        anm_strbuf_putc(&p->raw, byte);
        if (p->raw.failed) return false;
        alive = on_event(p, anm_callscan_take(&p->scan, byte));
    }
    if (alive && p->scan.phase == ANM_SCAN_VALUE && p->arguing && !p->scan.ended)
        tell_arguments(p, p->raw.len);
    bool python = !alive && is_llama(p) && p->mark && p->scan.key_end == 0;
    anm_answer_drop(p, taken);
    if (python)
        p->stage = ANM_STAGE_CODE;
    else if (!alive)
        anm_answer_break_call(p);
    else if (p->scan.phase == ANM_SCAN_DONE)
        finish_json(p);
    return true;
}

/* --- DeepSeek --- */

static anm_sv trimmed(anm_sv text) {
    while (text.len && strchr(" \n\t\r", text.data[0])) text.data++, text.len--;
    while (text.len && strchr(" \n\t\r", text.data[text.len - 1])) text.len--;
    return text;
}

/* The JSON within ```json and ```, or all of it. */
static anm_sv unfenced(anm_sv text) {
    static const char fence[] = "```json";
    text = trimmed(text);
    if (text.len < 10 || memcmp(text.data, fence, 7) != 0) return text;
    if (memcmp(text.data + text.len - 3, "```", 3) != 0) return text;
    return trimmed((anm_sv){text.data + 7, text.len - 10});
}

/*
 * R1 writes TYPE sep NAME newline, fenced arguments; V3.1 NAME sep arguments. False when the call
 * has neither form.
 */
static bool split_marked(anm_sv call, anm_sv *name, anm_sv *arguments) {
    const char *sep = strstr(call.data, call_sep);
    if (!sep) return false;
    anm_sv head = {call.data, (size_t)(sep - call.data)};
    anm_sv tail = anm_sv_from(sep + strlen(call_sep));
    const char *line = memchr(tail.data, '\n', tail.len);
    if (!anm_sv_is(trimmed(head), "function") || !line) {
        *name = trimmed(head);
        *arguments = unfenced(tail);
        return name->len > 0;
    }
    *name = trimmed((anm_sv){tail.data, (size_t)(line - tail.data)});
    *arguments = unfenced(anm_sv_from(line));
    return name->len > 0;
}

/* raw holds the mark and the call, without its end mark. */
static void finish_marked(anm_answer_parser *p) {
    anm_sv call = {p->raw.data + p->mark, p->raw.len - p->mark}, name, arguments;
    json_t *read = NULL;
    if (split_marked(call, &name, &arguments))
        read = json_loadb(arguments.data, arguments.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(read)) {
        anm_answer_tell(p, ANM_ANSWER_CALL_BEGIN, name.data, name.len);
        anm_answer_tell(p, ANM_ANSWER_CALL_ARGUMENTS, arguments.data, arguments.len);
        end_call(p);
        p->stage = ANM_STAGE_BETWEEN;
    } else {
        anm_strbuf_puts(&p->raw, call_end);
        anm_answer_break_call(p);
    }
    json_decref(read);
}

bool anm_answer_marked(anm_answer_parser *p) {
    const char *end = p->held.len ? strstr(p->held.data, call_end) : NULL;
    if (!end) return false;
    size_t len = (size_t)(end - p->held.data);
    anm_strbuf_append(&p->raw, p->held.data, len);
    anm_answer_drop(p, len + strlen(call_end));
    if (p->raw.failed) return false;
    finish_marked(p);
    return true;
}

const char *anm_answer_deepseek_mark(void) {
    return call_begin;
}

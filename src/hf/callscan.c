/* SPDX-License-Identifier: MIT */
#include "src/hf/callscan.h"

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static anm_scan_event fail(anm_callscan *s) {
    s->phase = ANM_SCAN_BAD;
    return ANM_SCAN_NOTHING;
}

/* True while the byte belongs to a string, its last quote included. */
static bool in_string(anm_callscan *s, char c) {
    if (!s->in_string) return false;
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->in_string = false;
    return true;
}

static anm_scan_event take_key(anm_callscan *s, char c) {
    if (in_string(s, c)) {
        if (s->in_string) return ANM_SCAN_NOTHING;
        s->key_end = s->at + 1;
        s->phase = ANM_SCAN_COLON;
        return ANM_SCAN_KEY_END;
    }
    if (is_space(c)) return ANM_SCAN_NOTHING;
    if (c == '}') {
        s->phase = ANM_SCAN_DONE;
        return ANM_SCAN_OBJECT_END;
    }
    if (c != '"') return fail(s);
    s->in_string = true;
    s->key = s->at;
    return ANM_SCAN_NOTHING;
}

static anm_scan_event take_colon(anm_callscan *s, char c) {
    if (is_space(c)) return ANM_SCAN_NOTHING;
    if (c != ':') return fail(s);
    s->phase = ANM_SCAN_VALUE;
    s->begun = s->ended = false;
    return ANM_SCAN_NOTHING;
}

static anm_scan_event end_value(anm_callscan *s, size_t end) {
    s->ended = true;
    s->value_end = end;
    return ANM_SCAN_VALUE_END;
}

/* The byte behind a value, or the one that ends a number or word. */
static anm_scan_event take_end(anm_callscan *s, char c) {
    bool was_open = !s->ended;
    if (was_open) end_value(s, s->at);
    s->phase = c == ',' ? ANM_SCAN_KEY : c == '}' ? ANM_SCAN_DONE : s->phase;
    if (s->phase == ANM_SCAN_DONE) return ANM_SCAN_OBJECT_END;
    if (s->phase == ANM_SCAN_VALUE && !is_space(c)) return fail(s);
    return was_open ? ANM_SCAN_VALUE_END : ANM_SCAN_NOTHING;
}

static anm_scan_event begin_value(anm_callscan *s, char c) {
    if (is_space(c)) return ANM_SCAN_NOTHING;
    if (c == ',' || c == '}' || c == ']' || c == ':') return fail(s);
    s->begun = true;
    s->value = s->at;
    s->depth = c == '{' || c == '[';
    s->in_string = c == '"';
    return ANM_SCAN_VALUE_BEGIN;
}

static anm_scan_event take_value(anm_callscan *s, char c) {
    if (!s->begun) return begin_value(s, c);
    if (s->ended) return take_end(s, c);
    if (in_string(s, c))
        return s->in_string || s->depth ? ANM_SCAN_NOTHING : end_value(s, s->at + 1);
    if (!s->depth) return c == ',' || c == '}' || is_space(c) ? take_end(s, c) : ANM_SCAN_NOTHING;
    if (c == '"') s->in_string = true;
    if (c == '{' || c == '[') s->depth++;
    if (c == '}' || c == ']') s->depth--;
    return s->depth ? ANM_SCAN_NOTHING : end_value(s, s->at + 1);
}

static anm_scan_event take(anm_callscan *s, char c) {
    switch (s->phase) {
    case ANM_SCAN_OPEN:
        if (c == '{') s->phase = ANM_SCAN_KEY;
        return c == '{' || is_space(c) ? ANM_SCAN_NOTHING : fail(s);
    case ANM_SCAN_KEY: return take_key(s, c);
    case ANM_SCAN_COLON: return take_colon(s, c);
    case ANM_SCAN_VALUE: return take_value(s, c);
    default: return ANM_SCAN_NOTHING;
    }
}

anm_scan_event anm_callscan_take(anm_callscan *s, char byte) {
    anm_scan_event event = take(s, byte);
    s->at++;
    return event;
}

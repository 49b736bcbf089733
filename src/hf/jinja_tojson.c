/* SPDX-License-Identifier: MIT */
/* The tojson filter's text: what Python's json.dumps writes with the same options. */
#include <math.h>
#include <stdio.h>

#include "src/hf/jinja_run.h"
#include "src/hf/jinja_utf8.h"

typedef struct writer {
    jinja_text text;
    const jinja_json_style *style;
} writer;

static bool escape_unit(jinja_text *out, uint32_t unit) {
    char text[16];
    snprintf(text, sizeof text, "\\u%04x", unit);
    return anm_jinja_text_puts(out, text);
}

static bool escape(jinja_text *out, uint32_t c) {
    static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *known = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
    if (known) {
        char pair[2] = {'\\', names[known - plain]};
        return anm_jinja_text_add(out, (anm_sv){pair, 2});
    }
    if (c < 0x10000) return escape_unit(out, c);
    c -= 0x10000;
    return escape_unit(out, 0xd800 + (c >> 10)) && escape_unit(out, 0xdc00 + (c & 0x3ff));
}

bool anm_jinja_json_string(jinja_text *out, anm_sv text, bool ensure_ascii) {
    size_t plain = 0; /* start of what needs no escape */
    if (!anm_jinja_text_puts(out, "\"")) return false;
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        uint32_t c = anm_jinja_utf8_next(text, &at);
        bool special = c < 0x20 || c == '"' || c == '\\' || (ensure_ascii && c >= 0x7f);
        if (!special) continue;
        if (!anm_jinja_text_add(out, (anm_sv){text.data + plain, start - plain}) || !escape(out, c))
            return false;
        plain = at;
    }
    return anm_jinja_text_add(out, (anm_sv){text.data + plain, text.len - plain}) &&
           anm_jinja_text_puts(out, "\"");
}

static bool put_number(writer *w, jinja_value v) {
    char digits[40];
    if (JINJA_IS(v, JINJA_INT))
        snprintf(digits, sizeof digits, "%lld", (long long)v.integer);
    else if (isnan(v.real) || isinf(v.real))
        snprintf(digits, sizeof digits, "%s",
                 isnan(v.real) ? "NaN" : v.real < 0 ? "-Infinity" : "Infinity");
    else
        anm_jinja_format_float(v.real, digits);
    return anm_jinja_text_puts(&w->text, digits);
}

static bool put_value(writer *w, jinja_value v, int depth);

static bool new_line(writer *w, int depth) {
    if (!w->style->pretty) return true;
    if (!anm_jinja_text_puts(&w->text, "\n")) return false;
    for (int i = 0; i < depth; i++)
        if (!anm_jinja_text_add(&w->text, w->style->indent)) return false;
    return true;
}

static bool put_list(writer *w, const jinja_list *list, int depth) {
    if (!list->len) return anm_jinja_text_puts(&w->text, "[]");
    if (!anm_jinja_text_puts(&w->text, "[")) return false;
    for (size_t i = 0; i < list->len; i++) {
        if (i && !anm_jinja_text_add(&w->text, w->style->item_separator)) return false;
        if (!new_line(w, depth + 1) || !put_value(w, list->items[i], depth + 1)) return false;
    }
    return new_line(w, depth) && anm_jinja_text_puts(&w->text, "]");
}

/* Numbers, booleans and none become strings; other keys are an error, as in Python. */
static bool put_key(writer *w, jinja_value key) {
    if (JINJA_IS(key, JINJA_STRING))
        return anm_jinja_json_string(&w->text, key.text, w->style->ensure_ascii);
    if (!jinja_is_number(key) && !JINJA_IS(key, JINJA_NONE))
        return anm_jinja_raise(w->text.run, ANM_ERROR_MISMATCH,
                               "tojson: a key may not be a %s", anm_jinja_type_name(key));
    return anm_jinja_text_puts(&w->text, "\"") && put_value(w, key, 0) &&
           anm_jinja_text_puts(&w->text, "\"");
}

static bool sorted_entries(jinja_run *run, const jinja_dict *dict, jinja_entry **entries) {
    jinja_value *keys = anm_jinja_alloc(run, dict->len, sizeof *keys);
    jinja_value *order = anm_jinja_alloc(run, dict->len, sizeof *order);
    *entries = anm_jinja_alloc(run, dict->len, sizeof **entries);
    if (!keys || !order || !*entries) return false;
    for (size_t i = 0; i < dict->len; i++) {
        keys[i] = dict->entries[i].key;
        order[i] = jinja_int((int64_t)i);
    }
    if (!anm_jinja_sort(run, keys, order, dict->len, false)) return false;
    for (size_t i = 0; i < dict->len; i++) (*entries)[i] = dict->entries[order[i].integer];
    return true;
}

static bool put_dict(writer *w, const jinja_dict *dict, int depth) {
    jinja_entry *entries = dict->entries;
    if (!dict->len) return anm_jinja_text_puts(&w->text, "{}");
    if (w->style->sort_keys && !sorted_entries(w->text.run, dict, &entries)) return false;
    if (!anm_jinja_text_puts(&w->text, "{")) return false;
    for (size_t i = 0; i < dict->len; i++) {
        if (i && !anm_jinja_text_add(&w->text, w->style->item_separator)) return false;
        if (!new_line(w, depth + 1) || !put_key(w, entries[i].key) ||
            !anm_jinja_text_add(&w->text, w->style->key_separator) ||
            !put_value(w, entries[i].value, depth + 1))
            return false;
    }
    return new_line(w, depth) && anm_jinja_text_puts(&w->text, "}");
}

static bool put_value(writer *w, jinja_value v, int depth) {
    if (depth > JINJA_MAX_VALUE_DEPTH) return anm_jinja_raise_deep(w->text.run);
    if (!anm_jinja_charge(w->text.run, 1)) return false;
    switch (v.kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return anm_jinja_text_puts(&w->text, "null");
    case JINJA_BOOL: return anm_jinja_text_puts(&w->text, v.truth ? "true" : "false");
    case JINJA_INT:
    case JINJA_FLOAT: return put_number(w, v);
    case JINJA_STRING: return anm_jinja_json_string(&w->text, v.text, w->style->ensure_ascii);
    case JINJA_LIST:
    case JINJA_TUPLE: return put_list(w, v.list, depth);
    case JINJA_DICT: return put_dict(w, v.dict, depth);
    default:
        return anm_jinja_raise(w->text.run, ANM_ERROR_MISMATCH, "tojson: a %s is not JSON",
                               anm_jinja_type_name(v));
    }
}

bool anm_jinja_to_json(jinja_run *run, jinja_value v, const jinja_json_style *style,
                       anm_sv *out) {
    writer w = {.text = {.run = run}, .style = style};
    if (!put_value(&w, v, 0)) return false;
    *out = anm_jinja_text_sv(&w.text);
    return true;
}

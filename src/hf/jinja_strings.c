/* SPDX-License-Identifier: MIT */
/* Texts: stripping, replacing, splitting into lines, padding, case and character classes. */
#include "src/hf/jinja_strings.h"

#include <utf8proc.h>

#include "src/hf/jinja_utf8.h"

bool anm_jinja_int_arg(jinja_run *run, jinja_value v, int64_t absent, int64_t *out) {
    *out = absent;
    if (v.kind == JINJA_ABSENT || v.kind == JINJA_NONE) return true;
    if (JINJA_IS(v, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, v);
    if (!JINJA_IS(v, JINJA_INT) && !JINJA_IS(v, JINJA_BOOL))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "expected an integer, not a %s",
                               anm_jinja_type_name(v));
    *out = JINJA_IS(v, JINJA_BOOL) ? v.truth : v.integer;
    return true;
}

bool anm_jinja_text_arg(jinja_run *run, jinja_value v, anm_sv *out) {
    if (JINJA_IS(v, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, v);
    if (!JINJA_IS(v, JINJA_STRING))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "expected a string, not a %s",
                               anm_jinja_type_name(v));
    *out = v.text;
    return true;
}

/* --- classes --- */

bool anm_jinja_is_letter(uint32_t c) {
    if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool anm_jinja_is_decimal(uint32_t c) {
    if (c < 0x80) return c >= '0' && c <= '9';
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

bool anm_jinja_is_numeric(uint32_t c) {
    if (c < 0x80) return c >= '0' && c <= '9';
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

/* --- case --- */

static uint32_t map_case(uint32_t c, jinja_case how, bool first, bool after_letter) {
    utf8proc_int32_t code = (utf8proc_int32_t)c;
    bool upper = how == JINJA_UPPER || (how == JINJA_CAPITALIZE && first) ||
                 (how == JINJA_TITLE && !after_letter);
    return (uint32_t)(!upper                ? utf8proc_tolower(code)
                      : how == JINJA_UPPER ? utf8proc_toupper(code)
                                           : utf8proc_totitle(code));
}

bool anm_jinja_change_case(jinja_run *run, anm_sv text, jinja_case how, anm_sv *out) {
    /* No character grows to more than twice its bytes. */
    char *data = anm_jinja_alloc(run, text.len, 2);
    if (!data || !anm_jinja_charge_bytes(run, text.len)) return false;
    bool after_letter = false;
    size_t used = 0;
    for (size_t at = 0; at < text.len;) {
        bool first = at == 0;
        uint32_t c = anm_jinja_utf8_next(text, &at);
        used += anm_jinja_utf8_put(data + used, map_case(c, how, first, after_letter));
        after_letter = anm_jinja_is_letter(c);
    }
    *out = (anm_sv){data, used};
    return true;
}

/* --- stripping --- */

static bool in_set(uint32_t c, const anm_sv *chars) {
    if (!chars) return anm_jinja_utf8_is_space(c);
    for (size_t at = 0; at < chars->len;)
        if (anm_jinja_utf8_next(*chars, &at) == c) return true;
    return false;
}

anm_sv anm_jinja_strip(anm_sv text, const anm_sv *chars, bool left, bool right) {
    while (left && text.len) {
        size_t at = 0;
        if (!in_set(anm_jinja_utf8_next(text, &at), chars)) break;
        text = (anm_sv){text.data + at, text.len - at};
    }
    while (right && text.len) {
        size_t at = text.len - 1;
        while (((unsigned char)text.data[at] & 0xc0) == 0x80) at--;
        size_t next = at;
        if (!in_set(anm_jinja_utf8_next(text, &next), chars)) break;
        text.len = at;
    }
    return text;
}

/* --- replacing --- */

/* Before each character and at the end. */
static bool replace_empty(jinja_text *result, anm_sv text, anm_sv with, int64_t count) {
    for (size_t at = 0; count != 0; count--) {
        if (!anm_jinja_charge(result->run, 1) || !anm_jinja_text_add(result, with)) return false;
        if (at >= text.len) return true;
        size_t size = anm_jinja_utf8_size(text.data + at);
        if (!anm_jinja_text_add(result, (anm_sv){text.data + at, size})) return false;
        at += size;
        if (count == 1)
            return anm_jinja_text_add(result, (anm_sv){text.data + at, text.len - at});
    }
    return anm_jinja_text_add(result, text);
}

static bool replace_text(jinja_text *result, anm_sv text, anm_sv old, anm_sv with,
                         int64_t count) {
    for (; count != 0; count--) {
        const char *hit = text.len ? memmem(text.data, text.len, old.data, old.len) : NULL;
        if (!hit) break;
        size_t before = (size_t)(hit - text.data), skip = before + old.len;
        if (!anm_jinja_charge_bytes(result->run, before) ||
            !anm_jinja_text_add(result, (anm_sv){text.data, before}) ||
            !anm_jinja_text_add(result, with))
            return false;
        text = (anm_sv){text.data + skip, text.len - skip};
    }
    return anm_jinja_text_add(result, text);
}

bool anm_jinja_replace(jinja_run *run, anm_sv text, anm_sv old, anm_sv with, int64_t count,
                       anm_sv *out) {
    jinja_text result = {.run = run};
    bool ok = old.len ? replace_text(&result, text, old, with, count)
                      : replace_empty(&result, text, with, count);
    *out = anm_jinja_text_sv(&result);
    return ok && anm_jinja_charge_bytes(run, text.len);
}

/* --- lines --- */

static bool ends_line(uint32_t c) {
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

bool anm_jinja_split_lines(jinja_run *run, anm_sv text, bool keep, jinja_value *out) {
    if (!anm_jinja_charge_bytes(run, text.len) || !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    for (size_t at = 0, start = 0; at < text.len; start = at) {
        size_t end = at;
        while (at < text.len) {
            end = at;
            uint32_t c = anm_jinja_utf8_next(text, &at);
            if (c == '\r' && at < text.len && text.data[at] == '\n') at++;
            if (ends_line(c)) break;
            end = at;
        }
        anm_sv line = {text.data + start, (keep ? at : end) - start};
        if (!anm_jinja_list_push(run, out->list, jinja_string(line))) return false;
    }
    return true;
}

/* --- padding --- */

static void fill_text(char *out, anm_sv fill, size_t count) {
    for (size_t i = 0; i < count; i++) memcpy(out + i * fill.len, fill.data, fill.len);
}

bool anm_jinja_pad(jinja_run *run, anm_sv text, size_t left, size_t right, anm_sv fill,
                   anm_sv *out) {
    if (left > JINJA_MAX_MEMORY || right > JINJA_MAX_MEMORY)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the width is too large");
    size_t before = left * fill.len, total = before + text.len + right * fill.len;
    char *data = anm_jinja_alloc(run, total, 1);
    if (!data || !anm_jinja_charge_bytes(run, total)) return false;
    fill_text(data, fill, left);
    if (text.len) memcpy(data + before, text.data, text.len);
    fill_text(data + before + text.len, fill, right);
    *out = (anm_sv){data, total};
    return true;
}

bool anm_jinja_center(jinja_run *run, anm_sv text, int64_t width, anm_sv fill, anm_sv *out) {
    size_t length = anm_jinja_utf8_length(text);
    size_t missing = width > 0 && (size_t)width > length ? (size_t)width - length : 0;
    /* CPython puts the odd one left of a text in an odd width. */
    size_t left = missing / 2 + (missing & (size_t)width & 1);
    return anm_jinja_pad(run, text, left, missing - left, fill, out);
}

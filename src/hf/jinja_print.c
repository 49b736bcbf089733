/* SPDX-License-Identifier: MIT */
/*
 * How values are printed. Two ways: huggingface.js' (true, null, strings in lists as JSON), the
 * default, and Python's (True, None, repr), which the option `python` chooses.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "src/hf/jinja_run.h"
#include "src/hf/jinja_utf8.h"

/* The host program's locale may write 1,5: these turn its point into ours and back. */
static void exchange(char *digits, char from, char to) {
    char *point = strchr(digits, from);
    if (point) *point = to;
}

double anm_jinja_read_float(char *digits) {
    exchange(digits, '.', *localeconv()->decimal_point);
    return strtod(digits, NULL);
}

void anm_jinja_format_float(double d, char out[40]) {
    char digits[40];
    if (isnan(d) || isinf(d)) {
        snprintf(out, 40, "%s", isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    int precision = 1;
    do {
        snprintf(digits, sizeof digits, "%.*e", precision - 1, d);
    } while (strtod(digits, NULL) != d && precision++ < 17);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent >= -4 && exponent < 16) {
        int decimals = precision - 1 - exponent;
        snprintf(out, 40, "%.*f", decimals > 1 ? decimals : 1, d);
    } else {
        snprintf(out, 40, "%s", digits);
    }
    exchange(out, *localeconv()->decimal_point, '.');
}

/* Python's quotes: ' unless the text has ' and no ". */
static char python_quote(anm_sv text) {
    bool single = text.len && memchr(text.data, '\'', text.len);
    bool twice = text.len && memchr(text.data, '"', text.len);
    return single && !twice ? '"' : '\'';
}

static bool is_printable(uint32_t c) {
    if (c < 0x7f) return c >= 0x20;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
    }
}

static bool python_character(jinja_text *out, anm_sv text, size_t *at, char quote) {
    size_t start = *at;
    uint32_t c = anm_jinja_utf8_next(text, at);
    char escape[16];
    if (c == '\\' || c == (uint32_t)quote)
        snprintf(escape, sizeof escape, "\\%c", (char)c);
    else if (c == '\n' || c == '\r' || c == '\t')
        snprintf(escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (is_printable(c))
        return anm_jinja_text_add(out, (anm_sv){text.data + start, *at - start});
    else
        snprintf(escape, sizeof escape, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x",
                 c);
    return anm_jinja_text_puts(out, escape);
}

static bool python_string(jinja_text *out, anm_sv text) {
    char quote = python_quote(text);
    anm_sv mark = {&quote, 1};
    if (!anm_jinja_text_add(out, mark)) return false;
    for (size_t at = 0; at < text.len;)
        if (!python_character(out, text, &at, quote)) return false;
    return anm_jinja_text_add(out, mark);
}

static bool print(jinja_text *out, jinja_value v, int depth);

static bool print_list(jinja_text *out, const jinja_list *list, const char *open,
                       const char *close, int depth) {
    if (!anm_jinja_text_puts(out, open)) return false;
    for (size_t i = 0; i < list->len; i++) {
        if (i && !anm_jinja_text_puts(out, ", ")) return false;
        if (!print(out, list->items[i], depth)) return false;
    }
    return anm_jinja_text_puts(out, close);
}

static bool print_dict(jinja_text *out, const jinja_dict *dict, int depth) {
    if (!anm_jinja_text_puts(out, "{")) return false;
    for (size_t i = 0; i < dict->len; i++) {
        if (i && !anm_jinja_text_puts(out, ", ")) return false;
        if (!print(out, dict->entries[i].key, depth) || !anm_jinja_text_puts(out, ": ") ||
            !print(out, dict->entries[i].value, depth))
            return false;
    }
    return anm_jinja_text_puts(out, "}");
}

static bool print_number(jinja_text *out, jinja_value v) {
    char digits[40];
    if (JINJA_IS(v, JINJA_INT))
        snprintf(digits, sizeof digits, "%lld", (long long)v.integer);
    else
        anm_jinja_format_float(v.real, digits);
    return anm_jinja_text_puts(out, digits);
}

/* As an element of a list. */
static bool print(jinja_text *out, jinja_value v, int depth) {
    bool python = out->run->options->python;
    if (depth > JINJA_MAX_VALUE_DEPTH) return anm_jinja_raise_deep(out->run);
    if (!anm_jinja_charge(out->run, 1)) return false;
    switch ((jinja_kind)v.kind) {
    case JINJA_ABSENT:
    case JINJA_UNDEFINED: return anm_jinja_text_puts(out, python ? "Undefined" : "undefined");
    case JINJA_NONE: return anm_jinja_text_puts(out, python ? "None" : "null");
    case JINJA_BOOL:
        return anm_jinja_text_puts(out, python ? (v.truth ? "True" : "False")
                                               : (v.truth ? "true" : "false"));
    case JINJA_INT:
    case JINJA_FLOAT: return print_number(out, v);
    case JINJA_STRING:
        return python ? python_string(out, v.text) : anm_jinja_json_string(out, v.text, false);
    case JINJA_LIST: return print_list(out, v.list, "[", "]", depth + 1);
    case JINJA_TUPLE: return print_list(out, v.list, "(", v.list->len == 1 ? ",)" : ")", depth + 1);
    case JINJA_DICT: return print_dict(out, v.dict, depth + 1);
    case JINJA_NAMESPACE:
        return anm_jinja_text_puts(out, "<Namespace ") && print_dict(out, v.dict, depth + 1) &&
               anm_jinja_text_puts(out, ">");
    default:
        return anm_jinja_text_puts(out, "<") && anm_jinja_text_puts(out, anm_jinja_type_name(v)) &&
               anm_jinja_text_puts(out, ">");
    }
}

bool anm_jinja_repr(jinja_run *run, jinja_value v, anm_sv *out) {
    jinja_text text = {.run = run};
    if (!print(&text, v, 0)) return false;
    *out = anm_jinja_text_sv(&text);
    return true;
}

bool anm_jinja_text(jinja_run *run, jinja_value v, anm_sv *out) {
    switch (v.kind) {
    case JINJA_STRING: *out = v.text; return true;
    case JINJA_UNDEFINED: *out = (anm_sv){"", 0}; return true;
    case JINJA_NONE: *out = anm_sv_from("None"); return true;
    default: return anm_jinja_repr(run, v, out);
    }
}
